"""Files of a model from a local folder or the Hugging Face Hub, and back to the Hub.

A repository of the Hub is named ``owner/name``. What is in huggingface_hub's cache is
taken without a request, and its hash compared with the Hub's (``cache.verified``).

Authors
 * The mert_sb developers 2026
"""

import os
import pathlib
import re

import huggingface_hub as client
from huggingface_hub import constants, errors
from speechbrain.utils.fetching import FetchConfig

from mert_sb.inference.cache import verified

_PART = r"\w([\w.-]{,94}\w)?"
_REVISION = r"\w[\w./+-]{,254}"
_HUB_ID = re.compile(rf"(?!.*(--|\.\.|\.git$)){_PART}/{_PART}", re.ASCII)

# The root of the transport's errors (requests, httpx or httpx2, by version) is a base
# of the client's own. RuntimeError: the upload of a large file failed.
_CLIENT_ERRORS = (errors.HfHubHTTPError.__bases__[0], OSError, RuntimeError)
_LOG_IN = "run `hf auth login` and set token=True, or give a token"


def is_hub_id(source):
    """Whether a source names a repository of the Hub.

    Arguments
    ---------
    source : str or path-like
        What a user gave. A ``pathlib.Path`` always means a local path.

    Returns
    -------
    bool
        True for ``owner/name`` in the Hub's characters that is no local path.

    Example
    -------
    >>> is_hub_id("m-a-p/MERT-v1-95M")
    True
    >>> [is_hub_id(s) for s in ("MERT-v1-95M", "./x", "/x", "a/b/c", "x.pt")]
    [False, False, False, False, False]
    """
    named = isinstance(source, str) and _HUB_ID.fullmatch(source)
    return bool(named) and not os.path.exists(source)


def fetch_file(source, names, fetch_config=None):
    """Path of a model's file: the first of several names that exists.

    Arguments
    ---------
    source : str or path-like
        A local folder, or a repository of the Hub.
    names : str or list of str
        The preferred first. The next is tried where one is known to be absent, or
        not cached when offline, but not where the network fails.
    fetch_config : speechbrain.utils.fetching.FetchConfig or None
        ``revision``: a branch, tag or commit. ``token``: True (the saved one), False
        or a token. ``allow_network=False``: only the cache. ``allow_updates=True``:
        ask the Hub also for what is cached. ``overwrite`` has no effect.

    Returns
    -------
    pathlib.Path
        In the folder, or in the cache and with the Hub's hash.

    Raises
    ------
    OSError
        A FileNotFoundError if the folder, repository, revision or file does not
        exist; a PermissionError if the Hub wants another token or the owner's
        consent; a ConnectionError if the network fails, or is switched off and no
        name is cached; a plain one if a file's content is not the Hub's.
    ValueError
        If the revision can be none.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "pytorch_model.bin").write_bytes(b"weights")
    >>> fetch_file(folder, ["model.safetensors", "pytorch_model.bin"]).name
    'pytorch_model.bin'
    """
    names = [names] if isinstance(names, str) else names
    fetch_config = fetch_config or FetchConfig()
    wanted = f"{' or '.join(names)} of {source}"
    if not is_hub_id(source):
        return _local_file(pathlib.Path(source), names, wanted)
    paths = []
    for name in names:
        paths.append(_hub_file(source, name, fetch_config))
        if isinstance(paths[-1], str):
            return verified(pathlib.Path(paths[-1]), f"{name} of {source}")
    if None in paths:
        cache = fetch_config.huggingface_cache_dir or constants.HF_HUB_CACHE
        why = f"the network is off (allow_network, HF_HUB_OFFLINE), {cache} has none"
        raise ConnectionError(f"{wanted}: {why}; load it once with the network")
    why = f"no such file at {constants.ENDPOINT}/{source}"
    raise FileNotFoundError(f"{wanted}: {why}; check the source")


