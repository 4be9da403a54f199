"""How a teacher's codes are used: perplexity, and a plot.

C codes, K codebooks.

Authors
 * The mert_sb developers 2026
"""

import torch


def perplexity(counts):
    """How many equally frequent codes would be as hard to guess.

    Arguments
    ---------
    counts : torch.Tensor
        Frames of each code ``(C,)``.

    Returns
    -------
    float
        From 1 to C.

    Example
    -------
    >>> round(perplexity(torch.tensor([5, 5, 0])), 3)
    2.0
    """
    shares = counts / counts.sum()
    return torch.special.entr(shares.double()).sum().exp().item()


def plot_usage(report, path, *, title=None, labels=None):
    """Draw how often codes are used, the most frequent first.

    Arguments
    ---------
    report : dict
        Of ``fit_kmeans`` or ``fit_mel_rvq``: ``usage`` and ``perplexity`` of each
        codebook.
    path : str or pathlib.Path
        PNG to write.
    title : str, optional
        Above the plot.
    labels : list of str, optional
        What each codebook is called; None: codebook 0, 1 and so on.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the report has no usage, or there are not as many labels as codebooks.

    Example
    -------
    >>> from importlib.util import find_spec
    >>> path = getfixture("tmpdir") / "usage.png"
    >>> report = {"usage": [[6, 3, 1]], "perplexity": [2.5]}
    >>> plot_usage(report, path) if find_spec("matplotlib") else None
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "plot_usage draws with matplotlib, which is not installed: pip install "
            "matplotlib"
        ) from error
    if not report.get("usage"):
        raise ValueError(
            f"usage of codes is not in the report, which has {sorted(report)}; "
            "give that of a fit"
        )
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    labels = labels or [f"codebook {i}" for i in range(len(report["usage"]))]
    books = (report["usage"], report["perplexity"], labels)
    for usage, number, label in zip(*books, strict=True):
        counts = torch.tensor(usage, dtype=torch.float64)
        shares = (counts / counts.sum()).sort(descending=True).values
        axes.step(
            range(1, len(shares) + 1),
            shares.where(shares > 0, torch.nan),
            where="mid",
            label=f"{label}: perplexity {number:.0f} of {len(shares)}",
        )
    axes.set(
        yscale="log",
        xlabel="code, the most frequent first",
        ylabel="share of frames",
        title=title or "",
    )
    axes.legend()
    figure.savefig(path, format="png", dpi=150)
