"""The clock: how samples map to frames, stated here and nowhere else.

The student's seven convolutions (kernels 10, 3, 3, 3, 3, 2, 2; strides 5, 2, 2,
2, 2, 2, 2) step 320 samples and see 400, so

    T = (S - 400) // 320 + 1,

and frame ``t`` is centred on sample ``320 t + 199.5``. At 24 kHz that is 75 frames
a second, at 16 kHz (MERT v0) 50.

Teachers tick at the same hop but start elsewhere: EnCodec's frame ``t`` covers
samples ``320 t ... 320 t + 319`` (first centre 159.5), a centred transform's frame
``t`` lies on sample ``320 t`` (first centre 0). ``alignment`` says which of their
frames belongs to student frame 0 and how far its centre then lies off. The original
cuts tails instead, with a truncation "calculated by bruteforce search"
(mert_model.py:557), which pairs centred CQT frames 200 samples early.

A student may join ``n`` neighbouring frames into one (its ``subsample``). Frames then
step ``320 n`` samples and see ``320 n + 80``, so that there are ``T // n`` of them, and
frame ``t`` is centred on sample ``320 n t + 160 n + 39.5``, in the middle of those it
joins. The functions below take ``subsample`` where such a clock is asked for; without
it they speak of the clock above, which is that of teachers and crops always.

Authors
 * The mert_sb developers 2026
"""

KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)
HOP_LENGTH = 320
RECEPTIVE_FIELD = 400
FIRST_CENTRE = (RECEPTIVE_FIELD - 1) / 2

# Zeros to put before a clip so that frame t + 1 of a centred transform lies on
# sample 320 t + 200, half a sample off the centre of student frame t.
CENTRED_PADDING = HOP_LENGTH - RECEPTIVE_FIELD // 2


def hop_length(subsample=1):
    """Samples from one frame to the next.

    Arguments
    ---------
    subsample : int
        Frames joined into one.

    Returns
    -------
    int
        In samples.

    Example
    -------
    >>> hop_length(), hop_length(3)
    (320, 960)
    """
    return HOP_LENGTH * subsample


def receptive_field(subsample=1):
    """Samples that a frame sees.

    Arguments
    ---------
    subsample : int
        Frames joined into one.

    Returns
    -------
    int
        In samples.

    Example
    -------
    >>> receptive_field(), receptive_field(3)
    (400, 1040)
    """
    return RECEPTIVE_FIELD + HOP_LENGTH * (subsample - 1)


def n_frames(n_samples, subsample=1):
    """Number of student frames of a clip.

    Arguments
    ---------
    n_samples : int
        Length of the clip in samples.
    subsample : int
        Frames joined into one; what is left over is none.

    Returns
    -------
    int
        Number of frames; 0 for clips shorter than the receptive field.

    Example
    -------
    >>> n_frames(120_400), n_frames(120_000), n_frames(399)
    (376, 374, 0)
    >>> n_frames(120_400, subsample=3)
    125
    """
    over = n_samples - receptive_field(subsample)
    return max(over // hop_length(subsample) + 1, 0)


def n_samples(n_frames, subsample=1):
    """Smallest number of samples that gives this many student frames.

    Arguments
    ---------
    n_frames : int
        Number of frames, at least 1.
    subsample : int
        Frames joined into one.

    Returns
    -------
    int
        Length in samples.

    Example
    -------
    >>> n_samples(376), n_samples(125, subsample=3)
    (120400, 120080)
    """
    return (n_frames - 1) * hop_length(subsample) + receptive_field(subsample)


def frame_rate(sample_rate, subsample=1):
    """Frames a second at a sample rate.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    subsample : int
        Frames joined into one.

    Returns
    -------
    float
        Frames a second.

    Example
    -------
    >>> frame_rate(24_000), frame_rate(16_000), frame_rate(24_000, 3)
    (75.0, 50.0, 25.0)
    """
    return sample_rate / hop_length(subsample)


def centre(frame, subsample=1):
    """Centre of a student frame, in samples from the start of its clip.

    Arguments
    ---------
    frame : int
        Index of the frame.
    subsample : int
        Frames joined into one.

    Returns
    -------
    float
        Position in samples.

    Example
    -------
    >>> centre(0), centre(2), centre(0, subsample=3)
    (199.5, 839.5, 519.5)
    """
    first = (receptive_field(subsample) - 1) / 2
    return first + frame * hop_length(subsample)


def snap(sample):
    """Move a position back to the start of the frame step it lies in.

    Crops that start on a multiple of the hop have frames that are frames of
    the whole file too, so targets stored for the file can be cut alike.

    Arguments
    ---------
    sample : int
        Position in samples.

    Returns
    -------
    int
        The nearest multiple of the hop that is not later.

    Example
    -------
    >>> snap(1_000)
    960
    """
    return sample // HOP_LENGTH * HOP_LENGTH


def alignment(first_centre):
    """Which frame of a teacher belongs to student frame 0.

    Arguments
    ---------
    first_centre : float
        Centre of the teacher's frame 0, in samples from the start of the clip.

    Returns
    -------
    tuple of (int, float)
        Index of the teacher frame nearest to student frame 0, and the offset of
        its centre from the student's, in samples.

    Example
    -------
    >>> alignment(159.5)  # EnCodec
    (0, -40.0)
    >>> alignment(0.0)  # centred transform
    (1, 120.5)
    >>> alignment(-CENTRED_PADDING)  # the same, its clip padded in front
    (1, 0.5)
    """
    index = round((FIRST_CENTRE - first_centre) / HOP_LENGTH)
    return index, first_centre + index * HOP_LENGTH - FIRST_CENTRE


def align(targets, n_frames, first_centre):
    """Cut a teacher's frames so that row ``t`` belongs to student frame ``t``.

    Arguments
    ---------
    targets : torch.Tensor
        ``(B, T', ...)``, all the teacher's frames of the clip.
    n_frames : int
        Number of student frames ``T`` of the same clip.
    first_centre : float
        Centre of the teacher's frame 0 in samples.

    Returns
    -------
    torch.Tensor
        ``(B, T, ...)``, a view.

    Raises
    ------
    ValueError
        If the teacher has too few frames for this clip.

    Example
    -------
    >>> import torch
    >>> align(torch.arange(4)[None], 3, first_centre=0.0)
    tensor([[1, 2, 3]])
    """
    start, _ = alignment(first_centre)
    if targets.shape[1] < start + n_frames:
        raise ValueError(
            f"{targets.shape[1]} target frames for {n_frames} student frames, "
            f"of which the first belongs to target frame {start}"
        )
    return targets[:, start : start + n_frames]
