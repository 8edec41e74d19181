"""What visitors leave in the memory of the app: each opens the page, has one answer in each tab, and closes it."""

import io
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
from PIL import Image
from running_app import ROOT, RunningApp

from demos.core.memory import SOON
from tests.smoke import answer, event_of, opening_values, tab_names

PHOTO = ROOT / "assets" / "examples" / "fruit" / "apple-01.jpg"
AT_ONCE = 4  # visitors
REST = SOON + 1  # seconds in which a process has nothing to do, and gives back what was freed
PATIENCE = 300.0


def photo_of(number: int) -> bytes:
    """Return a photo that nobody else has, so that no answer is remembered from before."""
    image = Image.open(PHOTO).convert("RGB")
    buffer = io.BytesIO()
    image.crop((number % 31, number // 31 % 31, image.width, image.height)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def visit(url: str, number: int) -> None:
    """Open the page as a browser does, with a photo of one's own, and close it after an answer in each tab."""
    session = uuid.uuid4().hex
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        client.get("/").raise_for_status()
        config = client.get("/config").raise_for_status().json()
        (path,) = client.post("/gradio_api/upload", files={"files": ("photo.png", photo_of(number))}).json()
        photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
        with client.stream("GET", f"/gradio_api/heartbeat/{session}") as beats:
            next(beats.iter_lines())
            for part in parts_of(config):
                body = {"data": [], "fn_index": part["id"], "session_hash": session}
                client.post("/gradio_api/run/predict", json=body).raise_for_status()
            for tab in tab_names(config):
                call, event = event_of(config, tab)
                answer(client, call, with_photo(config, call, photo), event, session)


def parts_of(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the events that bring the parts of the page that are not sent at first."""
    calls = config["dependencies"]
    return [call for call in calls if any(str(event).startswith("part_") for _, event in call["targets"])]


def with_photo(config: Mapping[str, Any], call: Mapping[str, Any], photo: Mapping[str, Any]) -> list[Any]:
    """Return the values that an event opens on, its first photo replaced."""
    kinds = {part["id"]: part["type"] for part in config["components"]}
    values = opening_values(config, call)
    place = next((i for i, part in enumerate(call["inputs"]) if kinds[part] == "image" and values[i]), None)
    return values if place is None else [*values[:place], photo, *values[place + 1 :]]


def memory_at_rest(process: psutil.Process) -> float:
    """Wait until a process is idle, and return its memory in MiB."""
    idle = False
    while not idle:
        before = sum(process.cpu_times()[:2])
        time.sleep(REST)
        idle = sum(process.cpu_times()[:2]) - before < REST / 20
    return float(process.memory_info().rss) / 2**20


def memory_after(app: RunningApp, counts: list[int], visitor: Callable[[str, int], None] = visit) -> Iterator[float]:
    """Let so many visitors come and go, one group after the other; yield the memory after each group, in MiB."""
    process, first = psutil.Process(app.pid), 0
    for count in counts:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(visitor, [app.url] * count, range(first, first + count)))
        first += count
        yield memory_at_rest(process)
