"""Options that all commands share which open a model.

Authors
 * The mert_sb developers 2026
"""

from speechbrain.utils.fetching import FetchConfig

SOURCE = "folder, fairseq .pt file or Hub id, such as m-a-p/MERT-v1-95M or MERT-v1-95M"


def add_source(parser, name, text=SOURCE):
    """Add a model's place and what the Hub needs to know.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of a command.
    name : str
        What the command calls the model.
    text : str
        What it may be.

    Example
    -------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_source(parser, "model")
    >>> parser.parse_args(["MERT-v1-95M", "--revision", "main"]).model
    'MERT-v1-95M'
    """
    parser.add_argument(name, metavar=name.upper(), help=text)
    parser.add_argument(
        "--revision", help="branch, tag or commit of the Hub's repository"
    )
    parser.add_argument(
        "--use-token",
        action="store_true",
        help="for private repositories: send the token in HF_TOKEN or the one "
        "saved by `hf auth login`",
    )


def fetch_config(arguments):
    """How to fetch what the arguments name.

    Arguments
    ---------
    arguments : argparse.Namespace
        With what ``add_source`` adds.

    Returns
    -------
    speechbrain.utils.fetching.FetchConfig
        For ``locate`` and ``MusicEncoder.from_original``.

    Example
    -------
    >>> import argparse
    >>> arguments = argparse.Namespace(revision="v1", use_token=False)
    >>> fetch_config(arguments).revision
    'v1'
    """
    return FetchConfig(revision=arguments.revision, token=arguments.use_token)
