"""A stand-in for the Hub's repositories and Jobs: it keeps files in memory and really runs the jobs it is sent."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_standin"
NAME = "visitor"


HARDWARE = [
    {"name": name, "prettyName": name, "cpu": "2 vCPU", "ram": "16 GB", "ephemeralStorage": "20 GB",
     "accelerator": None, "unitCostMicroUSD": cost, "unitCostUSD": cost / 1e6, "unitLabel": "minute"}
    for name, cost in (("cpu-basic", 167), ("t4-small", 6667))
]  # fmt: skip


@dataclass
class RemoteJob:
    """One job and its process."""

    spec: dict[str, Any]
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    cancelled: bool = False

    @property
    def stage(self) -> str:
        status = self.process.poll()
        if status is None:
            return "RUNNING"
        return "CANCELED" if self.cancelled else "COMPLETED" if status == 0 else "ERROR"


@dataclass
class JobsServer:
    """What the stand-in holds; `refuse` is the status with which it answers a new job instead."""

    url: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    jobs: dict[str, RemoteJob] = field(default_factory=dict)
    refuse: int | None = None
    paths: list[str] = field(default_factory=list)
    folders: list[tempfile.TemporaryDirectory[str]] = field(default_factory=list)

    def run(self, spec: dict[str, Any]) -> str:
        """Run what comes after `uv run` and its packages, in an empty folder, as the Hub would in a container."""
        folder = tempfile.TemporaryDirectory(prefix="standin-job-")
        self.folders.append(folder)
        command = spec["command"][spec["command"].index("python") :]
        environment = {
            "PATH": os.environ["PATH"], "HOME": folder.name, "OMP_NUM_THREADS": "1", "HF_ENDPOINT": self.url,
            **spec["environment"], **spec.get("secrets", {}),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, *command[1:]], cwd=folder.name, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        job = RemoteJob(spec, process)
        job_id = f"job{len(self.jobs)}"
        self.jobs[job_id] = job
        threading.Thread(target=self._read, args=(job,), daemon=True).start()
        return job_id

    def _read(self, job: RemoteJob) -> None:
        assert job.process.stdout is not None
        with job.process.stdout as output:
            for line in output:
                job.lines.append(line.rstrip("\n"))

    def close(self) -> None:
        """End all jobs and remove their folders."""
        for job in self.jobs.values():
            end(job)
        for folder in self.folders:
            folder.cleanup()


def end(job: RemoteJob) -> None:
    """Kill a job with everything it started."""
    if job.process.poll() is None:
        os.killpg(job.process.pid, 9)
    job.process.wait()


def handler(server: JobsServer) -> type[BaseHTTPRequestHandler]:
    """Return a request handler over a stand-in."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, value: Any, status: int = 200) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def allowed(self) -> bool:
            server.paths.append(f"{self.command} {self.path}")
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                return True
            self.answer({"error": "Invalid username or password."}, 401)
            return False

        def body(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def do_POST(self) -> None:
            body = self.body()
            if not self.allowed():
                return
            if self.path == "/api/repos/create":
                asked = json.loads(body)
                assert asked["visibility"] == "private"
                repo = f"{asked.get('organization') or NAME}/{asked['name']}"
                server.files.setdefault(repo, {})
                self.answer({"url": f"{server.url}/{repo}", "id": repo, "name": repo})
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", self.path):
                files = [{**one, "uploadMode": "regular", "shouldIgnore": False} for one in json.loads(body)["files"]]
                self.answer({"files": files})
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
                for line in body.decode().splitlines():
                    entry = json.loads(line)
                    value = entry["value"]
                    if entry["key"] == "deletedFile":
                        del server.files[found[1]][value["path"]]
                    elif entry["key"] == "file":
                        server.files[found[1]][value["path"]] = base64.b64decode(value["content"])
                self.answer({"commitUrl": f"{server.url}/{found[1]}/commit/{revision(found[1])}",
                             "commitOid": revision(found[1])})  # fmt: skip
            elif self.path == f"/api/jobs/{NAME}":
                if server.refuse is not None:
                    self.answer({"error": "Payment required: add credit."}, server.refuse)
                    return
                self.answer(describe(server.run(json.loads(body))))
            elif found := re.fullmatch(rf"/api/jobs/{NAME}/(\w+)/cancel", self.path):
                server.jobs[found[1]].cancelled = True
                end(server.jobs[found[1]])
                self.answer(describe(found[1]))
            else:
                self.answer({"error": f"no {self.path}"}, 404)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            if not self.allowed():
                return
            path = self.path.split("?")[0]
            if path == "/api/whoami-v2":
                self.answer({"name": NAME, "type": "user"})
            elif path == "/api/jobs/hardware":
                self.answer(HARDWARE)
            elif found := re.fullmatch(rf"/api/jobs/{NAME}/(\w+)", path):
                self.answer(describe(found[1]))
            elif found := re.fullmatch(rf"/api/jobs/{NAME}/(\w+)/logs", path):
                self.stream(server.jobs[found[1]])
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/[^/]+)?", path):
                names = [{"rfilename": name} for name in server.files[found[1]]]
                self.answer({"id": found[1], "sha": revision(found[1]), "siblings": names})
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/]+", path):
                files = server.files[found[1]]
                self.answer([
                    {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                    for name, content in files.items()
                ])  # fmt: skip
            elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
                self.file(found[1], found[2])
            else:
                self.answer({"error": f"no {path}"}, 404)

        def file(self, repo: str, name: str) -> None:
            content = server.files[repo][name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", revision(repo))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def stream(self, job: RemoteJob) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            sent = 0
            while sent < len(job.lines) or job.process.poll() is None:
                for line in job.lines[sent:]:
                    event = {"data": line, "timestamp": datetime.now(timezone.utc).isoformat()}
                    self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                    self.wfile.flush()
                    sent += 1
                time.sleep(0.02)
            self.close_connection = True

    def revision(repo: str) -> str:
        facts = sorted((name, hashlib.sha1(content).hexdigest()) for name, content in server.files[repo].items())
        return hashlib.sha1(json.dumps(facts).encode()).hexdigest()

    def describe(job_id: str) -> dict[str, Any]:
        job = server.jobs[job_id]
        return {
            "id": job_id, "command": job.spec["command"], "arguments": [], "environment": {},
            "flavor": job.spec["flavor"], "owner": {"id": "1", "name": NAME, "type": "user"},
            "status": {"stage": job.stage, "message": None},
        }  # fmt: skip

    return Handler


@contextmanager
def jobs_server() -> Iterator[JobsServer]:
    """Run a stand-in on a free port."""
    held = JobsServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler(held))
    http.daemon_threads = True
    held.url = f"http://127.0.0.1:{http.server_address[1]}"
    threading.Thread(target=http.serve_forever, daemon=True).start()
    try:
        yield held
    finally:
        held.close()
        http.shutdown()
        http.server_close()
