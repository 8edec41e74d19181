"""Try a running app at any address: its health, the program of the README, and one event of each tab.

``make smoke URL=https://user-name.hf.space`` prints a line for each, and ends with status 1 if one of them failed.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
FRUIT = ROOT / "assets" / "examples" / "fruit"
IN_README = "http://127.0.0.1:7860"
PATIENCE = 180.0  # seconds, for an event in the queue of a slow machine
Check = tuple[str, Callable[[], object]]


def write_files(folder: Path) -> None:
    """Write the files that the program of the README names."""
    for name, source in (("apple", "apple-01"), ("orange", "orange-01"), ("photo", "apple-02")):
        shutil.copy(FRUIT / f"{source}.jpg", folder / f"{name}.jpg")
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for path in sorted(FRUIT.glob("*-??.jpg"))[:12]:
            archive.write(path, path.name)


def program(url: str) -> Iterator[Check]:
    """Yield the statements of the README's program, which run in turn and share their names."""
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    names: dict[str, Any] = {}
    for statement in ast.parse(source.replace(IN_README, url)).body:
        asked = re.search(r"api_name='(/\w+)'", ast.unparse(statement))
        title = f"README: {asked[1]}" if asked else f"README: {ast.unparse(statement)[:40]}"
        code = compile(ast.Module([statement], []), "README.md", "exec")
        yield title, partial(exec, code, names)


def opening_values(config: Mapping[str, Any], call: Mapping[str, Any]) -> list[Any]:
    """Return the values that the inputs of an event open on."""
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    return [values.get(part) for part in call["inputs"]]


def answer(
    client: httpx.Client, call: Mapping[str, Any], data: list[Any], event: object = None, session: str = ""
) -> None:
    """Run an event of the page, by default in a session of its own; a RuntimeError if it fails."""
    session = session or uuid.uuid4().hex
    body = {"data": data, "fn_index": call["id"], "session_hash": session, "event_data": event}
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as lines:
        for line in lines.iter_lines():
            message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if message.get("msg") in ("process_completed", "unexpected_error"):
                if not message.get("success"):
                    raise RuntimeError((message.get("output") or {}).get("error") or message.get("message") or "error")
                return
    raise RuntimeError("the app ended the connection without an answer")


def tab_names(config: Mapping[str, Any]) -> list[str]:
    """Return the ids of the tabs of the page, in their order."""
    tabs = [part["props"] for part in config["components"] if part["type"] == "tabitem"]
    return [str(tab["id"]) for tab in tabs if tab.get("elem_id") == f"tab-{tab['id']}"]


def event_of(config: Mapping[str, Any], tab: str) -> tuple[Mapping[str, Any], object]:
    """Return what shows the result of a tab that was opened by a link; of the trainer, what shows a recorded run."""
    calls = config["dependencies"]
    linked = next((call for call in calls if any(name == f"link_{tab}" for _, name in call["targets"])), None)
    if linked is None:
        return next(call for call in calls if any(name == "ready" for _, name in call["targets"])), None
    after = {call["trigger_after"]: call for call in calls if call["backend_fn"]}
    while linked["id"] in after:
        linked = after[linked["id"]]
    return linked, None


def checks(url: str, client: httpx.Client) -> Iterator[Check]:
    """Yield all that is tried."""
    config: dict[str, Any] = {}

    def healthy() -> None:
        found = client.get("/health").json()
        if found["status"] != "ok":
            raise RuntimeError(" ".join(found["problems"]))

    def page() -> None:
        config.update(client.get("/config").raise_for_status().json())

    def show(tab: str) -> None:
        call, event = event_of(config, tab)
        answer(client, call, opening_values(config, call), event)

    yield "/health", healthy
    yield "the page", page
    for tab in tab_names(config) if config else ():
        yield f"tab: {tab}", partial(show, tab)
    if config:
        yield from program(url)


def run(url: str) -> int:
    """Try the app at an address, print a line for each check, and return how many failed."""
    failed = 0
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, httpx.Client(base_url=url, timeout=PATIENCE) as client:
        write_files(Path(folder))
        os.chdir(folder)
        try:
            for title, check in checks(url, client):
                start = time.perf_counter()
                try:
                    check()
                    said = "ok"
                except Exception as error:
                    failed += 1
                    said = f"FAILED: {str(error) or type(error).__name__}"
                print(f"{title:28} {time.perf_counter() - start:6.2f} s  {said}", flush=True)
        finally:
            os.chdir(home)
    return failed


def main() -> int:
    """Read the address from the command line; return the status of the process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="address of the app")
    failed = run(parser.parse_args().url.rstrip("/"))
    print(f"{failed} failed." if failed else "All is well.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
