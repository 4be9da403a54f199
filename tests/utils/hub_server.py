"""A loopback server in the Hub's URL shape: models to fetch, places to push to, faults.

It answers what huggingface_hub asks for models: files with their hashes (large ones
behind a redirect, in pieces on request), repositories, branches, commits.

Authors
 * The mert_sb developers 2026
"""

import base64
import contextlib
import dataclasses
import hashlib
import json
import math
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".pt", ".npy")
WRITER, READER = "hf_mayWrite", "hf_mayRead"


class Repository:
    """Branches, and commits as dictionaries of file names to bytes."""

    def __init__(self, files, private=False, gated=False):
        self.private, self.gated = private, gated
        self.branches, self.commits = {"main": ""}, {"": {}}
        self.commit(files)

    def commit(self, files, branch="main"):
        """Add files to a branch; return the commit's hash."""
        files = self.commits[self.branches[branch]] | files
        text = repr((len(self.commits), sorted(files.items())))
        commit = hashlib.sha1(text.encode()).hexdigest()
        self.branches[branch], self.commits[commit] = commit, files
        return commit


@dataclasses.dataclass
class Fault:
    """What goes wrong where the request's path ends so, and how often."""

    path: str
    cut: int | None = None  # the connection ends before this byte of the file
    content: bytes | None = None  # sent instead of the file's, under its hash
    status: int | None = None  # of the answer
    times: float = math.inf


class Refusal(Exception):
    """An answer that is an error: a status, the Hub's message and its code."""


