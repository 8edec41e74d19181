"""What the app costs on this machine, as Markdown tables: `make bench`. It needs the trained weights."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import finetuning
import room_polling
import torch
from benches import map_renderers
from benches.app import STROKE_COLUMNS, endpoint_rows, start_rows, stroke_rows
from benches.latent import latent_table
from benches.load import OVERHEAD_COLUMNS, SESSION_COLUMNS, overhead_rows, session_rows
from benches.map import MAP_COLUMNS, MAP_SIZES, MAP_TITLE, map_rows, visit_rows
from benches.map_page import FRAME_COLUMNS, frame_rows, trip_rows
from benches.measuring import table
from benches.networks import PUBLISHED_COLUMNS, large_rows, network_rows, published_rows
from benches.opening import OPEN_COLUMNS, SWITCH_COLUMNS, open_rows, switch_rows
from benches.training import BESIDE_COLUMNS, JOB_COLUMNS, beside_rows, job_rows, training_rows, watching_rows


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
        "start": section("Start", ("what", "seconds", "at most"), lambda: start_rows(folder)),
        "open": section("Opening, against a bare page of Gradio", OPEN_COLUMNS, lambda: open_rows(folder)),
        "switch": section("Switching to another tab", SWITCH_COLUMNS, lambda: switch_rows(folder)),
        "events": section("Events", events, lambda: endpoint_rows(folder)),
        "overhead": section("A program's call", OVERHEAD_COLUMNS, lambda: overhead_rows(folder)),
        "session": section("Sessions", SESSION_COLUMNS, lambda: session_rows(folder)),
        "stroke": section("Fill in the blanks in Chromium", STROKE_COLUMNS, lambda: stroke_rows(folder)),
        "latent": lambda: latent_table(folder),
        "networks": section("Networks", ("network", "ours, ms", "published size, ms"), network_rows),
        "published": section(
            "Largest published sizes, random weights", PUBLISHED_COLUMNS, lambda: published_rows(folder)
        ),
        "large": section("CycleGAN, one way, large pictures", ("side, px", "s", "peak memory, GiB"), large_rows),
        "watching": section("Watching", ("pages", "answers a second", "of a core", "at most"), watching_rows),
        "room": section("A room of phones", room_polling.COLUMNS, room_polling.rows),
        "map": lambda: map_tables(folder),
        **{f"map-{size}": section(MAP_TITLE, MAP_COLUMNS, partial(map_rows, folder, [size])) for size in MAP_SIZES},
        "map-renderers": section("Map: renderers in Chromium", map_renderers.COLUMNS, map_renderers.rows),
        "training": section("Training", ("recipe", "steps a second", "a step"), lambda: training_rows(folder)),
        "trainer": section("Jobs", JOB_COLUMNS, lambda: job_rows(folder)),
        "beside": section("Events beside a job", BESIDE_COLUMNS, lambda: beside_rows(folder)),
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
