"""What the original's layouts can say of a student, and what they cannot.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.tensors import CheckpointError

# What the original's layouts can say of these settings.
ORIGINAL = {
    "frontend": ("conv",),
    "subsample": (1,),
    "projection_norm": (False,),
    "norm": ("post", "pre", "deepnorm"),
    "layer_type": ("transformer",),
    "attention_window": (None,),
}


def refuse_beyond_original(settings, layout, path, able=()):
    """Refuse to write a student that an original's layout cannot describe.

    Arguments
    ---------
    settings : dict
        The student's.
    layout : str
        Its name, for the error.
    path : str or pathlib.Path
        What was to be written, for the error.
    able : sequence of str
        Settings of which this layout can say more than the other.

    Raises
    ------
    CheckpointError
        With the first setting that it has no words for.

    Example
    -------
    >>> settings = dict.fromkeys(ORIGINAL) | {"frontend": "mel"}
    >>> refuse_beyond_original(settings, "fairseq", "a.pt")
    Traceback (most recent call last):
        ...
    mert_sb...CheckpointError: a.pt: fairseq's layout knows no frontend: 'mel', ...
    """
    for key, known in ORIGINAL.items():
        if settings[key] not in known and key not in able:
            raise CheckpointError(
                f"{path}: {layout}'s layout knows no {key}: {settings[key]!r}, "
                f"only {', '.join(map(repr, known))}; keep to the folder that "
                "export_student writes"
            )
