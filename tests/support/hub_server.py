"""A stand-in for the Hugging Face Hub on loopback, which speaks its protocol to the real client and fails on demand.

Repositories have commits; small text files are served in place, others by a redirect to a "CDN" on a host of its own,
as on the Hub. It takes uploads too, and serves files of other hosts under `/urls/<host>/<path>`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

Fault = Literal[
    "", "rate_limited", "server_error", "forbidden", "silent", "slow", "cut", "cut_once", "wrong_bytes", "read_only",
    "unpaid", "cut_upload", "cut_commit",
]  # fmt: skip

TEXT = (".json", ".md", ".txt", ".gitattributes")
RETRY_AFTER = 7
PIECE = 1 << 14


@dataclass
class Repository:
    """A repository: its commits in order, each a whole tree of path -> content."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    license: str = "mit"
    gated: bool = False
    private: bool = False

    def commit(self, files: dict[str, bytes]) -> str:
        """Add a commit with these files on top of the newest tree; return its hash."""
        tree = {**(self.commits[self.head] if self.commits else {}), **files}
        seed = "".join([*self.commits, *(path + hashlib.sha256(data).hexdigest() for path, data in tree.items())])
        sha = hashlib.sha1(seed.encode()).hexdigest()
        self.commits[sha] = tree
        return sha

    @property
    def head(self) -> str:
        """The newest commit."""
        return list(self.commits)[-1]


