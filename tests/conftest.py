"""Tiers of tests, and fixtures for all: a fixed random state, shallow models, a Context that needs no trained weights.

The controller of pytest-xdist reads this file too, and imports no torch: its workers begin sooner.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hub_server import StandInHub, running_hub
from PIL import Image
from running_app import running_app

from demos.core import environment

os.environ.setdefault("OMP_NUM_THREADS", "1")  # beside other tests, waiting threads cost ten times the work
environment.prepare(offline=True)  # before anything imports gradio or the Hub's client, which read it once

if TYPE_CHECKING:
    from fakes import ShallowModels

    from demos.core.context import Context

OPT_IN = {
    "slow": "`make test-all` or --run-slow runs them",
    "network": "--run-network runs them",
}
LEFT_OUT = pytest.StashKey[dict[str, int]]()  # by tier and file


def pytest_addoption(parser: pytest.Parser) -> None:
    for tier in OPT_IN:
        parser.addoption(f"--run-{tier}", action="store_true", help=f"run also the tests marked {tier}")
    parser.addoption(
        "--record-references", action="store_true", help="write anew what the reference implementations answer"
    )
    parser.addoption("--app-url", help="test the app that runs there instead of starting one")


def fixtures_of(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of tiers that were not asked for, and put the long ones first.

    `--dist worksteal` gives each worker a contiguous part, and who is done takes from the end of the longest rest: with
    the tests of the running app first, one worker has them, and starts the app, until little else is left.
    """
    left_out, kept = Counter[str](), []
    for item in items:
        tier = next((tier for tier in OPT_IN if tier in item.keywords and not config.getoption(f"--run-{tier}")), None)
        if tier is None:
            kept.append(item)
        else:
            left_out[f"{tier} {item.path.relative_to(config.rootpath)}"] += 1
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    config.stash[LEFT_OUT] = dict(left_out)
    items[:] = sorted(kept, key=lambda item: ("app_url" not in fixtures_of(item), "slow" not in item.keywords))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a worker of pytest-xdist: the summary is written by its controller
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if left_out := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[LEFT_OUT] = left_out  # the same for all workers: each collects everything


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which tests were left out, and what runs them."""
    left_out = config.stash.get(LEFT_OUT, {})
    for tier, runs in OPT_IN.items():
        files = {key.removeprefix(f"{tier} "): count for key, count in left_out.items() if key.startswith(f"{tier} ")}
        if files:
            terminalreporter.section(f"left out: {sum(files.values())} tests marked {tier}; {runs}", sep="-")
            for file, count in sorted(files.items()):
                terminalreporter.write_line(f"{count:4} {file}")


@pytest.fixture(scope="session", autouse=True)
def few_threads() -> None:
    """Shallow models run no slower on one thread, and far faster where something else runs beside them."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Start every test from the same random state."""
    import torch

    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shallow_models() -> "ShallowModels":
    """Untrained models under the names of the trained ones."""
    from fakes import ShallowModels

    return ShallowModels()


@pytest.fixture
def context(shallow_models: "ShallowModels", tmp_path: Path) -> "Context":
    """A Context over shallow models whose result files go to the test's own folder."""
    from demos.core.context import make_context

    files, first_paint = tmp_path / "files", tmp_path / "first_paint"
    return make_context(shallow_models.load_model, shallow_models.weights_info, files, first_paint=first_paint)


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """An image of 160 x 120 pixels with colours, edges and texture, the same every time."""
    y, x = np.mgrid[0:120, 0:160]
    noise = np.random.default_rng(0).normal(0, 6, (120, 160))
    disc = ((x - 80) ** 2 + (y - 60) ** 2 < 40**2) * 120.0
    channels = [60 + x / 2 + noise, 40 + y + disc + noise, 90 + (x + y) / 4 + noise]
    return Image.fromarray(np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8))


@pytest.fixture
def hub_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A Hub on loopback, and a client that may go online and is not logged in."""
    from huggingface_hub import close_session, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # read once from the environment, which says otherwise
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_hub() as server:
        yield server
    close_session()


@pytest.fixture(scope="session")
def app_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the real app with its trained weights, started once for all tests, or the one given."""
    given = request.config.getoption("--app-url")
    if given:
        yield given.rstrip("/")
        return
    with running_app(tmp_path_factory.mktemp("app")) as app:
        yield app.url
