"""Files of models: from a folder, from a Hub that may fail, and back to it.

Authors
 * The mert_sb developers 2026
"""

import logging
import pathlib
import re
import traceback

import pytest
from speechbrain.utils.fetching import FetchConfig

from mert_sb.inference.cache import pinned
from mert_sb.inference.hub import fetch_file, is_hub_id, push_folder
from tests.utils import hub_server
from tests.utils.hub_server import READER, WRITER, Fault, Repository

MODEL = "a-b/Model-v1.0"
CONFIG, WEIGHTS, OLD = "config.json", "model.safetensors", "pytorch_model.bin"
FILES = {CONFIG: b'{"a": 1}\n', OLD: bytes(range(256)) * 400}
OFFLINE = FetchConfig(allow_network=False)
UPDATES = FetchConfig(allow_updates=True)
SWITCH = "huggingface_hub.constants.HF_HUB_OFFLINE"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with hub_server.serve() as server:
        server.repositories[MODEL] = Repository(FILES)
        hub_server.point_client_at(server, tmp_path / "cache", monkeypatch)
        yield server


def asked(hub, end):
    return sum(request.endswith(end) for request in hub.requests)


def test_what_a_hub_id_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_hub_id("m-a-p/MERT-v1-95M")
    assert is_hub_id("a/b_c.d-e")
    others = r"x x.pt ./x ../x /x x/ a/b/c a/b--c a/b.git a\b h://x".split()
    others += ["", "a/b c", pathlib.Path("a/b")]
    assert [source for source in others if is_hub_id(source)] == []
    pathlib.Path("a/b").mkdir(parents=True)
    assert not is_hub_id("a/b")


def test_a_folder_gives_the_first_file_or_is_named(tmp_path):
    (tmp_path / OLD).write_bytes(b"old")
    assert fetch_file(tmp_path, [WEIGHTS, OLD]) == tmp_path / OLD
    (tmp_path / WEIGHTS).write_bytes(b"new")
    assert fetch_file(str(tmp_path), [WEIGHTS, OLD]) == tmp_path / WEIGHTS
    with pytest.raises(FileNotFoundError, match=f"x or y of {tmp_path}"):
        fetch_file(tmp_path, ["x", "y"])
    for source in ("MERT-v1-95M", "./a/b", "no/such/folder"):
        with pytest.raises(FileNotFoundError, match=f"{source}: .*owner/name"):
            fetch_file(source, CONFIG)


def test_cached_files_need_no_request_and_absent_names_are_remembered(hub):
    for names in (CONFIG, [WEIGHTS, OLD]):
        path = fetch_file(MODEL, names)
        assert path.read_bytes() == FILES[path.name]
    assert path.name == OLD
    hub.requests.clear()
    assert fetch_file(MODEL, CONFIG).read_bytes() == FILES[CONFIG]
    assert fetch_file(MODEL, [WEIGHTS, OLD]) == path
    assert fetch_file(MODEL, [CONFIG, OLD]).name == CONFIG
    assert hub.requests == []


def test_no_other_name_is_taken_when_the_network_fails(hub):
    fetch_file(MODEL, CONFIG)
    hub.faults = [Fault(WEIGHTS, status=503)]
    with pytest.raises(ConnectionError, match=f"{WEIGHTS}.*answered 503"):
        fetch_file(MODEL, [WEIGHTS, CONFIG])
    for config in (None, OFFLINE):
        with pytest.raises(FileNotFoundError, match=f"x or y of {MODEL}"):
            fetch_file(MODEL, ["x", "y"], config)


@pytest.mark.parametrize("switched", [False, True])
def test_offline_one_name_is_enough(hub, tmp_path, monkeypatch, switched):
    settings = {"huggingface_cache_dir": str(tmp_path / "other")}
    path = fetch_file(MODEL, OLD, FetchConfig(**settings))
    assert tmp_path / "other" in path.parents
    hub.requests.clear()
    monkeypatch.setattr(SWITCH, switched)
    offline = FetchConfig(allow_network=switched, **settings)
    assert fetch_file(MODEL, [WEIGHTS, OLD], offline) == path
    with pytest.raises(ConnectionError, match="network is off.*other has none"):
        fetch_file(MODEL, [WEIGHTS, CONFIG], offline)
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE.*cache has none"):
        fetch_file(MODEL, OLD, FetchConfig(allow_network=switched))
    assert hub.requests == []


