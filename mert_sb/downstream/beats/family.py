"""The family of beat tracking: targets, loss, decoding, metrics.

Validation and test decode beats of whole clips; metrics are of all clips together, as
the benchmark's, and means of clips, as mir_eval's.

B batch, T frames, F files, N beats, K downbeats.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import torch
from speechbrain.utils.logger import get_logger

from mert_sb.downstream.beats import metrics
from mert_sb.downstream.beats.losses import ShiftTolerant, Widened

logger = get_logger(__name__)

LOSSES = {"widened": Widened, "shift_tolerant": ShiftTolerant}

# Of the right tempo, what accuracy 2 takes for right too (Gouyon et al., 2006).
OCTAVES = (1, 2, 3, 1 / 2, 1 / 3)


class Beats:
    """Beats and downbeats; F-measure of beats.

    Arguments
    ---------
    loss : str or object
        ``"widened"`` or ``"shift_tolerant"``, or one of these classes' objects of
        ``beats.losses`` with other settings.
    decoder : callable
        From activations ``(T, 2)`` and frame rate to beats and downbeats: see
        ``beats.decode``.

    Raises
    ------
    ValueError
        If the loss has another name.

    Example
    -------
    >>> from mert_sb.downstream.beats.decode import PeakPicking
    >>> family = Beats(loss="widened", decoder=PeakPicking())
    >>> family.n_outputs, family.MONITOR
    (2, 'f_measure')
    """

    MONITOR = "f_measure"
    n_outputs = 2

    def __init__(self, *, loss, decoder):
        if isinstance(loss, str):
            if loss not in LOSSES:
                raise ValueError(
                    f"loss is {loss!r}, give one of {', '.join(LOSSES)}"
                )
            loss = LOSSES[loss]()
        self.criterion = loss
        self.decoder = decoder

    def __repr__(self):
        loss, decoder = (
            f"{type(part).__name__}({vars(part)})"
            for part in (self.criterion, self.decoder)
        )
        return f"Beats({loss}, {decoder})"

    def targets(self, beats, downbeats, n_frames, frame_rate):
        """Targets of a clip, as the loss needs them.

        Arguments
        ---------
        beats : numpy.ndarray
            Seconds from the clip's start; those outside too, if near.
        downbeats : numpy.ndarray or None
            Seconds; None where they are not known, and not to be learned.
        n_frames : int
            T.
        frame_rate : float
            Frames per second.

        Returns
        -------
        torch.Tensor
            ``(T, 2)``; NaN where it is not known.
        """
        known = [] if downbeats is None else downbeats
        targets = self.criterion.targets(beats, known, n_frames, frame_rate)
        if downbeats is None:
            targets = targets.float()
            targets[:, 1] = torch.nan
        return targets

    def loss(self, logits, targets, n_frames):
        """Loss of clips.

        Arguments
        ---------
        logits : torch.Tensor
            ``(B, T, 2)``.
        targets : torch.Tensor
            ``(B, T, 2)``.
        n_frames : torch.Tensor
            ``(B,)`` frames without padding.

        Returns
        -------
        torch.Tensor
            ``(B,)``.
        """
        return self.criterion(logits, targets, n_frames)

    def decode(self, activations, frame_rate):
        """Beats of a file.

        Arguments
        ---------
        activations : numpy.ndarray
            ``(T, 2)`` probabilities.
        frame_rate : float
            Frames per second.

        Returns
        -------
        tuple of (numpy.ndarray, numpy.ndarray)
            Beats ``(N,)`` and downbeats ``(K,)``, seconds.
        """
        return self.decoder(activations, frame_rate)

    def measure(self, estimates, references):
        """Metrics of files.

        ``f_measure`` and ``f_measure_20ms`` count all files' beats together, and so do
        those of downbeats; the others are means over files. Where a file has no
        reference beats, those estimated are wrong, and it is in no mean; files without
        reference downbeats are in no metric of downbeats. How many files have them is
        told; a metric of no file is 0.

        Arguments
        ---------
        estimates : list of tuple of (numpy.ndarray, numpy.ndarray)
            F files' beats and downbeats.
        references : list of tuple of (numpy.ndarray, numpy.ndarray)
            The same.

        Returns
        -------
        dict of str to float
            By the metric's name.
        """
        pairs = list(zip(estimates, references, strict=True))
        beats = [(e[0], r[0]) for e, r in pairs]
        downbeats = [(e[1], r[1]) for e, r in pairs if len(r[1])]
        annotated = [pair for pair in beats if len(pair[1])]
        scores = _pooled("", beats)
        scores |= _means(annotated)
        scores |= _pooled("downbeat_", downbeats)
        counts = {
            "files_with_beats": len(annotated),
            "files_with_downbeats": len(downbeats),
        }
        for name, count in counts.items():
            if count < len(pairs):
                logger.warning("%s: %d of %d", name, count, len(pairs))
        return scores | {name: float(count) for name, count in counts.items()}

    def conclude(self, valid, test):
        """Nothing is decided on validation.

        Arguments
        ---------
        valid : dict of str to float
            Of the checkpoint tested.
        test : dict of str to float
            Of the test.

        Returns
        -------
        dict of str to float
            Of the test.
        """
        return test


def _pooled(prefix, pairs):
    """F-measures over all files, and the mean of files'."""
    estimates, references = [e for e, _ in pairs], [r for _, r in pairs]
    scores = {
        f"{prefix}f_measure{name}": metrics.pooled_f(
            estimates, references, tolerance=tolerance
        )
        for name, tolerance in (("", 0.07), ("_20ms", 0.02))
    }
    each = [metrics.f_measure(e, r) for e, r in pairs if len(r)]
    return scores | {f"{prefix}f_measure_per_file": _mean(each)}


def _means(pairs):
    """Means over files with reference beats; tempi where there are two beats."""
    runs = np.array([metrics.continuity(e, r) for e, r in pairs])
    names = ("cmlc", "cmlt", "amlc", "amlt")
    scores = dict(zip(names, map(_mean, runs.reshape(-1, 4).T), strict=True))
    tempi = [
        (metrics.tempo(estimate), metrics.tempo(reference))
        for estimate, reference in pairs
        if len(reference) > 1
    ]
    for name, factors in (("", (1,)), ("_2", OCTAVES)):
        scores[f"tempo_accuracy{name}"] = _mean(
            [metrics.same_tempo(*pair, factors=factors) for pair in tempi]
        )
    return scores


def _mean(values):
    return float(np.mean(values)) if len(values) else 0.0