def etag(name, content):
    """The Hub's name for a content: SHA-256 of large files, git's hash of others."""
    if name.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers one request a connection; ``ROUTES`` says which method does."""

    commit = ""

    def answer(self):
        """Answer, or say why not."""
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.token = self.headers.get("Authorization", "")[len("Bearer ") :]
        self.server.with_token += [path] if self.token else []
        try:
            self.route(path)
        except Refusal as refusal:
            status, message, *code = refusal.args
            headers = {"X-Error-Message": message}
            headers |= {"X-Error-Code": code[0]} if code else {}
            headers |= {"X-Repo-Commit": self.commit} if self.commit else {}
            self.reply(status, json.dumps({"error": message}).encode(), headers)

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def route(self, path):
        """Call the method for the path; refuse an unknown token on any path."""
        if self.token not in ("", WRITER, READER):
            raise Refusal(401, "Invalid credentials in Authorization header")
        if fault := self.server.fault(path, "status"):
            raise Refusal(fault.status, "made to fail")
        for pattern, method in ROUTES.items():
            if match := re.fullmatch(pattern, f"{self.command} {path}"):
                return method(self, *match.groups("main"))
        raise Refusal(404, f"no such address: {self.command} {path}")

    def log_message(self, *args):
        """Say nothing."""

    def reply(self, status, body=b"", headers=()):
        """Send an answer."""
        headers = {"Content-Length": len(body)} | dict(headers)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def json(self, value, status=200):
        """Send a value."""
        self.reply(status, json.dumps(value).encode())

    def check_writer(self):
        """Refuse who may not write."""
        if self.token != WRITER:
            raise Refusal(403 if self.token else 401, "You may not write")

    def repository(self, name, revision="main"):
        """A repository that the asking one may see, and has the revision."""
        found = self.server.repositories.get(name)
        if not self.token and (found is None or found.private):
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        if found is None:
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if found.gated and self.token != WRITER:
            status = 403 if self.token else 401
            raise Refusal(status, "Access is restricted", "GatedRepo")
        if revision not in {*found.branches, *found.commits}:
            raise Refusal(404, "Invalid rev id", "RevisionNotFound")
        return found

    def resolve(self, name, revision, file):
        """A small file, or where a large one lies."""
        repository = self.repository(name, revision)
        self.commit = repository.branches.get(revision, revision)
        files = repository.commits[self.commit]
        if file not in files:
            raise Refusal(404, "Entry not found", "EntryNotFound")
        headers = {"X-Repo-Commit": self.commit}
        if not file.endswith(LARGE):
            return self.send_file(name, self.commit, file, headers)
        headers["X-Linked-Etag"] = f'"{etag(file, files[file])}"'
        headers["X-Linked-Size"] = len(files[file])
        place = f"{self.server.store}/store/{name}/{self.commit}/{file}"
        self.reply(302, headers=headers | {"Location": place})

    def send_file(self, name, commit, file, headers=()):
        """Send a file from the byte asked for, with the faults asked for."""
        content = self.server.repositories[name].commits[commit][file]
        headers = {"ETag": f'"{etag(file, content)}"'} | dict(headers)
        headers["Content-Length"] = size = len(content)
        if self.command == "HEAD":
            return self.reply(200, headers=headers)
        wrong = self.server.fault(file, "content")
        cut = self.server.fault(file, "cut")
        content = wrong.content if wrong else content
        match = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        headers["Content-Length"] = size - start
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        body = content[start : cut.cut if cut else None]
        self.reply(206 if match else 200, body, headers)

    def model_info(self, name, revision):
        """What the Hub says about a repository."""
        repository = self.repository(name, revision)
        info = {"id": name, "private": repository.private, "tags": []}
        sha = repository.branches.get(revision, revision)
        files = [{"rfilename": file} for file in repository.commits[sha]]
        self.json(info | {"sha": sha, "siblings": files})

    def create(self):
        """Make a repository; its main branch is empty."""
        self.check_writer()
        wish = json.loads(self.body)
        name = f"{wish.get('organization') or 'me'}/{wish['name']}"
        there = name in self.server.repositories
        private = wish.get("private") or wish.get("visibility") == "private"
        self.server.repositories.setdefault(name, Repository({}, private))
        url = f"{self.server.url}/{name}"
        self.json({"url": url}, 409 if there else 200)

    def branch(self, name, branch):
        """Make a branch from main."""
        self.check_writer()
        branches = self.repository(name).branches
        there = branch in branches
        branches.setdefault(branch, branches["main"])
        self.json({}, 409 if there else 200)

    def preupload(self, name, branch):
        """Say which files are large."""
        self.check_writer()
        self.repository(name, branch)
        files = json.loads(self.body)["files"]
        for file in files:
            large = file["path"].endswith(LARGE)
            file["uploadMode"] = "lfs" if large else "regular"
            file["shouldIgnore"] = False
        self.json({"files": files})

    def batch(self, name):
        """Say where to put large files."""
        rows = json.loads(self.body)["objects"]
        for row in rows:
            href = f"{self.server.store}/put/{row['oid']}"
            row["actions"] = {"upload": {"href": href}}
        self.json({"transfer": "basic", "objects": rows})

    def put(self, oid):
        """Take a large file."""
        self.server.stored[oid] = self.body
        self.reply(200)

    def add_commit(self, name, branch):
        """Add the files named to a branch."""
        self.check_writer()
        repository, files = self.repository(name, branch), {}
        for line in self.body.splitlines():
            key, value = json.loads(line).values()
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.server.stored[value["oid"]]
        oid = repository.commit(files, branch)
        url = f"{self.server.url}/{name}/commit/{oid}"
        self.json({"success": True, "commitOid": oid, "commitUrl": url})


API = r"/api/models/([^/]+/[^/]+)"
ROUTES = {
    r"(?:GET|HEAD) /([^/]+/[^/]+)/resolve/([^/]+)/(.+)": Handler.resolve,
    r"(?:GET|HEAD) /store/([^/]+/[^/]+)/([^/]+)/(.+)": Handler.send_file,
    rf"GET {API}(?:/revision/(.+))?": Handler.model_info,
    r"POST /api/repos/create": Handler.create,
    r"POST /api/validate-yaml": lambda handler: handler.json({}),
    rf"POST {API}/branch/(.+)": Handler.branch,
    rf"POST {API}/preupload/(.+)": Handler.preupload,
    r"POST /([^/]+/[^/]+)\.git/info/lfs/objects/batch": Handler.batch,
    r"PUT /put/(\w+)": Handler.put,
    rf"POST {API}/commit/(.+)": Handler.add_commit,
}


class Hub(ThreadingHTTPServer):
    """What the server knows, and what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories, self.stored = {}, {}
        self.faults, self.requests, self.with_token = [], [], []
        self.url = f"http://127.0.0.1:{self.server_port}"
        # By another name, as the Hub's store: the client sends no token there.
        self.store = f"http://localhost:{self.server_port}"

    def fault(self, path, kind):
        """A fault of this kind that a request runs into, if there is one."""
        for fault in self.faults:
            fits = path.endswith(fault.path) and fault.times > 0
            if fits and getattr(fault, kind) is not None:
                fault.times -= 1
                return fault
        return None


@contextlib.contextmanager
def serve():
    """A ``Hub`` that answers, until the block ends, at ``hub.url``."""
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, args=(0.01,)).start()
        try:
            yield hub
        finally:
            hub.shutdown()


def point_client_at(hub, cache, monkeypatch):
    """Let huggingface_hub in this process ask ``hub``, keep in ``cache``, not wait.

    It reads its settings at import; a fresh process with HF_ENDPOINT is the other way.
    """
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    settings = {
        "ENDPOINT": hub.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": template,
        "HF_HUB_OFFLINE": False,
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_DISABLE_XET": True,
        "HF_TOKEN_PATH": f"{cache}/no-token",
    }
    for name, value in settings.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    # Versions before 1.0 copy it at import.
    name = "huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE"
    monkeypatch.setattr(name, template, raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
