"""Downstream: what recipes that use a trained encoder share.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.downstream.frozen import Frozen
from mert_sb.downstream.groups import layerwise_groups
from mert_sb.downstream.pooling import mean_over_time
from mert_sb.downstream.probe import StateMix

__all__ = ["Frozen", "StateMix", "layerwise_groups", "mean_over_time"]
