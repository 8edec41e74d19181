"""What the benches share: tables, medians, images that no cache knows, and the arguments of the endpoints."""

import statistics
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import handle_file
from PIL import Image
from running_app import ROOT

EXAMPLES = ROOT / "assets" / "examples"
CALLS = 7  # of each event; the tables give the median
WARM_UP = 2  # calls before them that load models and compile
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
    """Write different images of one example, so that no answer can be one remembered from before."""
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
        "reconstruct": lambda n: {"image": apples[n], "mask_ratio": 0.75, "mask_kind": "random", "seed": n, "mask": ""},
        "interpolate": lambda n: {
            "image_a": apples[n], "image_b": oranges[n], "steps": 9, "model": "vae-fruit"
        },
        "embed": lambda n: {"files": [kinds], "seed": n, **plain},
    }  # fmt: skip


def sent(arguments: Arguments) -> Arguments:
    """Return arguments with their files uploaded."""

    def value(item: Any) -> Any:
        if isinstance(item, list):
            return [value(part) for part in item]
        return handle_file(item) if isinstance(item, str) and Path(item).is_file() else item

    return {name: value(item) for name, item in arguments.items()}


def noise_archive(path: Path) -> Path:
    """Write 80 small images of noise in folders that suit every recipe."""
    random = np.random.default_rng(0)
    folders = ("trainA", "trainB", "testA", "testB")
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(80):
            pixels = random.integers(0, 256, (128, 128, 3), dtype=np.uint8)
            with archive.open(f"{folders[number % 4]}/kind{number % 3}/{number}.png", "w") as file:
                Image.fromarray(pixels).save(file, "PNG")
    return path
