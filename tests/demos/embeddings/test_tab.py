"""The components and events of the tab, and its files for the first paint."""

import json
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
import torch

from demos.core.context import Context
from demos.embeddings import tab
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import (
    Settings,
)
from demos.embeddings.encoder_comparison import rows_html
from demos.embeddings.handlers import on_settings, on_slide
from demos.embeddings.precomputed import load_rows
from demos.embeddings.session import Job
from demos.embeddings.tab import DEMO, build
from models.analysis import projection


def _refuse(name: str) -> torch.nn.Module:
    raise AssertionError(f"{name} was loaded")


@pytest.mark.slow
@pytest.mark.usefixtures("umap_ready")
def test_the_first_paint_needs_neither_weights_nor_umap(
    context: Context, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = context.first_paint / "embeddings"
    folder.mkdir(parents=True)
    monkeypatch.setattr(tab, "GRID_NEIGHBOURS", (5, 15))
    monkeypatch.setattr(tab, "GRID_DISTANCES", (0.1, 0.5))
    tab.precompute(context, folder, archive)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000_000
    monkeypatch.setattr(projection, "project", _refuse)
    builder = MapBuilder(replace(context, load_model=_refuse), archive)
    for encoder in tab.ENCODERS:
        for dims in ("2", "3"):
            session, plot, *_, job = on_settings(builder, None, encoder, dims, 15, 0.1, 0, "cosine", "umap")
            assert job == gr.skip()
            assert session.shown == Settings(encoder, int(dims))
            assert json.loads(plot.value)["sprite"]["urls"][0].startswith("gradio_api/file=")
    *_, job = on_settings(builder, None, "random", "2", 30, 0.1, 0, "cosine", "umap")
    assert isinstance(job, Job)
    slid = on_slide(builder, None, "random", "2", 5, 0.45, 0, "cosine", "umap")
    assert slid.session.shown == Settings("random", n_neighbors=5, min_dist=0.5), "a slider answers from the grid"
    rows = load_rows(folder)
    assert set(rows) == set(tab.ENCODERS) and all(row.milliseconds > 0 for row in rows.values())
    assert "MAE" in rows_html(context, rows)


def test_no_model_event_writes_the_session(context: Context, archive: Path) -> None:
    with gr.Blocks() as blocks:
        build(context, archive)
    dependencies = blocks.get_config_file()["dependencies"]
    session = next(d for d in dependencies if d["api_name"] == "on_built")["inputs"][0]
    slow = {fn._id for fn in blocks.fns.values() if fn.concurrency_id == "model"}
    assert not [d["api_name"] for d in dependencies if d["id"] in slow and session in d["outputs"]]


def test_the_tab_builds_alone_and_the_page_carries_no_points(context: Context, archive: Path) -> None:
    with gr.Blocks() as blocks:
        build(context, archive)
    config = blocks.get_config_file()
    public = {d["api_name"] for d in config["dependencies"] if d["api_visibility"] == "public"}
    assert public == {"embed", "place", "neighbours"}
    ids = {component["props"].get("elem_id") for component in config["components"]}
    assert {f"embeddings-{part}" for part in ("plot", "neighbours", "scores", "upload", "encoder")} <= ids
    (plot,) = (c for c in config["components"] if c["props"].get("elem_id") == "embeddings-plot")
    assert not plot["props"].get("value")
    assert DEMO.name == "embeddings"


def test_events_that_may_start_a_job_are_queued(context: Context, archive: Path) -> None:
    """Gradio reports no change of a State from an unqueued event, so that the job would never start."""
    with gr.Blocks() as blocks:
        build(context, archive)
    dependencies = blocks.get_config_file()["dependencies"]
    (work,) = (d for d in dependencies if d["api_name"] == "on_job")
    (job,) = (id for id, event in work["targets"] if event == "change")
    asking = [d for d in dependencies if job in d["outputs"]]
    assert len(asking) == 3
    assert all(d["queue"] is not False for d in asking)


def test_the_last_of_two_quick_choices_is_answered(context: Context, archive: Path) -> None:
    with gr.Blocks() as blocks:
        build(context, archive)
    answers = ("on_pills", "on_settings", "on_compare", "on_views", "on_label", "on_export", "on_placed")
    modes = {
        (name, dependency["trigger_mode"])
        for dependency in blocks.get_config_file()["dependencies"]
        for name in answers
        if dependency["api_name"].startswith(name)
    }
    assert modes == {(name, "always_last") for name in answers}
