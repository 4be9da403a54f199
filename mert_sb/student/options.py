"""Settings of the student that belong together, and those that exclude one another.

Authors
 * The mert_sb developers 2026
"""

# Setting -> its values -> the settings that only this value reads, and their defaults.
CHOICES = {
    "frontend": {
        "conv": {
            "conv_channels": 512,
            "conv_norm": "group",
            "conv_bias": False,
        },
        "mel": {
            "n_mels": 128,
            "n_fft": 1024,
            "mel_stack": 1,
            "mel_channels": 512,
            "mel_mean": -7.7,
            "mel_std": 2.8,
        },
    },
    "layer_type": {"transformer": {}, "conformer": {"depthwise_kernel": 31}},
}


def complete(settings):
    """Settings with the defaults of what they choose; nothing is refused.

    Arguments
    ---------
    settings : dict
        ``MERT``'s keyword arguments, all of them.

    Returns
    -------
    dict
        A new one; None stays where another choice would read the setting.

    Example
    -------
    >>> given = {"frontend": "mel", "n_mels": 64, "n_fft": None}
    >>> complete(given)["n_mels"], complete(given)["n_fft"]
    (64, 1024)
    """
    settings = dict(settings)
    for name, values in CHOICES.items():
        for key, default in values.get(settings.get(name), {}).items():
            if settings.get(key) is None:
                settings[key] = default
    return settings


def settle(settings):
    """Complete settings, after a check that no two contradict each other.

    Arguments
    ---------
    settings : dict
        ``MERT``'s keyword arguments, all of them.

    Returns
    -------
    dict
        As ``complete`` gives.

    Raises
    ------
    ValueError
        If a choice is unknown, a setting belongs to what was not chosen, or two
        exclude each other.

    Example
    -------
    >>> settle({"frontend": "mel", "conv_channels": 16})
    Traceback (most recent call last):
        ...
    ValueError: conv_channels: 16 is of frontend: conv, but frontend is mel; ...
    """
    for name, values in CHOICES.items():
        _refuse_of_others(settings, name, values)
    _refuse_contradictions(settings)
    return complete(settings)


def _refuse_of_others(settings, name, values):
    """Refuse an unknown choice, and settings that only other values read."""
    chosen = settings.get(name, next(iter(values)))
    if chosen not in values:
        raise ValueError(f"{name}: {chosen!r} is none of {', '.join(values)}")
    for value, keys in values.items():
        for key in keys:
            given = settings.get(key)
            if value != chosen and given is not None:
                raise ValueError(
                    f"{key}: {given!r} is of {name}: {value}, but {name} is "
                    f"{chosen}; leave {key} out, or say null"
                )


def _refuse_contradictions(settings):
    """Refuse pairs that exclude each other."""
    norm = settings.get("norm")
    if settings.get("layer_type") == "conformer" and norm != "pre":
        raise ValueError(
            f"norm: {norm!r} with layer_type: conformer, whose norms stand before "
            "each of its parts; say norm: pre"
        )
    window = settings.get("attention_window")
    n_global = settings.get("global_frames") or 0
    if n_global and window is None:
        raise ValueError(
            f"global_frames: {n_global} without attention_window: in full "
            "attention every frame is global; give attention_window, or leave "
            "global_frames out"
        )