def test_a_version_is_kept_until_another_is_asked_for(hub):
    first = fetch_file(MODEL, CONFIG)
    branches = hub.repositories[MODEL].branches
    branches["v1"] = branches["main"]
    hub.repositories[MODEL].commit({CONFIG: b"newer", OLD: b"newer"})
    assert fetch_file(MODEL, CONFIG) == first
    same = pinned(first, FetchConfig())
    assert same.revision == branches["v1"]
    assert fetch_file(MODEL, OLD, same).read_bytes() == FILES[OLD]
    assert fetch_file(MODEL, CONFIG, UPDATES).read_bytes() == b"newer"
    assert fetch_file(MODEL, CONFIG).read_bytes() == b"newer"
    assert fetch_file(MODEL, CONFIG, FetchConfig(revision="v1")) == first
    with pytest.raises(FileNotFoundError, match="v9.*404.*check.*revision"):
        fetch_file(MODEL, CONFIG, FetchConfig(revision="v9"))
    hub.faults = [Fault(CONFIG, status=503)]
    assert fetch_file(MODEL, CONFIG, UPDATES).read_bytes() == b"newer"


@pytest.mark.parametrize(
    ("source", "token", "kind", "message"),
    [
        ("a/none", False, PermissionError, "401.*check the name.*auth login"),
        ("a/none", READER, FileNotFoundError, "404.*check the name"),
        (MODEL, "hf_wrong", PermissionError, "401.*Invalid credentials"),
        (MODEL, "hf_wr\u2026ong\n", PermissionError, "token.*copy it again"),
        (MODEL, True, PermissionError, "no token saved.*auth login"),
        ("a/private", False, PermissionError, "401.*auth login"),
        ("a/gated", False, PermissionError, "401.*ask its owner"),
        ("a/gated", READER, PermissionError, "403.*ask its owner"),
    ],
)
def test_what_the_hub_does_not_give(hub, source, token, kind, message, caplog):
    hub.repositories["a/private"] = Repository(FILES, private=True)
    hub.repositories["a/gated"] = Repository(FILES, gated=True)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(kind, match=message) as e:
        fetch_file(source, [CONFIG, OLD], FetchConfig(token=token))
    text = "".join(traceback.format_exception(e.value)) + caplog.text
    assert "hf_wr" not in text
    assert READER not in text
    assert f"{CONFIG} of {source}" in str(e.value) or "copy it" in str(e.value)


@pytest.mark.parametrize("name", [CONFIG, OLD])
def test_a_cut_connection_leaves_nothing_for_whole(hub, name):
    hub.faults = [Fault(name, cut=5)]
    with pytest.raises(ConnectionError, match=f"{name}.*check the network"):
        fetch_file(MODEL, name)
    with pytest.raises(ConnectionError, match="cache has none"):
        fetch_file(MODEL, name, OFFLINE)
    hub.faults.clear()
    assert fetch_file(MODEL, name).read_bytes() == FILES[name]
    hub.shutdown()
    hub.server_close()
    with pytest.raises(ConnectionError, match="other.*check the network"):
        fetch_file(MODEL, "other")


@pytest.mark.parametrize("name", [CONFIG, OLD])
def test_a_wrong_hash_is_refused_until_the_file_is_deleted(hub, name):
    hub.faults = [Fault(name, content=FILES[name][::-1])]
    for _ in range(2):
        with pytest.raises(OSError, match=f"{name} of {MODEL}: damaged") as e:
            fetch_file(MODEL, name)
        assert type(e.value) is OSError
    hub.faults.clear()
    blob = pathlib.Path(re.search(r"delete (\S+)", str(e.value))[1])
    blob.unlink()
    assert fetch_file(MODEL, name).read_bytes() == FILES[name]


