"""What a room of "spot the fake" costs while many phones ask where it is, each with a vote."""

import asyncio
import re
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
from clients import call_event
from polling import cpu_seconds
from running_app import RunningApp, running_app

PHONES, SECONDS, EVERY = 50, 21.0, 1.5  # seconds between two questions of a phone
AT_REST = 0.05  # CPU seconds in a second
COLUMNS = ("phones", "answers a second", "of a core", "median answer, ms", "95 % of answers, ms")


def open_room(app: RunningApp) -> str:
    """Open a room and show its first card; return its code."""
    config = httpx.get(f"{app.url}/config", timeout=60).json()
    stage = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "cyclegan-room")
    events = [event for event in config["dependencies"] if event["outputs"] == [stage]]
    numbers = {event["api_name"].rstrip("_0123456789"): event["id"] for event in events}
    session = uuid.uuid4().hex
    said = call_event(f"{app.url}/", numbers["on_open"], [None, f"{app.url}/"], None, session)
    code, key = (re.search(rf'data-{name}=\\"([\w-]+)\\"', said) for name in ("room", "key"))
    if code is None or key is None:
        raise RuntimeError(f"No room was opened: {said[-500:]}")
    event = {"key": key[1], "phase": "lobby", "number": 0}
    body = {"data": [], "fn_index": numbers["on_advance"], "session_hash": session, "event_data": event}
    httpx.post(f"{app.url}/gradio_api/run/predict", json=body, timeout=60).raise_for_status()
    return code[1]


async def poll(app: RunningApp, code: str, phones: int, seconds: float) -> tuple[list[float], float]:
    """Let phones come in, vote and ask for a while; return the time of each answer and the CPU seconds they took."""
    process = psutil.Process(app.pid)
    times: list[float] = []
    while await cpu_seconds(process, asyncio.sleep(1)) > AT_REST:
        pass  # what the app prepares after its start is no cost of the room
    idle = await cpu_seconds(process, asyncio.sleep(seconds))

    async def phone(place: int) -> None:
        choice = ("real", "fake")[place % 2]
        await asyncio.sleep(EVERY * place / phones)
        async with httpx.AsyncClient(base_url=f"{app.url}/room/", timeout=60) as client:
            (await client.get(code)).raise_for_status()
            until = time.monotonic() + seconds - EVERY
            (await client.post(f"{code}/answer", json={"number": 0, "choice": choice})).raise_for_status()
            while (begun := time.monotonic()) < until:
                state = (await client.get(f"{code}/state")).raise_for_status().json()
                times.append(time.monotonic() - begun)
                if state["mine"] != choice:
                    raise RuntimeError("a vote was lost")
                await asyncio.sleep(max(0.0, EVERY - times[-1]))

    used = await cpu_seconds(process, asyncio.gather(*(phone(place) for place in range(phones))))
    return times, used - idle


def rows(phones: int = PHONES, seconds: float = SECONDS) -> Iterator[tuple[str, ...]]:
    """Start the app, open a room and measure it."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app:
        times, cpu = asyncio.run(poll(app, open_room(app), phones, seconds))
    late = sorted(times)[int(0.95 * len(times))]
    milliseconds = (f"{1000 * each:.1f}" for each in (statistics.median(times), late))
    yield f"{phones}", f"{len(times) / seconds:.1f}", f"{cpu / seconds:.1%}", *milliseconds
