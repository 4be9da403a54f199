"""Downstream: what recipes that use a trained encoder share.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.downstream.frozen import Frozen
from mert_sb.downstream.groups import layerwise_groups
from mert_sb.downstream.pooling import LayerMix, mean_over_time

__all__ = ["Frozen", "LayerMix", "layerwise_groups", "mean_over_time"]