def test_a_cache_of_another_make(hub, caplog, tmp_path):
    path = fetch_file(MODEL, OLD)
    blob, shared = path.resolve(), tmp_path / ("0" * 64)
    blob.rename(shared)
    blob.symlink_to(shared)
    assert fetch_file(MODEL, OLD) == path
    shared.write_bytes(FILES[OLD][:-1] + b"x")
    with pytest.raises(OSError, match=f"delete .*{blob.name}"):
        fetch_file(MODEL, OLD)
    assert not caplog.records
    shared.rename(path)
    assert fetch_file(MODEL, OLD) == path
    assert "not checked" in caplog.text
    with pytest.raises(NotADirectoryError, match=str(path)):
        fetch_file(MODEL, CONFIG, FetchConfig(huggingface_cache_dir=path))


@pytest.fixture
def upload(tmp_path):
    """A folder to push: small and large files, and what stays here."""
    contents = {"README.md": b"---\nlicense: mit\n---\n", "a.yaml": b"a: 1\n"}
    contents |= {"w.safetensors": FILES[OLD], "more/states.npy": b"numbers"}
    for name, content in (contents | {".env": b"", ".git/config": b""}).items():
        (tmp_path / "upload" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "upload" / name).write_bytes(content)
    return tmp_path / "upload", contents


def test_a_push_is_one_commit_and_comes_back_equal(hub, upload):
    url = push_folder(upload[0], "me/mine", token=WRITER)
    assert url == f"{hub.url}/me/mine"
    repository = hub.repositories["me/mine"]
    assert repository.commits[repository.branches["main"]] == upload[1]
    assert asked(hub, "/api/models/me/mine/commit/main") == 1
    assert not repository.private
    for name, content in upload[1].items():
        assert fetch_file("me/mine", name).read_bytes() == content


def test_a_push_to_a_branch_replaces_and_keeps(hub, upload):
    hub.repositories["me/mine"] = Repository({"old": b"1", "a.yaml": b"2"})
    for _ in range(2):
        push_folder(upload[0], "me/mine", token=WRITER, revision="v2")
    repository = hub.repositories["me/mine"]
    pushed = repository.commits[repository.branches["v2"]]
    assert pushed == upload[1] | {"old": b"1"}
    assert fetch_file("me/mine", "a.yaml").read_bytes() == b"2"


def test_a_private_push_needs_a_token_that_the_store_never_sees(hub, upload):
    for _ in range(2):
        push_folder(upload[0], "me/mine", token=WRITER, private=True)
    with pytest.raises(PermissionError):
        fetch_file("me/mine", "w.safetensors")
    config = FetchConfig(token=f" {READER}\n")
    path = fetch_file("me/mine", "w.safetensors", config)
    assert path.read_bytes() == FILES[OLD]
    assert [path for path in hub.with_token if "/store/" in path] == []
    with pytest.raises(ValueError, match=f"{MODEL} is public"):
        push_folder(upload[0], MODEL, token=WRITER, private=True)
    assert asked(hub, f"/api/models/{MODEL}/commit/main") == 0


@pytest.mark.parametrize(
    ("token", "fault", "kind", "message"),
    [
        (None, None, PermissionError, "me/mine.*401.*auth login"),
        ("hf_wrong", None, PermissionError, "me/mine.*401.*credentials"),
        (READER, None, PermissionError, "me/mine.*403.*may not write"),
        (WRITER, Fault("/batch", status=500), ConnectionError, "me/mine.*500"),
        (WRITER, Fault("/commit/main", status=413), OSError, "me/mine.*413"),
    ],
)
def test_a_push_that_fails_says_why(hub, upload, token, fault, kind, message):
    hub.faults = [fault] if fault else []
    with pytest.raises(kind, match=message) as e:
        push_folder(upload[0], "me/mine", token=token)
    text = "".join(traceback.format_exception(e.value))
    assert not token or token not in text
    repository = hub.repositories.get("me/mine", Repository({}))
    assert not any(repository.commits.values())


def test_a_push_without_files_or_network_asks_nobody(hub, upload, monkeypatch):
    with pytest.raises(FileNotFoundError, match="nowhere has no files"):
        push_folder("nowhere", "me/mine", token=WRITER)
    monkeypatch.setattr(SWITCH, True)
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE"):
        push_folder(upload[0], "me/mine", token=WRITER)
    assert hub.requests == []
