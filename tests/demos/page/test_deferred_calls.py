"""The mend of Gradio's script: it is found in the installed version, and the app serves it."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app as app_module
from demos.core.i18n import Texts
from demos.page import deferred_calls
from demos.page.deferred_calls import FAILED, MENDED, SCRIPTS, mended_scripts


def test_the_app_serves_the_script_of_this_gradio_with_one_more_call() -> None:
    (route,) = mended_scripts()
    served = app_module.launch_options(Texts.load())["app_kwargs"]["routes"]
    assert [one.path for one in served] == [route.path]
    answer = TestClient(Starlette(routes=served)).get(route.path)
    script = (SCRIPTS / Path(route.path).name).read_text("utf-8")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.text.replace(MENDED, FAILED) == script
    assert len(answer.text) - len(script) == len(MENDED) - len(FAILED)


def test_a_script_of_another_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Blocks-1.js").write_text("another one")
    (tmp_path / "Blocks-2.js").write_text(2 * FAILED)
    monkeypatch.setattr(deferred_calls, "SCRIPTS", tmp_path)
    assert mended_scripts() == []