def push_folder(
    folder,
    repo_id,
    *,
    token=None,
    private=False,
    revision=None,
    commit_message="Upload a model of mert_sb",
):
    """Upload a folder's files to the Hub in one commit.

    The repository and the branch are created if missing; files that only the
    repository has stay. Names that start with a dot are left out.

    Arguments
    ---------
    folder : path-like
        What to upload, with its subfolders.
    repo_id : str
        ``owner/name``; or a name alone, the token's owner being its owner.
    token : str, bool or None
        One that may write; None or True: the one saved by ``hf auth login``.
    private : bool
        Create it so that only the owner sees it; a public one is refused.
    revision : str or None
        Branch; None: ``main``.
    commit_message : str
        Its first line is the title.

    Returns
    -------
    str
        The repository's address.

    Raises
    ------
    OSError
        As of ``fetch_file``.
    ValueError
        If the name, the branch or the card is not valid, private is asked of a
        public one, or a file is a link that leads out of the folder.

    Example
    -------
    >>> push_folder(getfixture("tmp_path"), "me/my-mert")
    Traceback (most recent call last):
    FileNotFoundError: ... has no files to upload
    """
    operations = _additions(pathlib.Path(folder))
    _check_revision(revision)
    if constants.HF_HUB_OFFLINE:
        raise ConnectionError("HF_HUB_OFFLINE is set: unset it to upload")
    api = client.HfApi(token=_checked(token))
    try:
        url = api.create_repo(repo_id, private=private, exist_ok=True)
        repo_id = url.repo_id
        if private and not api.model_info(repo_id).private:
            raise ValueError(f"{repo_id} is public; make it private first")
        if revision is not None:
            api.create_branch(repo_id, branch=revision, exist_ok=True)
        settings = {"commit_message": commit_message, "revision": revision}
        api.create_commit(repo_id, operations, **settings)
    except _CLIENT_ERRORS as error:
        _raise_clearly(error, f"upload to {repo_id}")
    return str(url)


def _local_file(folder, names, wanted):
    """The first of the names that is in the folder."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    kinds = "a local folder with such a file nor a repository (owner/name)"
    raise FileNotFoundError(f"{wanted}: neither {kinds}; check the source")


def _additions(folder):
    """What a commit of a folder's files consists of."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in paths]
    names = [name for name in names if "/." not in f"/{name}"]
    for name in names:
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise ValueError(
                f"{folder / name} links to a file outside of the folder, which would "
                "be uploaded; put a copy there, or take the link away"
            )
    if not names:
        raise FileNotFoundError(f"{folder} has no files to upload")
    return [client.CommitOperationAdd(name, folder / name) for name in names]


def _checked(token):
    """A token without blanks around; a transport's error would quote a bad one."""
    if not isinstance(token, str):
        return token
    if not re.fullmatch(r"[!-~]+", token.strip()):
        raise PermissionError("the token is empty or not one; copy it again")
    return token.strip()


def _check_revision(revision):
    """Refuse what no branch, tag or commit of git is called; None is the default."""
    if revision is None:
        return
    usual = re.fullmatch(_REVISION, str(revision), re.ASCII)
    odd = re.search(r"\.\.|//|/\.|\.lock$|[/.]$", str(revision))
    if not isinstance(revision, str) or odd or not usual:
        raise ValueError(f"revision: {revision!r} is no branch, tag or commit")


def _hub_file(source, name, fetch_config):
    """Path in the cache, None if unknown offline, else: the Hub has no such file."""
    where = {
        "cache_dir": fetch_config.huggingface_cache_dir,
        "revision": fetch_config.revision,
    }
    token = _checked(fetch_config.token)
    _check_revision(fetch_config.revision)
    offline = constants.HF_HUB_OFFLINE or not fetch_config.allow_network
    cached = client.try_to_load_from_cache(source, name, **where)
    if offline or (cached is not None and not fetch_config.allow_updates):
        return cached
    try:
        return client.hf_hub_download(source, name, token=token, **where)
    except _CLIENT_ERRORS as error:
        absent = isinstance(error, errors.EntryNotFoundError)
        if absent and not isinstance(error, errors.LocalEntryNotFoundError):
            return False
        version = f"revision {fetch_config.revision or 'main'}; no local folder"
        _raise_clearly(error, f"{name} of {source} ({version})")


def _raise_clearly(error, wanted):
    """Raise a standard error for what the client raised."""
    wrapper = isinstance(error, (errors.LocalEntryNotFoundError, RuntimeError))
    reason = error.__cause__ if wrapper and error.__cause__ else error
    if isinstance(reason, OSError) and reason.errno is not None:
        raise reason  # of this machine: a full disk, a cache that is read-only
    if isinstance(reason, errors.LocalTokenNotFoundError):
        raise PermissionError(f"{wanted}: no token saved; {_LOG_IN}") from error
    status, answer = 0, f"{constants.ENDPOINT} gave no usable answer"
    if isinstance(reason, errors.HfHubHTTPError):
        status = reason.response.status_code
        answer = f"{constants.ENDPOINT} answered {status}"
        answer += f", {reason.server_message}" if reason.server_message else ""
    kind, remedy = OSError, "it does not accept this request"
    if isinstance(reason, errors.GatedRepoError):
        kind, remedy = PermissionError, f"ask its owner there, then {_LOG_IN}"
    elif status in (401, 403):
        kind, remedy = PermissionError, f"check the name, or {_LOG_IN}"
    elif status == 404:
        kind, remedy = FileNotFoundError, "check the name and the revision"
    elif status in (0, 408, 429) or status >= 500:
        kind, remedy = ConnectionError, "check the network and try again"
    raise kind(f"{wanted}: {answer}; {remedy}") from error
