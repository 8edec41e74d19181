"""The mends of Gradio's scripts: they are found in the installed version, and the app serves them."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app as app_module
from demos.core.i18n import Texts
from demos.page import mended_scripts as module
from demos.page.mended_scripts import MENDS, SCRIPTS, mended_scripts


def test_the_app_serves_the_scripts_of_this_gradio_mended() -> None:
    served = app_module.launch_options(Texts.load())["app_kwargs"]["routes"]
    assert [one.path for one in served] == [route.path for route in mended_scripts()]
    client, found = TestClient(Starlette(routes=served)), []
    for route in served:
        answer = client.get(route.path)
        assert answer.headers["content-type"].startswith("text/javascript")
        text = answer.text
        for mend in MENDS:
            if mend.mended in text:
                found.append(mend)
                text = text.replace(mend.mended, mend.found)
        assert text == (SCRIPTS / Path(route.path).name).read_text("utf-8")
    assert sorted(found) == sorted(MENDS)


def test_a_script_of_another_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index, mend in enumerate(MENDS):
        (tmp_path / mend.script.replace("*", f"{index}a")).write_text("another one")
        (tmp_path / mend.script.replace("*", f"{index}b")).write_text(2 * mend.found)
    monkeypatch.setattr(module, "SCRIPTS", tmp_path)
    assert mended_scripts() == []
