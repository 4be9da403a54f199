"""Tokens and passwords: not to be written into logs and kept YAMLs.

A run's folder is shared, and what was on its command line is in it.

Authors
 * The mert_sb developers 2026
"""

import os
import re

# Variables whose values are secret.
VARIABLES = (
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "WANDB_API_KEY",
    "GITHUB_TOKEN",
    "GH_TOKEN",
)
LEAST_LENGTH = 8
_SECRET = re.compile(
    r"(?P<url>\b(?i:(?:[a-z0-9.-]+\+)?https?)://)[^\s/@\"']+@"
    r"|(?P<other>\b(?i:[a-z][a-z0-9+.-]*)://[^\s/@:\"']*):[^\s/@\"']+@"
    r"|\bhf_[A-Za-z0-9]{16,}"
    r"|\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{16,}"
)
# Keys of YAML that are for one; switches, nothing and numbers are none.
_KEY = re.compile(
    r"(?:^|[\s{,\"'])(?:(?:hf|hub|auth|access|api)?_?token|password|passwd|secret"
    r"|(?:api|access|secret)_?key)[\"']?\s*:\s+"
    r"(?!(?:null|true|false|yes|no|on|off|[\d.+-]+|\"\"|'')(?:[\s,}]|$))[^\s~\[{!#|>&*]",
    re.IGNORECASE,
)
HIDDEN = "***"


def redacted(text):
    """A text without tokens and passwords.

    Arguments
    ---------
    text : str
        What is to be written.

    Returns
    -------
    str
        With ``***`` in place of passwords in addresses, of tokens of the Hub and of
        GitHub, and of the values of ``VARIABLES``.

    Example
    -------
    >>> redacted(
    ...     "-e git+https://me:geheim@host/a.git, as hf_abcdefghijklmnopqr"
    ... )
    '-e git+https://***@host/a.git, as ***'
    """
    for name in VARIABLES:
        value = os.environ.get(name, "").strip()
        if len(value) >= LEAST_LENGTH:
            text = text.replace(value, HIDDEN)
    return _SECRET.sub(_hidden, text)


def refuse_tokens(text, where):
    """Refuse a text with a token or a password in it, or under a key for one.

    Arguments
    ---------
    text : str
        Lines of YAML.
    where : str or pathlib.Path
        Where it is from, for the error, which does not repeat it.

    Raises
    ------
    ValueError
        With the key that holds it.

    Example
    -------
    >>> refuse_tokens("source: https://me:geheim@host/a", "a.yaml")
    Traceback (most recent call last):
        ...
    ValueError: a.yaml: source holds a token or a password, which would be ...
    """
    for line in text.splitlines():
        code = re.sub(r"(^|\s)#.*", "", line)
        if redacted(line) != line or _KEY.search(code):
            key = redacted(line.partition(":")[0].strip(" -"))
            raise ValueError(
                f"{where}: {key} holds a token or a password, which would be written "
                "into the run's folder; leave it out, and give a token in HF_TOKEN "
                "or by `hf auth login`"
            )


def _hidden(match):
    """What is left of a secret: of an address its scheme and its user."""
    if match["url"]:
        return f"{match['url']}{HIDDEN}@"
    if match["other"]:
        return f"{match['other']}:{HIDDEN}@"
    return HIDDEN
