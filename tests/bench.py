"""What the app costs on this machine, as Markdown tables: `make bench`. It needs the trained weights."""

import inspect
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import finetuning
import numpy as np
import polling
import psutil
import room_polling
import torch
from clients import PATIENCE, call_event, connect
from gradio_client import Client, handle_file
from PIL import Image
from running_app import ROOT, running_app
from safetensors.torch import save_file
from torch import nn

EXAMPLES = ROOT / "assets" / "examples"
CALLS = 7  # of each event; the tables give the median
WARM_UP = 2  # calls before them that load models and compile
IMPORTS = ("torch", "gradio", "models.checkpoints", "app", "umap")
TRAINING_SECONDS = 5.0  # of steps measured for each recipe
JOB_RECIPES = ("vae", "mae")
JOB_SECONDS, JOB_STEPS = 30.0, 40  # of each job, at least
BESIDE = ("translate", "reconstruct", "interpolate")
BESIDE_CALLS = 14  # of each event, without and with a job

Arguments = dict[str, Any]


def table(title: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    """Print a Markdown table under a title, each row as soon as it is measured."""
    print(f"\n## {title}\n\n| {' | '.join(head)} |\n|{' --- |' * len(head)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def median_ms(call: Callable[[int], object], calls: int = CALLS, warm_up: int = WARM_UP) -> float:
    """Return the median time of `call(number)` in milliseconds; the first calls are not counted."""
    times = []
    for number in range(warm_up + calls):
        start = time.perf_counter()
        call(number)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[warm_up:])


def photos(folder: Path, example: str, count: int) -> list[str]:
    """Write different pictures of one example, so that no answer can be one remembered from before."""
    image = Image.open(EXAMPLES / example).convert("RGB")
    paths = [folder / f"{Path(example).stem}-{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        image.crop((number, number, image.width, image.height)).save(path)
    return [str(path) for path in paths]


def requests(folder: Path) -> dict[str, Callable[[int], Arguments]]:
    """Return for each endpoint its arguments at call number 0, 1, ...; files are paths."""
    count = 2 * (WARM_UP + CALLS) + 1
    apples = photos(folder, "fruit/apple-01.jpg", count)
    oranges = photos(folder, "fruit/orange-01.jpg", count)
    kinds = str(EXAMPLES / "kinds.zip")
    plain = {"encoder": "simsiam", "n_neighbors": 15, "min_dist": 0.1}
    return {
        "translate": lambda n: {"image": apples[n], "direction": "apple2orange"},
        "reconstruct": lambda n: {"image": apples[n], "mask_ratio": 0.75, "mask_kind": "random", "seed": n},
        "interpolate": lambda n: {
            "image_a": apples[n], "image_b": oranges[n], "steps": 9, "model": "vae-fruit"
        },
        "embed": lambda n: {"files": [kinds], "seed": n, **plain},
    }  # fmt: skip


def handlers() -> Mapping[str, Callable[..., object]]:
    """Return the functions behind the public endpoints, which take the same arguments."""
    from demos import _environment

    _environment.prepare()  # before gradio is imported
    import app

    blocks = app.build_app(app.real_context())
    return {str(fn.api_name): fn.fn for fn in blocks.fns.values() if fn.fn and fn.api_visibility == "public"}


def call_handler(handler: Callable[..., object], arguments: Arguments) -> object:
    """Call a handler as Gradio does, from nobody's browser."""
    if "request" in inspect.signature(handler).parameters:
        return handler(**arguments, request=None)
    return handler(**arguments)


def sent(arguments: Arguments) -> Arguments:
    """Return arguments with their files uploaded."""

    def value(item: Any) -> Any:
        if isinstance(item, list):
            return [value(part) for part in item]
        return handle_file(item) if isinstance(item, str) and Path(item).is_file() else item

    return {name: value(item) for name, item in arguments.items()}


def endpoint_rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Time each endpoint in this process and over HTTP, and the app's memory after it was used."""
    functions, arguments = handlers(), requests(folder)
    half = WARM_UP + CALLS
    with running_app(folder) as app:
        server = psutil.Process(app.pid)
        client = connect(app.url, folder / "downloads")
        yield "(start)", "", "", f"{server.memory_info().rss / 2**20:.0f}"
        for name, request in arguments.items():
            calls = CALLS if name != "embed" else 2
            inside = median_ms(lambda n: call_handler(functions[name], request(n)), calls)  # noqa: B023
            outside = median_ms(
                lambda n: client.predict(**sent(request(half + n)), api_name=f"/{name}"),  # noqa: B023
                calls,
            )
            memory = server.memory_info().rss / 2**20
            yield f"/{name}", f"{inside:.0f}", f"{outside:.0f}", f"{memory:.0f}"
        client.close()


STROKE_COLUMNS = ("what", "median, ms", "longest, ms")


def stroke_rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Time the masked autoencoder's tab in Chromium from the end of a stroke to the new picture, loaded."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with running_app(folder) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"{app.url}/?tab=mae")
        page.locator("#mae-canvas .mask-canvas[data-state=drawn]").wait_for(timeout=120_000)
        page.locator("#mae-canvas [data-tool=clear]").click()
        page.locator("#mae-kind input[value=hand]:checked").wait_for(state="attached", timeout=120_000)
        times = [stroke_ms(page, number) for number in range(WARM_UP + CALLS)][WARM_UP:]
        yield "a stroke", f"{statistics.median(times):.0f}", f"{max(times):.0f}"
        browser.close()


def stroke_ms(page: Any, number: int) -> float:
    """Return the milliseconds from letting go of the brush until the before-and-after picture is another."""
    place = "cell => document.querySelector('#mae-canvas .mask-canvas').placeOf(cell)"
    page.mouse.move(*page.evaluate(place, 16 * number + 2))
    page.mouse.down()
    page.mouse.move(*page.evaluate(place, 16 * number + 9), steps=4)
    page.evaluate(
        """() => { window.shown = new Promise((done) => {
          const pictures = () => [...document.querySelectorAll('#mae-result-slider img')];
          const before = pictures().map((picture) => picture.src).join();
          const canvas = document.querySelector('#mae-canvas canvas');
          let start = null;
          canvas.addEventListener('pointerup', () => { start = performance.now(); }, { capture: true, once: true });
          const there = () => start !== null && pictures().map((picture) => picture.src).join() !== before
            && pictures().every((picture) => picture.complete && picture.naturalWidth);
          const look = () => (there() ? done(performance.now() - start) : requestAnimationFrame(look));
          look();
        }); }"""
    )
    page.mouse.up()
    return float(page.evaluate("window.shown"))


def drag_rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Time a step of a drag on the VAE tab's plane over HTTP, as its script asks for it, and the 16-frame morph."""
    import httpx

    with running_app(folder) as app:
        client = connect(app.url, folder / "downloads")
        yield from morph_rows(folder, app.url, client)
        component = next(part for part in client.config["components"] if part["props"].get("elem_id") == "vae-plane")
        key = flat_on_the_plane(app.url, client.config)
        body = {"session_hash": "bench", "component_id": component["id"], "fn_name": "look"}
        with httpx.Client() as http:

            def step(number: int) -> None:
                answer = http.post(
                    f"{app.url}/gradio_api/component_server", json={**body, "data": [key, [number / 10, 0.0]]}
                )
                if "picture" not in answer.raise_for_status().json():
                    raise RuntimeError(answer.text)

            yield "drag step on the plane", f"{median_ms(step, 30):.0f}", "120"
        client.close()


def morph_rows(folder: Path, url: str, client: Client) -> Iterator[tuple[str, str, str]]:
    """Time the 16-frame morph of two new photos: on the page and for programs, each with all the files it leads to.

    `gradio_client` opens a connection for every file, which takes it longer than the app needs for all of them, so that
    the endpoint is also timed over one connection.
    """
    import httpx

    runs = WARM_UP + CALLS
    pairs = list(zip(*(photos(folder, f"fruit/{kind}-01.jpg", 3 * runs) for kind in ("apple", "orange")), strict=True))
    plain = Client(url, download_files=False, verbose=False, httpx_kwargs={"timeout": PATIENCE})
    strip = next(part["id"] for part in client.config["components"] if part["props"].get("elem_id") == "vae-save-strip")
    show = next(call for call in client.config["dependencies"] if strip in call["outputs"] and len(call["inputs"]) == 4)
    with httpx.Client(base_url=url, timeout=PATIENCE) as http:

        def on_the_page(number: int) -> None:
            opened = [("files", (Path(path).name, Path(path).read_bytes())) for path in pairs[number]]
            paths = http.post("/gradio_api/upload", files=opened).raise_for_status().json()
            files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
            said = call_event(f"{url}/", show["id"], [*files, 16, None], None, "bench")
            for address in set(re.findall(r'\\"(gradio_api/file=[^"\\]+)', said)):  # in the HTML
                http.get(address).raise_for_status()

        def endpoint(caller: Client, number: int) -> Any:
            files = sent(dict(zip(("image_a", "image_b"), pairs[number], strict=True)))
            return caller.predict(**files, steps=16, model="vae-fruit", api_name="/interpolate")

        def for_a_program(number: int) -> None:
            frames, animation = endpoint(plain, runs + number)
            for answer in (*frames, animation):
                http.get(f"/gradio_api/file={answer['path']}").raise_for_status()

        yield "16-frame morph on the page: player, strip, ends", f"{median_ms(on_the_page):.0f}", "500"
        yield "16-frame morph for a program: pictures and animation", f"{median_ms(for_a_program):.0f}", "500"
        comfortable = median_ms(lambda number: endpoint(client, 2 * runs + number))
        yield "the same, every file fetched by gradio_client", f"{comfortable:.0f}", ""
    plain.close()


def latent_table(folder: Path) -> None:
    """Print what moving through the latent space costs: `python tests/bench.py latent` prints this alone."""
    table("Latent space, over HTTP", ("what", "ms", "at most"), drag_rows(folder))


def flat_on_the_plane(url: str, config: Mapping[str, Any]) -> str:
    """Open the fold of the plane as a page does; return the key of what it moves in."""
    import uuid

    import httpx

    by_id = {part["id"]: part["props"] for part in config["components"]}
    plane = next(number for number, props in by_id.items() if props.get("elem_id") == "vae-plane")
    call = next(each for each in config["dependencies"] if plane in each["outputs"] and len(each["inputs"]) == 7)
    examples = [str(EXAMPLES / "fruit" / name) for name in ("apple-01.jpg", "orange-01.jpg", "apple-02.jpg")]
    files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in examples]
    session = uuid.uuid4().hex
    with httpx.Client(timeout=120) as http:
        body = {"fn_index": call["id"], "session_hash": session, "data": [*files, None, 6, "photos", None]}
        http.post(f"{url}/gradio_api/queue/join", json=body).raise_for_status()
        with http.stream("GET", f"{url}/gradio_api/queue/data", params={"session_hash": session}) as events:
            for line in events.iter_lines():
                news = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if news.get("msg") == "process_completed":
                    value = news["output"]["data"][1]
                    return str(json.loads(value if isinstance(value, str) else value["value"])["key"])
    raise RuntimeError("The plane sent no answer.")


def network_rows() -> Iterator[tuple[str, str, str]]:
    """Time our networks beside those of the published sizes, one picture at a time."""
    from models.checkpoints import load_model, weights_info
    from models.cyclegan import ResnetGenerator
    from models.mae import MaskedAutoencoderViT

    def milliseconds(network: nn.Module, side: int) -> float:
        picture = torch.zeros(1, 3, side, side)
        with torch.inference_mode():
            return median_ms(lambda _: network(picture))

    large_mae = MaskedAutoencoderViT(
        img_size=224, patch_size=16, embed_dim=768, depth=12, num_heads=12,
        decoder_embed_dim=512, decoder_depth=8, decoder_num_heads=16,
    )  # fmt: skip
    mae_side = weights_info("mae-photos").image_size
    pairs = (
        ("CycleGAN generator", load_model("apple2orange"), 256, ResnetGenerator(64, 9), 256),
        ("MAE, three quarters hidden", load_model("mae-photos"), mae_side, large_mae, 224),
    )
    for name, ours, our_side, official, official_side in pairs:
        own, other = milliseconds(ours, our_side), milliseconds(official.eval(), official_side)
        yield name, f"{own:.0f} ({our_side} px)", f"{other:.0f} ({official_side} px), {other / own:.1f} times"


def seconds_of(code: str) -> float:
    """Return how long a fresh interpreter takes over some code, the faster of two runs."""

    def once() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return time.perf_counter() - start

    return min(once(), once())


def start_rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Time imports beyond a bare interpreter, and the app's start until its page arrives."""
    bare = seconds_of("pass")
    for module in IMPORTS:
        yield f"import {module}", f"{seconds_of(f'import {module}') - bare:.1f}"

    def start() -> float:
        with running_app(folder) as app:
            return app.seconds_to_first_byte

    yield "app.py, until the first byte of the page", f"{min(start(), start()):.1f}"


def noise_archive(path: Path) -> Path:
    """Write 80 small pictures of noise in folders that suit every recipe."""
    random = np.random.default_rng(0)
    folders = ("trainA", "trainB", "testA", "testB")
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(80):
            pixels = random.integers(0, 256, (128, 128, 3), dtype=np.uint8)
            with archive.open(f"{folders[number % 4]}/kind{number % 3}/{number}.png", "w") as file:
                Image.fromarray(pixels).save(file, "PNG")
    return path


PUBLISHED_COLUMNS = ("weights", "file, MB", "to load, s", "to use once, s", "peak memory, GiB")
PEAK = """
import resource, sys
from pathlib import Path
if sys.platform == "linux":  # where ru_maxrss begins with what the parent process used
    peak = 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
"""
USE_PUBLISHED = f"""
import sys, time, torch
from pathlib import Path
from models.layouts import load_file
start = time.perf_counter()
layout, model = load_file(Path(sys.argv[1]), sys.argv[2])
loaded = time.perf_counter()
side = int(sys.argv[3])
with torch.inference_mode():
    model(torch.zeros(1, 3, side, side))
used = time.perf_counter()
{PEAK}
print(f"{{loaded - start:.1f}},{{used - loaded:.1f}},{{peak / 2**30:.2f}}")
"""
TRANSLATE_LARGE = f"""
import sys, time, torch
from models.checkpoints import load_model
side, model = int(sys.argv[1]), load_model("apple2orange")
with torch.inference_mode():
    model(torch.zeros(1, 3, 64, 64))
    picture = torch.rand(1, 3, side, side) * 2 - 1
    start = time.perf_counter()
    model(picture)
    seconds = time.perf_counter() - start
{PEAK}
print(f"{{seconds:.2f}},{{peak / 2**30:.2f}}")
"""


def largest_published() -> list[tuple[str, str, int, nn.Module]]:
    """Return the largest published size of each family, without memory: what it is, layout, side, module."""
    import torchvision

    from models.autoencoder_kl import AutoencoderKL
    from models.cyclegan import ResnetGenerator
    from models.mae import PRESETS, MaskedAutoencoderViT

    with torch.device("meta"):
        return [
            ("MAE huge", "vit-mae-authors", 224, MaskedAutoencoderViT(**PRESETS["huge"])),  # type: ignore[arg-type]
            ("sd-vae-ft-mse", "autoencoder-kl", 256, AutoencoderKL()),
            ("CycleGAN of the authors", "cyclegan-resnet-generator", 256, ResnetGenerator()),
            ("SimCLR ResNet-50", "simclr", 224, torchvision.models.resnet50()),
            ("VGG-16", "vgg16", 224, torchvision.models.vgg16(init_weights=False)),
        ]


def published_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Load the largest published sizes from files of random weights, each in its own process, and use them once."""
    path = folder / "weights.safetensors"
    for name, layout, side, module in largest_published():
        shapes = {key: (value.shape, value.dtype) for key, value in module.state_dict().items()}
        save_file({key: (0.02 * torch.rand(shape)).to(dtype) for key, (shape, dtype) in shapes.items()}, path)
        size = path.stat().st_size / 1e6
        command = [sys.executable, "-c", USE_PUBLISHED, str(path), layout, str(side)]
        out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        path.unlink()
        yield name, f"{size:.0f}", *out.strip().split(",")


def large_rows() -> Iterator[tuple[str, ...]]:
    """Translate one square picture of each size that the CycleGAN tab offers, each in its own process."""
    from demos._cyclegan_own import SIDES

    for side in SIDES:
        command = [sys.executable, "-c", TRANSLATE_LARGE, str(side)]
        out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        yield f"{side}", *out.strip().split(",")


def training_rows(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Time the steps of each recipe at its own defaults."""
    from models.training.distributed import Processes
    from models.training.recipes import RECIPES, build_recipe

    data = noise_archive(folder / "noise.zip")
    for name, kind in RECIPES.items():
        config = kind.Config()
        recipe = build_recipe(name, config, [data], Processes())
        recipe.step(0)
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < TRAINING_SECONDS:
            done += 1
            recipe.step(done)
        rate = done / (time.perf_counter() - start)
        yield name, f"{rate:.2f}", f"{config.batch_size} pictures of {config.image_size} px"


def watching_rows() -> Iterator[tuple[str, str, str]]:
    """What it costs the app that many pages watch a training."""
    answers, share = polling.measure()
    yield str(polling.PAGES), f"{answers / polling.SECONDS:.1f}", f"{share:.1%}"


def run_measured(recipe: str, config: Mapping[str, Any], data: Path, folder: Path) -> float:
    """Return the bare recipe's steps a second in a child as low in priority as a job's."""
    from models.training.backends import run_to_end, spawn
    from models.training.runs import RunFolder

    folder.mkdir()
    options = [f"--{name.replace('_', '-')}={value}" for name, value in config.items()]
    command = ["models.training", recipe, "--data", str(data), "--out", "run", "--measure", *options]
    if run_to_end(spawn(command, folder, folder / "log.txt"), 600.0) != 0:
        raise RuntimeError((folder / "log.txt").read_text())
    measured = json.loads((RunFolder(folder / "run").path / "measured.json").read_text())
    return 1 / float(measured["seconds_per_step"])


def start_job(manager: Any, recipe: str, config: Mapping[str, Any], data: Path) -> Any:
    """Submit a job on the pictures of a zip, and wait until it takes steps."""
    from models.training.jobs import JobRequest

    dataset = manager.new_dataset("bench")
    with zipfile.ZipFile(data) as archive:
        archive.extractall(dataset)
    job = manager.submit("bench", JobRequest(recipe, {"steps": 20_000, **config}, dataset))
    wait_for(manager, job, lambda seen: seen.step > 0)
    return job


def wait_for(manager: Any, job: Any, ready: Callable[[Any], bool]) -> Any:
    """Return a job's snapshot once it is as wanted."""
    while not ready(seen := manager.snapshot(job.owner, job.id)):
        if seen.state == "failed":
            raise RuntimeError(f"The job failed: {seen.error} {seen.error_values}")
        time.sleep(0.05)
    return seen


def job_rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Time the steps of jobs, with logging, previews, checkpoints and supervision, beside those of the bare recipe.

    The bare recipe is timed before and after each job, since other processes may slow one of the three.
    """
    from models.training.jobs import JobManager

    data = noise_archive(folder / "job-noise.zip")
    manager = JobManager(folder / "jobs")
    manager.start()
    try:
        for recipe in JOB_RECIPES:
            before = run_measured(recipe, {"precision": "fp32"}, data, folder / f"{recipe}-before")
            job = start_job(manager, recipe, {"precision": "fp32"}, data)
            first = wait_for(manager, job, lambda seen: seen.metrics).metrics[-1]
            least, until = first["step"] + JOB_STEPS, time.monotonic() + JOB_SECONDS
            last = wait_for(
                manager,
                job,
                lambda seen: time.monotonic() > until and seen.metrics[-1]["step"] >= least,  # noqa: B023
            ).metrics[-1]
            rate = (last["step"] - first["step"]) / (last["time"] - first["time"])
            manager.stop(job.owner, job.id)
            wait_for(manager, job, lambda seen: seen.state == "stopped")
            after = run_measured(recipe, {"precision": "fp32"}, data, folder / f"{recipe}-after")
            bare = (before + after) / 2
            yield recipe, f"{before:.2f}, {after:.2f}", f"{rate:.2f}", f"{rate / bare:.0%}"
    finally:
        manager.close()


def beside_rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Time the main events over HTTP while nothing trains and while a job runs.

    The job's process is halted and let go again from call to call, so that what else this machine does weighs on both.
    """
    from models.training.jobs import JobManager

    arguments, data = requests(folder), noise_archive(folder / "beside-noise.zip")
    manager = JobManager(folder / "beside-jobs")
    manager.start()
    with running_app(folder) as app:
        client = connect(app.url, folder / "downloads")
        job = start_job(manager, "vae", {}, data)
        (trainer,) = (child for child in psutil.Process().children() if str(job.id) in child.cwd())

        def timed(name: str, number: int, busy: bool) -> float:
            if busy:
                trainer.resume()
            else:
                trainer.suspend()
            request = sent(arguments[name](number))
            start = time.perf_counter()
            client.predict(**request, api_name=f"/{name}")
            return (time.perf_counter() - start) * 1000

        for name in BESIDE:
            pairs = [(timed(name, n, n % 2 == 0), timed(name, n, n % 2 == 1)) for n in range(WARM_UP + BESIDE_CALLS)]
            times: dict[bool, list[float]] = {False: [], True: []}
            for n, (first, second) in enumerate(pairs[WARM_UP:], start=WARM_UP):
                times[n % 2 == 0].append(first)
                times[n % 2 == 1].append(second)
            idle, beside = statistics.median(times[False]), statistics.median(times[True])
            yield f"/{name}", f"{idle:.0f}", f"{beside:.0f}", f"{beside / idle:.2f}"
        trainer.resume()
        client.close()
    manager.close()


def trainer_tables(folder: Path) -> None:
    """Print what the trainer costs and what it costs the rest: `python tests/bench.py trainer` prints these alone."""
    columns = ("recipe", "bare recipe, steps a second", "as a job", "share")
    table("Jobs", columns, job_rows(folder))
    head = ("endpoint", "nothing trains, ms", "a job runs, ms", "ratio")
    table("Events beside a job", head, beside_rows(folder))


MAP_SIZES = (500, 2000, 10_000)
MAP_TITLE = "Map: from pictures to points"
POINTS = (10_000, 100_000)
MAP_COLUMNS = (
    "pictures", "plain script, s (embed + fit)", "ours, s", "times quicker", "in processor time", "its trust",
    "our trust",
)  # fmt: skip
TURN = 250  # pictures embedded by one before the other embeds the same
FRAME_COLUMNS = ("points", "frames a second", "median frame, ms", "95 % of frames, ms", "hover to card, ms")


def varied_pictures(folder: Path, count: int) -> list[Path]:
    """Write pictures of 256 pixels: crops of the built-in kinds, each another one."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(EXAMPLES / "kinds.zip") as archive:
        names = archive.namelist()
        paths = []
        for number in range(count):
            with archive.open(names[number % len(names)]) as file:
                image = Image.open(file).convert("RGB")
            side = image.width * 5 // 7
            left, top = random.integers(0, image.width - side, 2)
            path = folder / f"{number}.jpg"
            image.crop((left, top, left + side, top + side)).resize((256, 256)).save(path, quality=90)
            paths.append(path)
    return paths


class Spent:
    """Time spent inside ``with``, summed up.

    Attributes:
        wall: Seconds by the clock.
        processor: Seconds of all threads of this process, which other processes hardly change.
    """

    def __init__(self) -> None:
        self.wall = self.processor = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._start[0]
        self.processor += time.process_time() - self._start[1]


def plain_embed(network: nn.Module, paths: Sequence[Path]) -> np.ndarray:
    """Return features as a plain script makes them, of the whole square as ours, so that both map the same pictures."""
    from torchvision import transforms

    prepare = transforms.Compose([
        transforms.Resize(224), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])  # fmt: skip
    chunks = []
    with torch.no_grad():
        for first in range(0, len(paths), 32):
            batch = [prepare(Image.open(path).convert("RGB")) for path in paths[first : first + 32]]
            chunks.append(network(torch.stack(batch)).numpy())
    return np.concatenate(chunks)


class Normalised(nn.Module):
    """A network for pictures in [-1, 1] out of one for ImageNet's range."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
        self.std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(((images + 1) / 2 - self.mean) / self.std)


def map_rows(folder: Path, sizes: Sequence[int] = MAP_SIZES) -> Iterator[tuple[str, ...]]:
    """Time pictures to map, ours against the plain script, with the same ResNet-18 and a compiled UMAP for both.

    The two take turns, so that what else this machine does weighs on both. Both maps compare features by umap's own
    default, the Euclidean distance, and are judged by it on the plain script's features.
    """
    import umap
    from torchvision.models import resnet18

    from models import projection
    from models.embedding import embed_pictures
    from models.metrics import trustworthiness

    torch.manual_seed(0)
    network = resnet18().eval()
    network.fc = nn.Identity()
    normalised = Normalised(network).eval()
    projection.warm_up()
    projection.wait_until_ready()
    umap.UMAP(random_state=0).fit(np.random.default_rng(0).normal(size=(200, 16)))
    for size in sizes:
        paths = varied_pictures(folder, size)
        plain, own = (Spent(), Spent()), (Spent(), Spent())
        theirs, ours = [], []
        for start in range(0, size, TURN):
            part = paths[start : start + TURN]
            with plain[0]:
                theirs.append(plain_embed(network, part))
            with own[0]:
                ours.append(embed_pictures(normalised, [path.read_bytes() for path in part], 224))
        features = np.concatenate(theirs)
        with plain[1]:
            plain_map = umap.UMAP(random_state=0).fit_transform(features)
        with own[1]:
            own_map = projection.project(np.concatenate(ours), metric="euclidean")
        trust = [trustworthiness(torch.from_numpy(features), torch.from_numpy(one), 15) for one in (plain_map, own_map)]
        quicker, less = (
            sum(getattr(part, clock) for part in plain) / sum(getattr(part, clock) for part in own)
            for clock in ("wall", "processor")
        )
        yield (
            f"{size}", f"{plain[0].wall:.1f} + {plain[1].wall:.1f}", f"{own[0].wall:.1f} + {own[1].wall:.1f}",
            f"{quicker:.1f}", f"{less:.1f}", f"{trust[0]:.3f}", f"{trust[1]:.3f}",
        )  # fmt: skip


PAN = """async ([selector, frames]) => {
  const root = document.querySelector(selector), times = [];
  let before = null;
  await new Promise((done) => {
    const step = (now) => {
      if (before !== null) times.push(now - before);
      before = now;
      root.look({ x: Math.sin(times.length / 20) / 5, zoom: 1 + Math.sin(times.length / 30) / 3 });
      if (times.length < frames) requestAnimationFrame(step); else done();
    };
    requestAnimationFrame(step);
  });
  return times;
}"""


def plot_page(count: int) -> Any:
    """Return a page with nothing but a plot of `count` points."""
    import gradio as gr

    from app import real_context
    from demos._scatter import scatter, scatter_update, scatter_value
    from demos._sprites import Sprite, sprite_layout

    random = np.random.default_rng(0)
    points = random.normal(size=(count, 2)).astype(np.float32)
    labels = [f"kind {number % 12}" for number in range(count)]
    sprite = Sprite((), count, *sprite_layout(count))
    value = scatter_value(points, labels, [f"{number}.jpg" for number in range(count)], sprite, [])
    with gr.Blocks() as page:
        plot = scatter(real_context(), "plot")
        plot.ready(lambda: scatter_update(value), None, plot)
        plot.lasso(lambda: gr.skip(), None, plot)
    return page


def frame_rows() -> Iterator[tuple[str, ...]]:
    """Time frames while the map pans and zooms, and hovers, in headless Chromium without a graphics card."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        for count in POINTS:
            blocks = plot_page(count)
            blocks.launch(prevent_thread_lock=True, quiet=True)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(blocks.local_url)
            page.locator("#plot .scatter[data-state=drawn]").wait_for(timeout=120_000)
            times = page.evaluate(PAN, ["#plot .scatter", 120])
            page.evaluate("document.querySelector('#plot .scatter').look({x: 0, zoom: 1})")
            hovers = [hover_ms(page, point) for point in range(1, 8)]
            yield (
                f"{count}", f"{1000 * len(times) / sum(times):.0f}", f"{statistics.median(times):.1f}",
                f"{sorted(times)[int(0.95 * len(times))]:.1f}", f"{statistics.median(hovers):.0f}",
            )  # fmt: skip
            page.close()
            blocks.close()
        browser.close()


def hover_ms(page: Any, point: int) -> float:
    """Return the milliseconds from the pointer's arrival at a point to its card."""
    x, y = page.evaluate("id => document.querySelector('#plot .scatter').placeOf(id)", point)
    page.mouse.move(5, 5)
    page.evaluate(
        """() => { window.shown = new Promise((done) => {
          let start = null;
          const plot = document.querySelector('#plot .scatter-plot');
          const card = document.querySelector('#plot .scatter-card');
          plot.addEventListener('pointermove', () => { start ??= performance.now(); }, true);
          const there = () => start !== null && !card.hidden;
          const look = () => (there() ? done(performance.now() - start) : requestAnimationFrame(look));
          look();
        }); }"""
    )
    page.mouse.move(x, y)
    return float(page.evaluate("window.shown"))


TRIPS = {
    "a hover's card (in the page alone)": ("hover", "#embeddings-plot .scatter-card:not([hidden])"),
    "a click's neighbours": ("click", "#embeddings-neighbours [data-picked]"),
    "why two are near": ("why", "#embeddings-why-shown .why-pairs"),
    "a lasso's gallery": ("lasso", "#embeddings-chosen .chosen-tiles"),
}
# Returns null if nothing changed in five seconds: a random point may lie under the picture that is picked already.
ANSWERED = """async ([selector, act]) => {
  const root = document.querySelector("#embeddings-plot .scatter"), plot = root.querySelector(".scatter-plot");
  const old = document.querySelector(selector)?.outerHTML;
  const id = 1 + Math.floor(Math.random() * (Number(root.dataset.count) - 1)), [x, y] = root.placeOf(id);
  const at = (type, x, y, more) => plot.dispatchEvent(new PointerEvent(type,
    { clientX: x, clientY: y, pointerId: 1, bubbles: true, cancelable: true, ...more }));
  plot.setPointerCapture = () => {};
  at("pointermove", -9, -9);
  const start = performance.now();
  if (act === "hover") at("pointermove", x, y);
  if (act === "click") { at("pointerdown", x, y); at("pointerup", x, y); }
  if (act === "why") document.querySelector("#embeddings-why").click();
  if (act === "lasso") {
    const half = 30 + 60 * Math.random(), corners = [[-half, -half], [half, -half], [half, half], [-half, half]];
    at("pointerdown", x - half, y - half, { shiftKey: true });
    for (const [dx, dy] of corners) at("pointermove", x + dx, y + dy);
    at("pointerup", x - half, y + half);
  }
  while (performance.now() - start < 5000) {
    const now = document.querySelector(selector);
    if (now && now.outerHTML !== old) return performance.now() - start;
    await new Promise(requestAnimationFrame);
  }
  return null;
}"""


def trip_ms(page: Any, act: str, selector: str) -> float:
    """Return the milliseconds from an act on the map to its answer; it is done again where it changed nothing."""
    for _ in range(20):
        if (passed := page.evaluate(ANSWERED, [selector, act])) is not None:
            return float(passed)
    raise RuntimeError(f"The map does not answer: {act}.")


def trip_rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Time from the visitor's hand to what they see, over HTTP, in headless Chromium."""
    from chromium import FLAGS, find_chromium
    from playwright.sync_api import sync_playwright

    with running_app(folder) as app, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{app.url}/?tab=embeddings")
        page.locator("#embeddings-neighbours .near-tile").first.wait_for(timeout=120_000)
        for name, (act, selector) in TRIPS.items():
            times = []
            for _ in range(WARM_UP + CALLS):
                times.append(trip_ms(page, act, selector))
                if act == "why":  # another picture, so that there is another answer the next time
                    trip_ms(page, *TRIPS["a click's neighbours"])
            yield name, f"{statistics.median(times[WARM_UP:]):.0f}"
        browser.close()


def visit_rows() -> Iterator[tuple[str, str]]:
    """Time what the map's visitors wait for on the built-in set: a new picture's place, a click, a lasso, a slider."""
    import base64

    import gradio as gr

    from app import real_context
    from demos._atlas_handlers import Handlers
    from demos._atlas_visit import Visit
    from demos._atlas_why import WhyNear
    from demos.embeddings import KINDS

    context = real_context()
    handlers = Handlers(context, KINDS)
    usual = ("simclr", "2", 15, 0.1, 0, "cosine", "umap")
    visit = handlers.on_settings(None, *usual)[0]
    apple = str(EXAMPLES / "fruit" / "apple-01.jpg")
    count = len(handlers.atlas.collection(visit))
    ids = base64.b64encode(np.arange(count, dtype="<u4").tobytes()).decode()
    lasso, click = gr.EventData(None, {"ids": ids}), [gr.EventData(None, {"id": number}) for number in range(40)]
    request: Any = None
    with gr.Blocks():
        why = WhyNear(context, handlers, gr.State(None), gr.HTML())
    calls: dict[str, Callable[[int], object]] = {
        "a new picture's place": lambda _: handlers.on_guest(visit, apple, request),
        "a click's neighbours": lambda n: handlers.on_pick(visit, click[n], request),
        "a lasso's gallery": lambda _: handlers.on_lasso(visit, lasso, request),
        "a slider on the grid": lambda n: handlers.on_slide(Visit(), "simclr", "2", 5 + n, 0.5, 0, "cosine", "umap"),
        "why two are near": lambda n: why.on_choose(visit, click[n + 1], request),
        "another encoder": lambda n: handlers.on_settings(visit, ("moco", "simsiam")[n % 2], *usual[1:]),
    }
    for name, call in calls.items():
        yield name, f"{median_ms(call):.0f}"


def map_tables(folder: Path) -> None:
    """Print what the map costs; the section ``map-500`` is the last table for one size."""
    table("Map: what visitors wait for", ("what", "in process, ms"), visit_rows())
    table("Map: round trips in Chromium", ("what", "ms"), trip_rows(folder))
    table("Map: frames in Chromium without a graphics card", FRAME_COLUMNS, frame_rows())
    table(MAP_TITLE, MAP_COLUMNS, map_rows(folder, MAP_SIZES))


def section(title: str, columns: Sequence[str], rows: Callable[[], Iterator[Sequence[str]]]) -> Callable[[], None]:
    """Return what prints one table."""
    return lambda: table(title, columns, rows())


def sections(folder: Path) -> dict[str, Callable[[], None]]:
    """Return what prints each section, in order, by the name that chooses it on the command line."""
    events = ("endpoint", "in process, ms", "over HTTP, ms", "memory of the app after, MiB")
    return {
        "start": section("Start", ("what", "seconds"), lambda: start_rows(folder)),
        "events": section("Events", events, lambda: endpoint_rows(folder)),
        "stroke": section("Fill in the blanks in Chromium", STROKE_COLUMNS, lambda: stroke_rows(folder)),
        "latent": lambda: latent_table(folder),
        "networks": section("Networks", ("network", "ours, ms", "published size, ms"), network_rows),
        "published": section(
            "Largest published sizes, random weights", PUBLISHED_COLUMNS, lambda: published_rows(folder)
        ),
        "large": section("CycleGAN, one way, large pictures", ("side, px", "s", "peak memory, GiB"), large_rows),
        "watching": section("Watching", ("pages", "answers a second", "of a core"), watching_rows),
        "room": section("A room of phones", room_polling.COLUMNS, room_polling.rows),
        "map": lambda: map_tables(folder),
        **{f"map-{size}": section(MAP_TITLE, MAP_COLUMNS, partial(map_rows, folder, [size])) for size in MAP_SIZES},
        "training": section("Training", ("recipe", "steps a second", "a step"), lambda: training_rows(folder)),
        "trainer": lambda: trainer_tables(folder),
        "finetune": section("Fine-tuning, on held-out pictures", finetuning.COLUMNS, finetuning.rows),
    }


def main() -> None:
    """Print all sections, or those that are named."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    print(f"# {platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="bench-unlabeled-") as name:
        known = sections(Path(name))
        wanted = sys.argv[1:] or [each for each in known if not each.startswith("map-")]
        if unknown := [each for each in wanted if each not in known]:
            sys.exit(f"There is no section {unknown[0]!r}; choose from {', '.join(known)}.")
        for each in wanted:
            known[each]()


if __name__ == "__main__":
    main()