class StandInHub:
    """The state of the stand-in; `running_hub` starts it.

    Attributes:
        fault: What goes wrong from now on: with questions ("rate_limited", "server_error", "forbidden", "silent"),
            with transfers ("slow", "cut", "cut_once", "wrong_bytes"), or with uploads ("read_only", "unpaid",
            "cut_upload", "cut_commit").
        log: Every request, as "METHOD path".
        ranges: Every Range header of a transfer.
        tokens: Every Authorization header.
        made: What was asked of every repository that was made.
        sent: Set when a slow transfer has sent its first bytes.
        release: Ends the waiting of slow and silent answers when set.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.urls: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.fault: Fault = ""
        self.log: list[str] = []
        self.ranges: list[str] = []
        self.tokens: list[str] = []
        self.made: list[dict[str, Any]] = []
        self.sent, self.release = threading.Event(), threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """Address of the Hub."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def cdn(self) -> str:
        """Address of what large files are redirected to: the same port under another host name."""
        return f"http://localhost:{self.port}/cdn"

    @property
    def mirror(self) -> str:
        """Address under which files of other hosts are served."""
        return f"{self.url}/urls"

    def add(self, repo_id: str, files: dict[str, bytes], repo_type: str = "model", **facts: Any) -> str:
        """Create a repository if need be and commit files to it; return the commit."""
        repository = self.repositories.setdefault((repo_type, repo_id), Repository(**facts))
        return repository.commit(files)

    def pin(self, repo_id: str, commit: str, files: dict[str, bytes], repo_type: str = "model") -> None:
        """Create a repository whose newest commit has a given hash, as a record wants it."""
        repository = self.repositories.setdefault((repo_type, repo_id), Repository())
        repository.commits[commit] = {**repository.commits.get(commit, {}), **files}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: StandInHub

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing; requests are in the log of the stand-in."""

    def do_HEAD(self) -> None:
        """Answer like GET without the content."""
        self._answer()

    def do_GET(self) -> None:
        """Answer questions, and send files."""
        self._answer()

    def do_POST(self) -> None:
        """Take what belongs to an upload."""
        self._answer()

    def do_PUT(self) -> None:
        """Take the content of a large file."""
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.log.append(f"{self.command} {path}")
        if token := self.headers.get("Authorization"):
            self.hub.tokens.append(token)
        self._body = self._read_body()
        is_transfer = path.startswith(("/cdn/", "/urls/"))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if not is_transfer and self._failed():
                return
            for pattern, method in _ROUTES:
                if match := re.fullmatch(pattern, path):
                    method(self, *match.groups())
                    return
            self._send(404, b"no such page")

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _failed(self) -> bool:
        fault = self.hub.fault
        if fault == "silent":
            self.hub.release.wait(30)
            self.close_connection = True
            return True
        statuses = {"rate_limited": 429, "server_error": 500, "forbidden": 403}
        if fault in statuses:
            self._send(statuses[fault], b"no", {"Retry-After": str(RETRY_AFTER)} if fault == "rate_limited" else {})
            return True
        return False

    # --- questions

    def _info(self, kind: str, repo_id: str, revision: str | None = None) -> None:
        found = self._find(kind, repo_id, revision)
        if found is None:
            return
        repository, sha = found
        siblings = []
        for path, data in repository.commits[sha].items():
            entry: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": _git_hash(data)}
            if not path.endswith(TEXT):
                digest = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(data), "pointerSize": 134}
            siblings.append(entry)
        facts = {"id": repo_id, "sha": sha, "private": False, "tags": [], "downloads": 0, "likes": 0}
        card = {"license": repository.license}
        self._json({**facts, "modelId": repo_id, "gated": False, "siblings": siblings, "cardData": card})

    def _tree(self, kind: str, repo_id: str, revision: str) -> None:
        if found := self._find(kind, repo_id, revision):
            tree = found[0].commits[found[1]]
            self._json([{"type": "file", "path": p, "size": len(d), "oid": _git_hash(d)} for p, d in tree.items()])

    def _find(self, kind: str, repo_id: str, revision: str | None) -> tuple[Repository, str] | None:
        """Return the repository and the commit that is meant, or answer why there is none."""
        repository = self.hub.repositories.get((kind.rstrip("s"), repo_id))
        has_token = bool(self.headers.get("Authorization"))
        if repository is None or (repository.private and not has_token):
            # Without a token the real Hub does not even say whether a repository exists.
            self._send(404 if has_token else 401, b"{}", {"X-Error-Code": "RepoNotFound"})
            return None
        if repository.gated:
            message = f"Access to model {repo_id} is restricted."
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": message})
            return None
        sha = repository.head if revision in (None, "main") and repository.commits else revision or ""
        if sha not in repository.commits:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            return None
        return repository, sha

    def _resolve(self, kind: str | None, repo_id: str, revision: str, path: str) -> None:
        found = self._find(kind or "models", repo_id, revision)
        if found is None:
            return
        repository, sha = found
        headers = {"X-Repo-Commit": sha}
        if path not in repository.commits[sha]:
            self._send(404, b"{}", {**headers, "X-Error-Code": "EntryNotFound"})
            return
        data = repository.commits[sha][path]
        if path.endswith(TEXT):
            self._send(200, data, {**headers, "ETag": f'"{_git_hash(data)}"'})
            return
        digest = hashlib.sha256(data).hexdigest()
        self.hub.blobs[digest] = data
        linked = {"X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{digest}"'}
        self._send(302, b"", {**headers, **linked, "Location": f"{self.hub.cdn}/{digest}"})

    # --- transfers

    def _cdn(self, digest: str) -> None:
        self._transfer(self.hub.blobs.get(digest), {"ETag": f'"{digest}"'})

    def _url(self, address: str) -> None:
        if self.hub.fault in ("rate_limited", "server_error", "forbidden", "silent") and self._failed():
            return
        self._transfer(self.hub.urls.get(f"https://{address}"), {})

    def _transfer(self, data: bytes | None, headers: dict[str, str]) -> None:
        if data is None:
            self._send(404, b"")
            return
        if self.hub.fault == "wrong_bytes":
            data = data[:-1] + bytes([data[-1] ^ 1])
        first, status = 0, 200
        if wanted := self.headers.get("Range"):
            self.hub.ranges.append(wanted)
            first, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
            headers = {**headers, "Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}
        data = data[first:]
        self._begin(status, {**headers, "Content-Length": str(len(data)), "Accept-Ranges": "bytes"})
        if self.command == "HEAD":
            return
        half = len(data) // 2
        if self.hub.fault in ("cut", "cut_once"):
            if self.hub.fault == "cut_once":
                self.hub.fault = ""
            self.wfile.write(data[:half])
            self.close_connection = True
            return
        if self.hub.fault == "slow":
            self.wfile.write(data[:half])
            self.wfile.flush()
            self.hub.sent.set()
            self.hub.release.wait(30)
            data = data[half:]
        for start in range(0, len(data), PIECE):
            self.wfile.write(data[start : start + PIECE])

    # --- uploads

    def _create(self) -> None:
        asked = json.loads(self._body)
        repo_id = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else f"me/{asked['name']}"
        kind = asked.get("type", "model")
        refused = {"read_only": 403, "unpaid": 402} if self.headers.get("Authorization") else {self.hub.fault: 401}
        if status := refused.get(self.hub.fault, 409 if (kind, repo_id) in self.hub.repositories else 0):
            self._send(status, json.dumps({"error": "refused", "url": f"{self.hub.url}/{repo_id}"}).encode())
            return
        private = asked.get("private") or asked.get("visibility") == "private"
        self.hub.made.append(asked)
        self.hub.add(repo_id, {".gitattributes": b"*.safetensors filter=lfs"}, kind, private=bool(private))
        self._json({"url": f"{self.hub.url}/{repo_id}", "name": repo_id, "id": repo_id})

    def _validate(self) -> None:
        self._json({"errors": [], "warnings": []})

    def _preupload(self, kind: str, repo_id: str, revision: str) -> None:
        if self.hub.fault == "read_only":
            self._send(403, b'{"error": "You do not have write access"}')
            return
        files = json.loads(self._body)["files"]
        modes = {True: "regular", False: "lfs"}
        answer = [
            {"path": f["path"], "uploadMode": modes[f["path"].endswith(TEXT)], "shouldIgnore": False} for f in files
        ]
        self._json({"files": answer})

    def _batch(self, repo_id: str) -> None:
        wanted = json.loads(self._body)["objects"]
        actions = [
            {**each, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{each['oid']}", "header": {}}}}
            if each["oid"] not in self.hub.blobs
            else each
            for each in wanted
        ]
        self._json({"transfer": "basic", "objects": actions})

    def _store(self, digest: str) -> None:
        if self.hub.fault == "cut_upload" and self.hub.blobs:  # one file has arrived
            self.close_connection = True
            return
        matches = hashlib.sha256(self._body).hexdigest() == digest
        if matches:
            self.hub.blobs[digest] = self._body
        self._send(200 if matches else 400, b"")

    def _commit(self, kind: str, repo_id: str, revision: str) -> None:
        if self.hub.fault == "cut_commit":
            self.close_connection = True
            return
        files: dict[str, bytes] = {}
        gone = []
        for line in self._body.decode().splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            elif item["key"] == "deletedFile":
                gone.append(value["path"])
        sha = self.hub.add(repo_id, files, kind.rstrip("s"))
        for path in gone:
            del self.hub.repositories[kind.rstrip("s"), repo_id].commits[sha][path]
        self._json({"commitUrl": f"{self.hub.url}/{repo_id}/commit/{sha}", "commitOid": sha, "success": True})

    # --- answers

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self._begin(status, {"Content-Length": str(len(data)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


_ID = r"([\w.-]+/[\w.-]+)"
_ROUTES = (
    (rf"/api/(models|spaces)/{_ID}", _Handler._info),
    (rf"/api/(models|spaces)/{_ID}/revision/([^/]+)", _Handler._info),
    (rf"/api/(models|spaces)/{_ID}/tree/([^/]+)", _Handler._tree),
    (rf"/api/(models|spaces)/{_ID}/preupload/([^/]+)", _Handler._preupload),
    (rf"/api/(models|spaces)/{_ID}/commit/([^/]+)", _Handler._commit),
    (r"/api/repos/create", _Handler._create),
    (r"/api/validate-yaml", _Handler._validate),
    (r"/cdn/([0-9a-f]{64})", _Handler._cdn),
    (r"/urls/(.+)", _Handler._url),
    (rf"(?:/spaces)?/{_ID}\.git/info/lfs/objects/batch", _Handler._batch),
    (r"/lfs/([0-9a-f]{64})", _Handler._store),
    (rf"(?:/(spaces))?/{_ID}/resolve/([^/]+)/(.+)", _Handler._resolve),
)


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextlib.contextmanager
def running_hub() -> Iterator[StandInHub]:
    """Start a stand-in on a free port of 127.0.0.1, and stop it at the end."""
    hub = StandInHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
