"""Somebody trains a network on images of their own, and somebody else sees nothing of it."""

import io
import os
import re
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from running_app import free_port, running_app
from visits import OpenPage, choose, image_in, open_card, upload

from demos.core.i18n import Texts

pytestmark = pytest.mark.browser

TEXTS = Texts.load().tables["en"]
OWN = "#train-runs button[data-run^='job:']"
TINY = {"steps": 12, "image_size": 16, "batch_size": 4, "num_filters": 8, "latent_dim": 8}
TRAINED = 180_000  # milliseconds; two processes have to start on a busy machine


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A zip of sixteen small images, one of them twice."""
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(17):
            pixels = np.random.default_rng(number % 16).integers(0, 255, (6, 6, 3), dtype=np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(pixels).resize((48, 48)).save(buffer, "PNG")
            archive.writestr(f"{number}.png", buffer.getvalue())
    return path


def start_training(page: Page, pictures: Path, name: str, **options: int) -> None:
    """Bring images, choose a small VAE from scratch, and start."""
    upload(page, "#train-files-a", pictures)
    expect(page.locator("#train-audit .train-verdict")).to_be_visible()
    choose(page, "#train-recipe", "vae")
    expect(page.locator("#train-start input")).to_have_value("vae-portraits")
    page.locator("#train-start input").click()
    page.get_by_role("option", name=TEXTS["train.scratch"]).click()
    page.get_by_text(TEXTS["train.options"]).click()
    expect(page.locator("#option-learning_rate input")).to_have_value("0.001")  # the whole rate: from scratch
    wanted = {f"#option-{option} input": str(value) for option, value in {**TINY, **options}.items()}
    for field, value in wanted.items():
        page.locator(field).fill(value)
        page.locator(field).blur()
    expect(page.locator("#train-estimate")).to_contain_text(f"{wanted['#option-steps input']} steps")
    for field, value in wanted.items():
        expect(page.locator(field)).to_have_value(value)
    page.locator("#train-name input, #train-name textarea").fill(name)
    expect(page.locator("#train-go")).to_be_enabled()
    page.locator("#train-go").click()
    expect(page.locator(OWN)).to_contain_text(name)
    expect(page.locator("#train-estimate")).to_have_text("")


def test_the_recording_plays_again(visit: OpenPage) -> None:
    page = visit("/?tab=train")
    steps = page.locator("#train-view .run-step")
    expect(steps).to_have_text("600 / 600")
    page.locator("#train-view [data-speed='60']").click()
    page.locator("#train-view .run-play").click()
    expect(steps).not_to_have_text("600 / 600")
    expect(steps).to_have_text("600 / 600")
    page.locator("#train-runs button[data-run='recording:simsiam-collapse']").click()
    expect(page.locator("#train-view .run-warning")).to_be_visible()
    page.locator("#train-view .run-film button").first.click()
    expect(page.locator("#train-view .run-warning")).to_be_hidden()


def test_from_upload_to_weights_through_a_closed_page(visit: OpenPage, pictures: Path) -> None:
    page = visit("/?tab=train")
    start_training(page, pictures, "my things")
    expect(page.locator("#train-audit")).to_contain_text("16 usable pictures of 17 files")
    expect(page.locator("#train-audit")).to_contain_text(TEXTS["train.skipped.repeated"])
    address, context = page.url, page.context
    page.close()
    page = context.new_page()
    page.goto(address)
    expect(page.locator(f"{OWN}[aria-pressed=true]")).to_contain_text("my things")
    choose(page, "#train-recipe", "vae")
    expect(page.locator("#train-runs .train-done")).to_be_visible(timeout=TRAINED)
    expect(page.locator("#train-view .run-step")).to_have_text("12 / 12")
    assert image_in(page, "#train-view .run-sheet")
    page.locator("#train-start input").click()
    page.get_by_role("option", name="my things").click()
    expect(page.locator("#train-start input")).to_have_value("my things")
    page.locator("#train-compare").click()
    assert image_in(page, "#train-sheet")
    page.locator("#train-runs button[data-run^='recording:']").first.click()
    expect(page.locator("#train-compare")).to_be_hidden()
    page.locator(OWN).click()
    expect(page.locator("#train-compare")).to_be_visible()
    expect(page.locator("#train-sheet")).to_be_hidden()
    page.locator("#train-compare").click()
    assert image_in(page, "#train-sheet")
    with page.expect_download() as download:
        page.locator("#train-download").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = {Path(name).name for name in archive.namelist()}
    assert names == {"model.safetensors", "config.json", "README.md", "latent.json"}
    page.locator("#train-take").click()
    expect(page.locator("#tab-vae .lead").first).to_be_visible()
    expect(page.locator("#vae-facts")).to_contain_text("my things")
    assert image_in(page, "#vae-result-strip")
    open_card(page, "vae", "models")
    used = page.locator("#vae-models .model[data-used=true]")
    expect(used).to_contain_text("my things")
    expect(used).to_contain_text(TEXTS["menu.own"])
    page.locator("#tab-train-button").click()
    page.locator("#train-delete").click()
    page.locator("#train-sure").click()
    expect(page.locator(OWN)).to_have_count(0)
    expect(page.locator("#train-start input")).to_have_value("vae-portraits")
    page.locator("#train-start input").click()
    expect(page.get_by_role("option", name=TEXTS["train.scratch"])).to_be_visible()
    expect(page.get_by_role("option", name="my things")).to_have_count(0)
    page.locator("#tab-vae-button").click()
    choose(page, "#vae-model", "vae-fruit")
    expect(page.locator("#vae-facts")).to_contain_text("vae-fruit")


@pytest.mark.slow
def test_a_method_chosen_while_images_are_read_makes_no_second_visitor(visit: OpenPage, tmp_path: Path) -> None:
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(300):
            pixels = np.random.default_rng(number).integers(0, 255, (16, 16, 3), dtype=np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(pixels).resize((512, 512)).save(buffer, "JPEG")
            archive.writestr(f"{number}.jpg", buffer.getvalue())
    page = visit("/?tab=train")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "" if "/queue/join" in request.url else ""))
    with page.expect_request(lambda request: "/queue/join" in request.url and "many.zip" in (request.post_data or "")):
        upload(page, "#train-files-a", many)
    choose(page, "#train-recipe", "mae")
    expect(page.locator("#train-estimate")).to_contain_text("steps", timeout=TRAINED)
    expect(page.locator("#train-audit")).to_contain_text("300 usable pictures")
    visitors = {found for data in sent for found in re.findall(r'"([A-Za-z0-9_-]{43})"', data)}
    assert len(visitors) == 1


@pytest.mark.slow
def test_two_visitors_do_not_see_each_other(visit: OpenPage, pictures: Path) -> None:
    ada, eve = visit("/?tab=train"), visit("/?tab=train")
    start_training(ada, pictures, "secret of ada", steps=20_000)
    run = ada.locator(OWN).get_attribute("data-run") or ""
    expect(eve.locator("#train-runs button").first).to_be_visible()
    eve.reload()
    expect(eve.locator("#train-runs button").first).to_be_visible()
    expect(eve.locator(OWN)).to_have_count(0)
    # Eve asks for Ada's job by its very id.
    eve.evaluate("run => { document.querySelector('#train-runs button[data-run]').dataset.run = run; }", run)
    eve.locator(f"#train-runs button[data-run='{run}']").click()
    expect(eve.get_by_text(TEXTS["error.job.unknown"])).to_be_visible()
    expect(eve.locator("body")).not_to_contain_text("secret of ada")
    # Ada pauses, goes on and stops; what was learned is kept.
    expect(ada.locator("#train-view .run-head")).to_contain_text(re.compile(r"step [1-9]\d* of 20000"), timeout=TRAINED)
    ada.locator("#train-pause").click()
    expect(ada.locator("#train-runs .train-paused")).to_be_visible(timeout=TRAINED)
    ada.locator("#train-resume").click()
    expect(ada.locator("#train-runs .train-running")).to_be_visible(timeout=TRAINED)
    ada.locator("#train-stop").click()
    expect(ada.locator("#train-runs .train-stopped")).to_be_visible(timeout=TRAINED)
    expect(ada.locator("#train-compare")).to_be_visible()
    ada.locator("#train-delete").click()
    ada.locator("#train-sure").click()
    expect(ada.locator(OWN)).to_have_count(0)


@pytest.mark.slow
def test_a_room_looks_on_and_a_restart_loses_nothing(browser: Browser, pictures: Path, tmp_path: Path) -> None:
    port = free_port()
    ada, eve = (browser.new_context(locale="en-US").new_page() for _ in range(2))
    with running_app(tmp_path, "--classroom", port=port) as app:
        ada.goto(f"{app.url}/?tab=train")
        start_training(ada, pictures, "for all to see", steps=20_000)
        eve.goto(f"{app.url}/?tab=train")
        eve.locator("#train-runs button[data-run^='public:']").click()
        head = re.compile(r"for all to see.*step [1-9]\d* of 20000", re.DOTALL)
        expect(eve.locator("#train-view .run-head")).to_contain_text(head, timeout=TRAINED)
        for button in ("pause", "stop", "delete", "compare", "take"):
            expect(eve.locator(f"#train-{button}")).to_be_hidden()
        os.kill(app.pid, signal.SIGKILL)
    with running_app(tmp_path, port=port) as app:
        ada.goto(f"{app.url}/?tab=train")
        expect(ada.locator("#train-view .run-head")).to_contain_text("interrupted at step")
        ada.locator("#train-resume").click()
        expect(ada.locator("#train-runs .train-running")).to_be_visible(timeout=TRAINED)
        ada.locator("#train-delete").click()
        ada.locator("#train-sure").click()
        expect(ada.locator(OWN)).to_have_count(0)
    for page in (ada, eve):
        page.context.close()
