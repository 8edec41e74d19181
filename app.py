"""Unlabeled: see what neural networks learn from images without labels.

Run ``python app.py`` and open the printed address. Before a talk, ``python app.py --prefetch`` fetches published
models; after our own weights changed, run ``python app.py --precompute``.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from demos.core import environment, profile, storage
from demos.core.command_line import command_line

if __name__ == "__main__":
    command_line().parse_args()  # --help and mistakes are answered before anything heavy is imported
environment.prepare("--offline" in sys.argv[1:])  # before gradio is imported, which reads its settings once
profile.import_spaces()  # before torch

import gradio as gr  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.routing import BaseRoute  # noqa: E402

from demos.core.context import Context, make_context  # noqa: E402
from demos.core.i18n import Texts  # noqa: E402
from demos.core.paths import ASSETS  # noqa: E402
from demos.page import sessions  # noqa: E402
from demos.page.deferred_parts import DeferredBlocks  # noqa: E402
from demos.page.discovery import discover  # noqa: E402
from demos.page.health import health_route  # noqa: E402
from demos.page.link_preview import ICON, LinkPreviews, draw_icon, preview_route, write_previews  # noqa: E402
from demos.page.mended_scripts import mended_scripts  # noqa: E402
from demos.page.middleware import (  # noqa: E402
    ChangedPage,
    OpeningTab,
    SmallPage,
    add_chinese_locales,
    do_without_storage,
)
from demos.page.page import build_page  # noqa: E402
from demos.page.prefetch import prefetch  # noqa: E402
from demos.page.self_check import self_check  # noqa: E402
from demos.page.unchanged_outputs import LightBlocks  # noqa: E402
from demos.page.visitor_limits import UploadLimits, limit_waiting  # noqa: E402
from demos.ui.chart import chart  # noqa: E402
from demos.ui.share_picture import qr_route  # noqa: E402
from demos.ui.theme import CSS_FILES, theme  # noqa: E402
from models.checkpoints import OWN, Library, library, load_model, weights_info  # noqa: E402
from models.hub.client import Hub  # noqa: E402
from models.hub.records import DIRECTIONS  # noqa: E402
from models.model_cache import ModelCache  # noqa: E402
from models.training.execution.backends import Backend, LocalProcess, TrainingOff  # noqa: E402
from models.training.jobs import JobManager  # noqa: E402


def real_context(jobs: JobManager | None = None) -> Context:
    """Return the context with the weights of this repository."""
    return make_context(load_model, weights_info, environment.files_folder(), jobs=jobs)


def job_manager(folder: Path, training: bool, classroom: bool) -> JobManager:
    """Return the trainer."""
    folder, volume = storage.folders_of(folder)
    served = environment.files_folder().parent.resolve()
    if folder.resolve().is_relative_to(served):
        raise ValueError(f"{folder} lies in {served}, whose files are served to anybody; choose another --data-dir.")
    backend: Backend = LocalProcess() if training else TrainingOff("disabled")
    if profile.is_zerogpu():
        backend = TrainingOff("zerogpu")  # its GPU is lent for seconds, and only to what a visitor waits for
    return JobManager(folder, backend=backend, classroom=classroom, volume=volume)


def open_jobs(folder: Path, training: bool, classroom: bool) -> JobManager:
    """Return the started trainer; a ValueError with one sentence if its folder cannot be used."""
    try:
        jobs = job_manager(folder, training, classroom)
        jobs.start()
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(f"--data-dir {folder} cannot be used ({why}); choose another folder.") from error
    return jobs


def check_address(host: str, port: int) -> None:
    """Raise a ValueError with one sentence where the app could not listen."""
    if not 1 <= port <= 65535:
        raise ValueError(f"--port {port} is no port; choose one from 1 to 65535.")
    for name in dict.fromkeys((host.strip("[]"), "127.0.0.1")):  # on which Gradio looks for a free port, too
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                if os.name != "nt":  # there, it would take a port from another program
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except (OSError, UnicodeError) as error:
            raise ValueError(_address_problem(name, port, error)) from error


def _address_problem(host: str, port: int, error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code == errno.EADDRINUSE:
        return f"Port {port} is taken by another program; end that one, or choose another --port."
    if code == errno.EACCES:
        return f"Port {port} is not open to this user; choose a --port above 1023."
    return f"--host {host} is no address of this machine; choose 127.0.0.1, or 0.0.0.0 for all of them."


class AppBlocks(LightBlocks, DeferredBlocks):
    """The page: sent in parts, and light on what an event leaves as it is."""


def build_app(ctx: Context) -> gr.Blocks:
    """Build the page with every tab found in `demos`."""
    sessions.install()
    gr.set_static_paths([ASSETS / "examples", ASSETS / "recordings", ctx.first_paint, *chart.FILES.values()])
    with AppBlocks(title="Unlabeled", analytics_enabled=False, delete_cache=(600, 3600)) as app:
        build_page(app, ctx, discover())
    app.queue(max_size=256, default_concurrency_limit=4)
    limit_waiting(app, ctx.localize)
    ctx.routes.extend([health_route(ctx, app), preview_route([demo.name for demo in discover()]), qr_route()])
    return app


def launch_options(texts: Texts, routes: Sequence[BaseRoute] = ()) -> dict[str, Any]:
    """Return the arguments of `gr.Blocks.launch` that belong to this app, wherever it runs."""
    previews = LinkPreviews(texts, [demo.name for demo in discover()])
    return {
        "theme": theme(),
        "css_paths": list(CSS_FILES),
        "i18n": texts.i18n(),
        "app_kwargs": {
            "middleware": [
                Middleware(sessions.SessionTracker),
                Middleware(SmallPage, compresslevel=5),
                Middleware(ChangedPage, previews, add_chinese_locales, do_without_storage),
                Middleware(OpeningTab),
                Middleware(UploadLimits, localize=texts.localize),
            ],
            "routes": [*mended_scripts(), *routes],
        },
        "favicon_path": ICON,
        "max_file_size": "200mb",
        "allowed_paths": [],
        "run_history": False,
        "enable_monitoring": False,
        "footer_links": ["api"],
        "show_error": False,
        "strict_cors": True,
        "ssr_mode": False,  # Spaces switch it on by themselves; it costs memory and is no faster here
        "mcp_server": find_spec("mcp") is not None,  # with `pip install "gradio[mcp]"` the endpoints are tools too
        "pwa": False,
        "share": False,
    }


def precompute(ctx: Context) -> None:
    """Make the finished result each tab opens on, and notes the weights they were made with."""
    for demo in discover():
        folder = ctx.first_paint / demo.name
        folder.mkdir(parents=True, exist_ok=True)
        demo.precompute(ctx, folder)
    write_previews(ctx, discover())
    draw_icon(ICON)
    weights = {name: weights_info(name).sha256 for name in OWN}
    (ctx.first_paint / "weights.json").write_text(json.dumps(weights, indent=2) + "\n", "utf-8")


def offer_local(weights: Library, given: Sequence[str]) -> None:
    """Offer the weights of one ``--local``: a file, or two halves, and perhaps the direction of a generator."""
    paths = [Path(each) for each in given if each not in DIRECTIONS or Path(each).exists()]
    stated = next((each for each in given if Path(each) not in paths), "")
    if not paths:
        raise ValueError(f"--local {stated} names no file of weights: write the file before its direction.")
    record = weights.add_local(*paths, direction=stated)
    if record.assumed:
        print(f"{record.name}: no file beside it says these, so they are assumed: {record.assumed}")


def main() -> None:
    """Read the command line and start the app, or renew the first results; what cannot start ends with status 2."""
    parser = command_line()
    arguments = parser.parse_args()
    if arguments.prefetch is not None:
        sys.exit(prefetch(Library(Hub.from_environment(token=None), ModelCache()), arguments.prefetch))
    try:
        for given in arguments.local:
            offer_local(library(), given)
        if not arguments.precompute:
            if not arguments.check:
                check_address(arguments.host, arguments.port)
            training = not (arguments.no_training or arguments.check)  # a check starts nobody's job
            jobs = open_jobs(arguments.data_dir, training, arguments.classroom)
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    if arguments.precompute:
        precompute(real_context())
        return
    ctx = real_context(jobs)
    if arguments.check:
        sys.exit(self_check(ctx, lambda: build_app(ctx)))
    host = f"[{arguments.host.strip('[]')}]" if ":" in arguments.host else arguments.host  # as addresses write IPv6
    app = build_app(ctx)
    app.launch(
        server_name=host,
        server_port=arguments.port,
        prevent_thread_lock=True,
        quiet=True,
        **launch_options(Texts.load(), ctx.routes),
    )
    shown = "127.0.0.1" if host == "0.0.0.0" else host
    print(f"Unlabeled is ready on http://{shown}:{arguments.port}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        app.block_thread()
    finally:
        jobs.close()  # running jobs save themselves first


if __name__ == "__main__":
    main()
