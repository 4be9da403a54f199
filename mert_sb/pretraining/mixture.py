"""In-batch noise mixture: pieces of a clip's neighbours added to it (section 3.3).

The teachers look at the clean clip, the student hears the mixed one, so it learns to
tell sources apart. The original drew against the inverse of its probability and mixed in
validation too; here 0 never mixes, 1 always does, and the Brain asks only in training.

B batch, S samples.

Authors
 * The mert_sb developers 2026
"""

import torch


class Mixture:
    """Adds excerpts of other clips of the batch.

    Arguments
    ---------
    probability : float
        Of mixing a clip at all (``mixture_prob``: 0.5).
    min_excerpts : int
        Fewest excerpts added to a mixed clip
        (``inbatch_noise_augment_number_range``: 1 to 3).
    max_excerpts : int
        Most excerpts.
    min_length : int
        Shortest excerpt in samples (``inbatch_noise_augment_len_range``: 12,000 to
        24,000, half a second to a second).
    max_length : int
        Longest excerpt in samples.
    gain : float
        Factor of the excerpts (``inbatch_noise_augment_volume``: 1).

    Example
    -------
    >>> mixture = Mixture(probability=1.0, min_length=10, max_length=20)
    >>> clean = torch.eye(2).repeat_interleave(50, dim=1)
    >>> mixed = mixture(clean, seeds=[0, 1])
    >>> mixed.shape, bool((mixed != clean).any())
    (torch.Size([2, 100]), True)
    """

    def __init__(
        self,
        *,
        probability=0.5,
        min_excerpts=1,
        max_excerpts=3,
        min_length=12_000,
        max_length=24_000,
        gain=1.0,
    ):
        if not 0 <= probability <= 1:
            raise ValueError(
                f"mixture probability {probability} is not in [0, 1]"
            )
        if not 1 <= min_excerpts <= max_excerpts:
            raise ValueError("mixture needs 1 <= min_excerpts <= max_excerpts")
        if not 1 <= min_length <= max_length:
            raise ValueError("mixture needs 1 <= min_length <= max_length")
        self.probability = probability
        self.excerpts = (min_excerpts, max_excerpts)
        self.lengths = (min_length, max_length)
        self.gain = gain

    def __call__(self, clean, seeds):
        """Mix a batch.

        Arguments
        ---------
        clean : torch.Tensor
            ``(B, S)``, left as it is.
        seeds : list of int
            One seed a clip (``mert_sb.seeds``).

        Returns
        -------
        torch.Tensor
            ``(B, S)``; ``clean`` itself if nothing was mixed.

        Raises
        ------
        ValueError
            If clips are shorter than the longest excerpt.
        """
        if self.probability == 0 or len(clean) == 1:
            return clean
        if clean.shape[1] < self.lengths[1]:
            raise ValueError(
                f"mixture max_length {self.lengths[1]} is longer than the clips of "
                f"{clean.shape[1]} samples"
            )
        mixed = clean.clone()
        for target, seed in zip(range(len(clean)), seeds, strict=True):
            generator = torch.Generator().manual_seed(int(seed))
            if torch.rand((), generator=generator).item() < self.probability:
                self._mix(mixed[target], clean, target, generator)
        return mixed

    def _mix(self, mixed, clean, target, generator):
        """Add this clip's excerpts to it, in place."""
        n_clips, n_samples = clean.shape

        def draw(low, high):
            return torch.randint(low, high + 1, (), generator=generator).item()

        for _ in range(draw(*self.excerpts)):
            neighbour = draw(0, n_clips - 2)
            neighbour += neighbour >= target
            length = draw(*self.lengths)
            source = draw(0, n_samples - length)
            start = draw(0, n_samples - length)
            excerpt = clean[neighbour, source : source + length]
            mixed[start : start + length].add_(excerpt, alpha=self.gain)
