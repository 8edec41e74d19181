"""A repository with several files of weights, in a browser: the one that is clicked is fetched and used."""

from pathlib import Path
from typing import Any

import pytest
from hub_server import StandInHub
from playwright.sync_api import Browser, expect
from published import PUBLISHED
from running_app import running_app
from safetensors.torch import save
from visits import open_card

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_one_of_several_files_is_clicked_and_used(browser: Browser, hub_server: StandInHub, tmp_path: Path) -> None:
    tensors = PUBLISHED["cyclegan-resnet-generator"]()
    file = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    hub_server.add("ann/gan", {f"latest_net_{name}.pth": file for name in ("D_A", "G_A", "G_B")})
    environment: Any = {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_ASSETS_CACHE": str(tmp_path / "assets")}
    with running_app(tmp_path, HF_ENDPOINT=hub_server.url, HF_HUB_OFFLINE="0", **environment) as app:
        page = browser.new_page()
        page.goto(f"{app.url}/?tab=cyclegan", wait_until="domcontentloaded")
        open_card(page, "cyclegan", "models")
        page.locator("#cyclegan-model-id textarea, #cyclegan-model-id input").fill("hf.co/ann/gan")
        page.locator("#cyclegan-model-go").click()
        way = page.locator("#cyclegan-model-way")
        expect(way).to_contain_text("latest_net_G_B", timeout=60_000)  # a failure shows the sentence that stands there
        files = way.locator(".model")
        expect(files).to_have_text(["ann/gan/latest_net_G_A.pth", "ann/gan/latest_net_G_B.pth"])
        files.last.click()
        used = page.locator("#cyclegan-models .model[data-used=true]")
        expect(used).to_contain_text("ann/gan/latest_net_G_B.pth", timeout=60_000)
        page.close()
