"""`python app.py --check` tries every tab and says what failed, whatever happens in the others."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import app as app_module
from demos.core.context import Context
from demos.core.tab_interface import SummaryCell, TabInterface
from demos.page.discovery import discover
from demos.page.self_check import self_check


def rows(said: str) -> dict[str, str]:
    """Return the result of each line by its tab and what was tried."""
    return {line[:41].strip(): line[41:].split(" s  ", 1)[1] for line in said.splitlines()[1:]}


def test_every_tab_is_tried(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    assert self_check(context, lambda: app_module.build_app(context)) == 0
    found = rows(capsys.readouterr().out)
    assert set(found.values()) == {"ok"}
    assert [each.split()[0] for each in found] == ["app", "app", *(demo.name for demo in discover())]


def test_one_failure_hides_no_other(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: Image.Image) -> SummaryCell:
        raise FileNotFoundError("The weights 'mae-photos' are not on disk.")

    def build() -> None:
        app_module.build_app(context)
        context.tabs["mae"] = replace(context.tabs["mae"], summary=fail)
        context.tabs["train"] = TabInterface()

    assert self_check(context, build) == 1
    results = {name.split()[0]: result for name, result in rows(capsys.readouterr().out).items()}
    assert results.pop("mae") == "FAILED: The weights 'mae-photos' are not on disk."
    assert results.pop("train") == "FAILED: the tab offers nothing that could be tried"
    assert set(results.values()) == {"ok"}


def test_a_page_that_cannot_be_built_is_told(context: Context, capsys: pytest.CaptureFixture[str]) -> None:
    def build() -> None:
        raise ValueError

    assert self_check(context, build) == 1
    assert rows(capsys.readouterr().out)["app          the page"] == "FAILED: ValueError"


def test_the_command_needs_no_port_and_starts_no_training(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_address(*_: object) -> None:
        raise AssertionError("another app may listen there, and be checked")

    def note(ctx: Context, _: object) -> int:
        tried.append(ctx)
        return 1

    tried: list[Context] = []
    monkeypatch.setattr("sys.argv", ["app.py", "--check", "--data-dir", str(tmp_path / "data")])
    monkeypatch.setattr(app_module, "check_address", no_address)
    monkeypatch.setattr(app_module, "real_context", lambda jobs: replace(context, jobs=jobs))
    monkeypatch.setattr(app_module, "self_check", note)
    with pytest.raises(SystemExit, match="1"):
        app_module.main()
    (ctx,) = tried
    assert ctx.jobs is not None and ctx.jobs.off == "off_disabled"
    ctx.jobs.close()
