"""A page that was open before a crowd of programs came goes on with everything that is its own."""

import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from polling import job_in_queue
from running_app import ROOT, running_app
from visits import MAP, OpenPage, another_image_in, image_in, lasso_all, open_card, upload

from demos.core.i18n import Texts
from demos.core.visitor import owner_of
from models.training.jobs import JobManager

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXTS = Texts.load().tables["en"]
CALLS, AT_ONCE = 2000, 8
OWN = 12  # images on the map
SLOW = 180_000  # milliseconds for what may have to wait until UMAP is compiled
REFUSED = {"data": [None, 0.75, "random", 0]}  # a call without work, so that thousands take seconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crowd")


@pytest.fixture(scope="module")
def job(folder: Path) -> tuple[str, str]:
    """Visitor and id of a job that waits, and that everybody sees."""
    return job_in_queue(folder / "data", pause=False)


@pytest.fixture(scope="module")
def app_url(folder: Path, job: tuple[str, str]) -> Iterator[str]:
    """Address of an app with room for few sessions, in which nothing is trained."""
    program = "tests/support/crowded_app.py"
    with running_app(folder, "--classroom", "--no-training", program=program, PYTHONPATH=str(ROOT)) as app:
        yield app.url


@pytest.fixture
def own_images(tmp_path: Path) -> Path:
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for image in sorted((ROOT / "assets" / "examples" / "fruit").glob("*-??.jpg"))[:OWN]:
            archive.write(image, image.name)
    return path


def calls_of_programs(url: str, count: int) -> None:
    """Make so many one-off calls, each of which begins a session."""
    address = f"{url}/gradio_api/call/reconstruct"
    with httpx.Client(timeout=120) as client:

        def call(_: int) -> bool:
            event = client.post(address, json=REFUSED).raise_for_status().json()["event_id"]
            return TEXTS["error.no_photo"] in json.dumps(client.get(f"{address}/{event}").text)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert all(pool.map(call, range(count)))


def test_an_open_page_keeps_its_map_lasso_image_and_jobs(
    visit: OpenPage, own_images: Path, folder: Path, app_url: str, job: tuple[str, str]
) -> None:
    page = visit("/?tab=embeddings")
    open_card(page, "embeddings", "own")
    upload(page, "#embeddings-upload", own_images)
    expect(page.locator(MAP)).to_have_attribute("data-count", str(OWN), timeout=SLOW)
    page.locator("#tab-mae-button").click()
    first = image_in(page, "#mae-result-slider")
    page.locator("#mae-another").click()
    another_image_in(page, "#mae-result-slider", first)
    page.locator("#tab-train-button").click()
    entry = page.locator(f"#train-runs button[data-run='public:{job[1]}']")
    expect(entry).to_be_visible()
    entry.click()
    expect(page.locator("#train-view")).to_contain_text(TEXTS["train.state.queued"].format(place=1))

    calls_of_programs(app_url, CALLS)

    manager = JobManager(folder / "data")
    manager.pause(owner_of(job[0], None) or "", job[1])
    manager.close()
    expect(entry).to_contain_text(TEXTS["train.badge.paused"])  # noticed by what the page knows of its list
    page.locator("#tab-mae-button").click()
    open_card(page, "mae", "details")
    image_in(page, "#mae-result-raw")  # of the mask that was drawn before
    page.locator("#tab-embeddings-button").click()
    lasso_all(page)
    gallery = page.locator("#embeddings-chosen .chosen-tiles")
    expect(gallery).to_be_visible()
    assert 0.8 * OWN < int(gallery.get_attribute("data-chosen") or 0) <= OWN
