"""A program that calls the app over HTTP."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from gradio_client import Client

PATIENCE = 300.0  # seconds; gradio_client gives up after five, too soon on a busy machine


def connect(url: str, downloads: Path) -> Client:
    """Return a client of the app at `url` that keeps answers in the folder `downloads`."""
    return Client(url, download_files=str(downloads), verbose=False, httpx_kwargs={"timeout": PATIENCE})


def call_event(url: str, fn_index: int, data: list[Any], event: Any, session: str) -> str:
    """Run an event through the queue, as the page does; return everything that comes back, as text."""
    body = {"data": data, "fn_index": fn_index, "session_hash": session, "event_data": event}
    _post(f"{url}gradio_api/queue/join", body)
    said = ""
    with urllib.request.urlopen(f"{url}gradio_api/queue/data?session_hash={session}", timeout=120) as stream:
        for line in stream:
            said += line.decode()
            if b"process_completed" in line or b"unexpected_error" in line:
                return said
    return said


def _post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
