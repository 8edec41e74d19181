"""The event handlers of the map."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from map_images import LABELS, NO_REQUEST, RANDOM_SETTINGS, large_encoder, last, noisy_image, packed, png

from demos.core.context import Context
from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import (
    Settings,
    collect,
)
from demos.embeddings.handlers import (
    on_built,
    on_export,
    on_files,
    on_job,
    on_label,
    on_lasso,
    on_pick,
    on_query,
    on_settings,
)
from demos.embeddings.outputs import NUM_NEIGHBOURS, placement
from demos.embeddings.session import Job, MapSession
from demos.ui.progress import run_to_completion


@pytest.mark.usefixtures("umap_ready")
def test_an_upload_is_mapped_and_its_images_are_picked(builder: MapBuilder, archive: Path) -> None:
    settings = RANDOM_SETTINGS
    session, *rest, job = on_files(builder, NO_REQUEST, gr.Progress(), [str(archive)], *settings)
    assert isinstance(job, Job) and len(session.uploaded) == 15
    shown = on_built(builder, session, last(on_job(builder, session, job, NO_REQUEST)))
    value = json.loads(shown.plot.value)
    assert {kind["name"] for kind in value["classes"]} == set(LABELS)
    assert "14 neighbours" in shown.description and "never trained" in shown.facts
    assert shown.neighbours.count('near-tile"') == NUM_NEIGHBOURS
    session, near, rings, *_ = on_pick(builder, dict(id=9), shown.session, NO_REQUEST)
    assert "green/4.png" in near
    assert json.loads(rings.props["marks"])["rings"][0] == 9
    again = on_settings(builder, session, *settings)
    assert json.loads(again[1].value) == value and again[0].picked == 9
    with pytest.raises(gr.Error, match="not on this map"):
        on_pick(builder, dict(id=15), session, NO_REQUEST)


@pytest.mark.usefixtures("umap_ready")
def test_changes_made_during_a_job_are_kept(builder: MapBuilder) -> None:
    session = run_to_completion(builder.build_map(MapSession(), Settings("random", method="pca"), NO_REQUEST))
    twin = Settings("random", metric="euclidean", method="pca")
    made = last(on_job(builder, session, Job(twin, 0), NO_REQUEST))
    assert isinstance(made, MapSession), "a job fills nothing on the page itself"
    session, *_ = on_lasso(builder, dict(ids=packed(0, 6, 12)), session, NO_REQUEST)
    session, *_ = on_label(builder, session, "mine", NO_REQUEST)
    session, *_ = on_pick(builder, dict(id=9), session, NO_REQUEST)
    shown = on_built(builder, session, made)
    assert shown.session.shown == twin and (shown.session.picked, shown.session.selected) == (9, (0, 6, 12))
    assert "mine" in {kind["name"] for kind in json.loads(shown.plot.value)["classes"]}
    assert "green/4.png" in shown.neighbours
    scored = run_to_completion(builder.build_map(session, twin, NO_REQUEST)).maps[twin].scores
    assert shown.session.maps[twin].scores == scored != made.maps[twin].scores
    others = MapSession(uploaded=builder.collection(MapSession()).with_label([], None))
    assert on_built(builder, others, made).session == gr.skip(), "the map is of images that are no longer there"


def test_a_query_image_is_preprocessed_like_the_set(
    builder: MapBuilder, striped: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    large_encoder(builder, monkeypatch)
    session = run_to_completion(
        builder.build_map(MapSession(uploaded=collect(striped, 100)), Settings("random", method="pca"), None)
    )
    query = on_query(builder, session, str(striped[2]), NO_REQUEST)
    placed = placement(builder, query)
    assert placed.near[0] == 2 and placed.similarities[0] > 0.99
    told: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **_: told.append(message))
    (tmp_path / "text.jpg").write_text("no picture")
    assert on_query(builder, query, str(tmp_path / "text.jpg"), NO_REQUEST).query is None, "nothing old beside it"
    assert len(told) == 1


def test_an_expired_session_asks_for_a_reload(builder: MapBuilder) -> None:
    with pytest.raises(gr.Error, match="Reload"):
        on_pick(builder, dict(id=0), None, NO_REQUEST)


def test_too_few_and_equal_images_are_refused(builder: MapBuilder, tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        path.write_bytes(png(noisy_image("red", 0)))
        paths.append(str(path))
    settings = RANDOM_SETTINGS
    with pytest.raises(gr.Error, match="at least 4 pictures, and these files hold 3"):
        on_files(builder, NO_REQUEST, gr.Progress(), paths[:3], *settings)
    session, *_, job = on_files(builder, NO_REQUEST, gr.Progress(), paths, *settings)
    with pytest.raises(gr.Error, match="the same"):
        last(on_job(builder, session, job, NO_REQUEST))


def test_removing_the_upload_shows_the_built_in_set(builder: MapBuilder) -> None:
    session, *_, job = on_files(builder, NO_REQUEST, gr.Progress(), None, "random", "2", 15, 0.1, 0, "cosine", "umap")
    assert session.uploaded is None and isinstance(job, Job)


@pytest.mark.usefixtures("umap_ready")
def test_a_lasso_is_shown_labelled_and_exported(builder: MapBuilder, context: Context) -> None:
    settings = Settings("random", method="pca")
    session = run_to_completion(builder.build_map(MapSession(), settings, NO_REQUEST))
    session, panel, tools, *_ = on_lasso(builder, dict(ids=packed(0, 6, 12)), session, NO_REQUEST)
    assert "3 pictures" in panel and tools.visible
    *files, for_trainer, _ = on_export(builder, session, NO_REQUEST)
    table, images = (change["value"] for change in files)
    assert for_trainer == images
    assert Path(table).read_bytes().count(b"\n") == 4
    with zipfile.ZipFile(images) as archive:
        assert sorted(archive.namelist()) == ["blue/00000-0.jpg", "green/00006-1.jpg", "red/00012-2.jpg"]
    *shown, panel = on_label(builder, session, "  mine  ", NO_REQUEST)
    assert builder.collection(shown[0]).labels.count("mine") == 3
    assert "mine" in {kind["name"] for kind in json.loads(shown[1].value)["classes"]}
    with pytest.raises(gr.Error, match="40 letters"):
        on_label(builder, session, "x" * 41, NO_REQUEST)
    with pytest.raises(gr.Error, match="lasso"):
        on_label(builder, replace(session, selected=()), "mine", NO_REQUEST)
    with pytest.raises(gr.Error, match="not on this map"):
        on_lasso(builder, dict(ids=packed(15)), session, NO_REQUEST)
