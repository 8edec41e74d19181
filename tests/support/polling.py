"""What the trainer tab costs while many people watch: run as a script, or called by the bench.

Each page asks as often as the tab does, without the queue, as `gr.Timer` does; here fifty of them ask over raw HTTP.
"""

import asyncio
import json
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image
from running_app import RunningApp, running_app

PAGES, SECONDS, EVERY = 50, 21.0, 3.0  # seconds between two questions: `POLL_SECONDS` of the tab


def job_in_queue(data: Path, pause: bool = True) -> tuple[str, str]:
    """Put a job into the data folder of an app that is not started yet; return visitor and job id.

    It waits for an app that trains; paused, it rests.
    """
    from demos.core.visitor import new_id, owner_of
    from models.training.jobs import JobManager, JobRequest

    visitor, manager = new_id(), JobManager(data)
    owner = owner_of(visitor, None) or ""
    folder = manager.new_dataset(owner)
    for number in range(8):
        (folder / "train").mkdir(exist_ok=True)
        Image.effect_noise((32, 32), 10 * number + 1).convert("RGB").save(folder / "train" / f"{number}.webp")
    job = manager.submit(owner, JobRequest("vae", {"steps": 100, "image_size": 16}, folder))
    if pause:
        manager.pause(owner, job.id)
    manager.close()
    return visitor, job.id


async def poll(app: RunningApp, visitor: str, job: str, pages: int, seconds: float) -> tuple[int, float]:
    """Let pages open the tab and ask for a while; return the number of answers and the CPU seconds they took."""
    process = psutil.Process(app.pid)
    limits = httpx.Limits(max_connections=pages)
    async with httpx.AsyncClient(base_url=app.url, timeout=60, limits=limits) as client:
        events = (await client.get("/config")).json()["dependencies"]
        tick = next(event for event in events if event["api_name"] == "on_tick")
        ready = next(
            event for event in events
            if event["api_name"].startswith("on_ready") and set(tick["outputs"]) < set(event["outputs"])
        )  # fmt: skip

        async def ask(event: dict[str, Any], session: str) -> str:
            data = [visitor, *[None] * (len(event["inputs"]) - 1)]
            body = {"data": data, "fn_index": event["id"], "session_hash": session, "event_data": None}
            answer = await client.post("/gradio_api/run/predict", json=body)
            answer.raise_for_status()
            return answer.text

        sessions = [uuid.uuid4().hex for _ in range(pages)]
        for session in sessions:
            if job not in await ask(ready, session):
                raise RuntimeError("the page did not find its job")
        idle = await cpu_seconds(process, asyncio.sleep(seconds))
        asked = 0

        async def page(place: int, session: str) -> None:
            nonlocal asked
            await asyncio.sleep(EVERY * place / pages)
            until = time.monotonic() + seconds - EVERY / 2
            while time.monotonic() < until:
                begun = time.monotonic()
                if json.loads(await ask(tick, session)).get("error"):
                    raise RuntimeError("a tick failed")
                asked += 1
                await asyncio.sleep(max(0.0, EVERY - (time.monotonic() - begun)))

        used = await cpu_seconds(process, asyncio.gather(*(page(*one) for one in enumerate(sessions))))
    return asked, used - idle


async def cpu_seconds(process: psutil.Process, work: object) -> float:
    """Return the CPU seconds of a process while something goes on."""
    before = sum(process.cpu_times()[:2])
    await work  # type: ignore[misc]
    return sum(process.cpu_times()[:2]) - before


def measure(pages: int = PAGES, seconds: float = SECONDS) -> tuple[int, float]:
    """Start the app and measure it; return answers a second and the share of one core that polling takes."""
    with tempfile.TemporaryDirectory() as folder:
        visitor, job = job_in_queue(Path(folder) / "data")
        with running_app(Path(folder)) as app:
            asked, cpu = asyncio.run(poll(app, visitor, job, pages, seconds))
    return asked, cpu / seconds


if __name__ == "__main__":
    answers, share = measure()
    print(f"{PAGES} pages, {answers} answers in {SECONDS:.0f} s: {share:.1%} of a core")
