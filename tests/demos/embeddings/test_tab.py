"""The map tab: what it reads, shows and refuses, its files for the first paint, and ``/embed``."""

import base64
import csv
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image

from demos.core.context import Context
from demos.embeddings import components, encoder_comparison, tab
from demos.embeddings.augmented_views import views_section
from demos.embeddings.collection import (
    GRID_DISTANCES,
    GRID_NEIGHBOURS,
    Collection,
    ImageMap,
    Scores,
    Settings,
    collect,
    images_zip,
    neighbours_of,
    opened,
    score,
    table_csv,
    table_rows,
)
from demos.embeddings.encoder_comparison import Row, compare_section, load_rows, rows_html, save_rows
from demos.embeddings.handlers import NUM_NEAR, Handlers
from demos.embeddings.originals import KEPT_SIDE
from demos.embeddings.precomputed import Prepared, load_set, save_set
from demos.embeddings.session import Atlas, FeatureCache, Job, MapSession
from demos.embeddings.similarity_explanation import CHANGES, WhyNear, changed, explain
from demos.embeddings.tab import DEMO, build
from demos.embeddings.training_timeline import Film, learning_section, load_frames, make_frames, save_frames
from demos.embeddings.view import told_html
from demos.ui.progress import run_to_completion
from demos.ui.scatter.scatter import lassoed_ids, picked_id, scatter_figure, scatter_value
from demos.ui.sprites import make_sprite, sprite_layout, tile_style
from models.analysis import projection
from models.analysis.embedding import embed_batches
from models.analysis.neighbours import Metric
from models.analysis.projection import Method
from models.checkpoints import WeightsInfo, build_model, weights_info
from models.data.images import square_crop, to_tensor
from models.encoders import BACKBONE_WIDTH
from models.formats.weights_folder import training_steps
from models.training.evaluation.export import write_weights
from models.training.recipes._base import Export
from models.training.recipes.contrastive import SimCLRConfig

KINDS = ("blue", "green", "red")
PER_KIND = 5
NO_REQUEST: Any = None  # as in a call from Python, without a browser
RANDOM: tuple[str, str, int, float, int, Metric, Method] = ("random", "2", 15, 0.1, 0, "cosine", "umap")


def picture(kind: str, number: int) -> Image.Image:
    """A noisy square of one colour."""
    noise = np.random.default_rng(number).normal(0, 20, (40, 40, 3))
    noise[..., ("red", "green", "blue").index(kind)] += 150
    return Image.fromarray((noise + 50).clip(0, 255).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of labelled images, with one file that is none."""
    path = tmp_path_factory.mktemp("kinds") / "kinds.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for kind in KINDS:
            for number in range(PER_KIND):
                archive.writestr(f"{kind}/{number}.png", png(picture(kind, number)))
        archive.writestr("red/readme.txt", "not a picture")
    return path


@pytest.fixture(scope="module")
def collection(kinds: Path) -> Collection:
    return collect([kinds], 2000)


@pytest.fixture(scope="session")
def umap_ready() -> None:
    """Import and compile umap once; the first time on a machine takes about half a minute."""
    projection.warm_up()
    assert projection.wait_until_ready(timeout=600)


@pytest.fixture
def handlers(context: Context, kinds: Path) -> Handlers:
    return Handlers(context, kinds)


def last(steps: Iterator[Any]) -> Any:
    """What a generator gives in the end."""
    *_, answer = steps
    return answer


def event(**data: Any) -> dict[str, Any]:
    """What the page reports of a click or a lasso."""
    return data


def test_folders_become_labels_and_the_rest_is_counted(collection: Collection) -> None:
    assert collection.labels == tuple(kind for kind in KINDS for _ in range(PER_KIND))
    assert collection.skipped == {"not_an_image": 1}
    assert {picture.size for picture in collection.images()} == {(128, 128)}


def test_no_more_images_are_read_than_allowed(kinds: Path) -> None:
    few = collect([kinds], 7)
    assert len(few) == 7
    assert few.skipped["too_many"] == 3 * PER_KIND + 1 - 7


def test_what_was_left_out_is_said(context: Context, collection: Collection) -> None:
    said = told_html(context, collection, uploaded=True, clamped=14)
    assert "15 pictures, 3 labels" in said
    assert "1 × " in said and "not a picture" in said and "不是图片" in said
    assert "14 neighbours" in said


def test_thumbnails_lie_where_the_page_looks_for_them() -> None:
    colours = [(index * 20, 0, 255 - index * 20) for index in range(11)]
    sprite = make_sprite([Image.new("RGB", (30, 30), colour) for colour in colours])
    sheet = Image.open(io.BytesIO(sprite.sheets[0]))
    assert sheet.size == (sprite.columns * sprite.cell, sprite.rows(0) * sprite.cell)
    for index, colour in enumerate(colours):
        row, column = divmod(index, sprite.columns)
        middle: Any = sheet.getpixel((int((column + 0.5) * sprite.cell), int((row + 0.5) * sprite.cell)))
        assert np.abs(np.subtract(middle, colour)).max() < 12
    assert "background-position:100.0000% 0.0000%" in tile_style(sprite, ["x"], sprite.columns - 1)


@pytest.mark.parametrize("count", [1, 480, 2000, 100_000])
def test_a_sheet_is_small_enough_for_a_phone(count: int) -> None:
    cell, columns, capacity = sprite_layout(count)
    assert (cell * columns) ** 2 < 16_000_000
    assert capacity <= columns**2


def test_many_images_have_several_sheets() -> None:
    sprite = make_sprite([Image.new("RGB", (8, 8), (number % 256, 0, 0)) for number in range(1100)])
    assert len(sprite.sheets) == 2 and sprite.place(1030) == (1, 0, 6)
    assert "url('b')" in tile_style(sprite, ["a", "b"], 1030)


def test_the_page_gets_every_point_once(collection: Collection) -> None:
    coordinates = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32)
    value = json.loads(scatter_value(coordinates, collection.labels, collection.names, collection.sprite, ["x.jpg"]))
    points = np.frombuffer(base64.b64decode(value["points"]), "<f4").reshape(15, 2)
    np.testing.assert_array_equal(points, coordinates)
    kinds = np.frombuffer(base64.b64decode(value["label"]), "<u2")
    assert [value["classes"][kind]["name"] for kind in kinds] == list(collection.labels)
    assert value["names"] == list(collection.names)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_figure_is_valid_plotly_with_every_point_once(dims: int) -> None:
    coordinates = np.random.default_rng(0).normal(size=(9, dims)).astype(np.float32)
    labels = ["b", "a", None] * 3
    figure = scatter_figure(coordinates, labels, [f"{i}.png" for i in range(9)])
    checked = go.Figure(figure)
    assert [trace.name for trace in checked.data] == ["a", "b", "–"]
    assert sorted(id for trace in checked.data for id in trace.customdata) == list(range(9))
    for trace in checked.data:
        for place, point in enumerate(trace.customdata):
            assert trace.text[place] == f"{point}.png"
            assert trace.x[place] == pytest.approx(coordinates[point, 0], abs=1e-3)


def test_neighbours_are_those_of_brute_force() -> None:
    features = np.random.default_rng(1).normal(size=(40, 12)).astype(np.float32)
    centred = features - features.mean(axis=0)
    for index in (0, 17, 39):
        cosines = {
            other: centred[index] @ centred[other] / np.linalg.norm(centred[index]) / np.linalg.norm(centred[other])
            for other in range(40)
            if other != index
        }
        expected = sorted(cosines, key=lambda other: -cosines[other])[:6]
        found = neighbours_of(features, index, 6)
        assert [id for id, _ in found] == expected
        np.testing.assert_allclose([cosine for _, cosine in found], [cosines[id] for id in expected], atol=1e-5)


def test_scores_tell_good_features_from_bad() -> None:
    rng = np.random.default_rng(0)
    labels = [kind for kind in KINDS for _ in range(10)]
    centres = np.repeat(np.eye(3, 16), 10, axis=0)
    good = (centres * 8 + rng.normal(size=(30, 16))).astype(np.float32)
    found = score(good, good[:, :3], labels, 5)
    assert found.knn_accuracy == pytest.approx(1.0, abs=0.04)
    assert found.chance == pytest.approx(1 / 3)
    assert found.trustworthiness > 0.7
    collapsed = (np.ones((30, 16)) + rng.normal(0, 1e-4, (30, 16))).astype(np.float32)
    assert score(collapsed, good[:, :2], labels, 5).collapse < 0.01
    unlabelled = score(good, good[:, :2], [None] * 30, 5)
    assert unlabelled.knn_accuracy is None and unlabelled.chance is None


def test_the_table_holds_every_image(collection: Collection) -> None:
    coordinates = np.arange(30, dtype=np.float32).reshape(15, 2)
    rows = table_rows(collection, coordinates)
    assert rows[1] == ["blue/1.png", "blue", 2.0, 3.0]
    read = list(csv.reader(io.StringIO(table_csv(collection, coordinates, [1, 4]).decode("utf-8-sig"))))
    assert read == [
        ["id", "file", "label", "x", "y"],
        ["1", "blue/1.png", "blue", "2.0", "3.0"],
        ["4", "blue/4.png", "blue", "8.0", "9.0"],
    ]
    flat = table_csv(collection, np.zeros((15, 3), np.float32), [])
    assert flat == b"\xef\xbb\xbfid,file,label,x,y,z\r\n"


def test_the_images_of_a_lasso_come_back_as_a_labelled_set(collection: Collection, tmp_path: Path) -> None:
    mixed = collection.relabelled([1], "a/../b").relabelled([2], None)
    path = tmp_path / "lasso.zip"
    path.write_bytes(images_zip(mixed, [0, 1, 2]))
    again = collect([path], 10)
    assert sorted(again.labels, key=str) == [None, "a_.._b", "blue"]
    assert not again.skipped


@pytest.mark.parametrize("id", [-1, 15, 1.0, "3", None, True, [1]])
def test_ids_that_no_point_has_are_refused(id: Any) -> None:
    with pytest.raises(ValueError, match="not one of the 15 points"):
        picked_id(event(id=id), 15)
    assert picked_id(event(id=14), 15) == 14


def packed(*ids: int) -> str:
    return base64.b64encode(np.array(ids, "<u4").tobytes()).decode()


@pytest.mark.parametrize(
    "ids",
    [None, [1, 2], "no base64!", packed(1)[:-4] + "A===", packed(15), packed(3, 3), packed(*range(16)), "AAAA" * 90],
)
def test_lassos_that_no_map_can_send_are_refused(ids: Any) -> None:
    with pytest.raises(ValueError, match="lasso|points"):
        lassoed_ids(event(ids=ids), 15)
    assert lassoed_ids(event(ids=packed(14, 0)), 15) == [0, 14]
    assert lassoed_ids(event(ids=""), 15) == []


def cosines_of(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    directions = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(directions @ directions.T)


def test_prepared_files_are_small_and_give_back_what_they_were_made_of(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(480, 256)).astype(np.float32)
    scores = Scores(0.5, 0.1, 0.9, 0.85, 0.8)
    usual = {Settings("simsiam", dims): dims for dims in (2, 3)}
    grid = {Settings("simsiam", n_neighbors=k, min_dist=d): 2 for k in GRID_NEIGHBOURS for d in GRID_DISTANCES}
    maps = {
        settings: ImageMap(rng.normal(size=(480, dims)).astype(np.float32) * 8, scores, 1.0)
        for settings, dims in {**usual, **grid}.items()
    }
    Prepared(features, 1.5, maps).save(tmp_path / "simsiam.npz")
    assert (tmp_path / "simsiam.npz").stat().st_size < 400_000
    read = Prepared.load(tmp_path / "simsiam.npz", 480)
    np.testing.assert_allclose(cosines_of(read.features), cosines_of(features), atol=0.02)
    assert read.maps.keys() == maps.keys()
    for settings, drawn in maps.items():
        np.testing.assert_allclose(read.maps[settings].coordinates, drawn.coordinates, atol=0.002)
    known = read.maps[Settings("simsiam")]
    assert known.scores == scores and known.seconds is None and read.seconds == 1.5
    with pytest.raises(ValueError, match="480 pictures, not 12"):
        Prepared.load(tmp_path / "simsiam.npz", 12)


def test_the_side_of_an_encoder_is_that_of_the_weights_of_this_context(context: Context, kinds: Path) -> None:
    def other(name: str) -> WeightsInfo:
        facts = context.weights_info(name)
        return replace(facts, args={**facts.args, "img_size": 48})

    assert Atlas(replace(context, weights_info=other), kinds).network("simclr")[1] == 48


@pytest.mark.usefixtures("umap_ready")
def test_an_upload_is_read_then_mapped_then_walked_through(handlers: Handlers, kinds: Path) -> None:
    settings = RANDOM
    visit, *rest, job = handlers.on_files([str(kinds)], *settings, NO_REQUEST)
    assert isinstance(job, Job) and len(visit.uploaded) == 15
    shown = handlers.on_made(visit, last(handlers.on_job(visit, job, NO_REQUEST)))
    value = json.loads(shown.plot.value)
    assert {kind["name"] for kind in value["classes"]} == set(KINDS)
    assert "14 neighbours" in shown.told and "never trained" in shown.facts
    assert shown.near.count('near-tile"') == NUM_NEAR
    visit, near, rings, *_ = handlers.on_pick(event(id=9), shown.visit, NO_REQUEST)
    assert "green/4.png" in near
    assert json.loads(rings.props["marks"])["rings"][0] == 9
    again = handlers.on_settings(visit, *settings)
    assert json.loads(again[1].value) == value and again[0].picked == 9
    with pytest.raises(gr.Error, match="not on this map"):
        handlers.on_pick(event(id=15), visit, NO_REQUEST)


@pytest.mark.usefixtures("umap_ready")
def test_what_is_done_while_a_map_is_made_stays(handlers: Handlers) -> None:
    visit = run_to_completion(handlers.atlas.draw(MapSession(), Settings("random", method="pca"), NO_REQUEST))
    twin = Settings("random", metric="euclidean", method="pca")
    made = last(handlers.on_job(visit, Job(twin, 0), NO_REQUEST))
    assert isinstance(made, MapSession), "a job fills nothing on the page itself"
    visit, *_ = handlers.on_lasso(event(ids=packed(0, 6, 12)), visit, NO_REQUEST)
    visit, *_ = handlers.on_label(visit, "mine", NO_REQUEST)
    visit, *_ = handlers.on_pick(event(id=9), visit, NO_REQUEST)
    shown = handlers.on_made(visit, made)
    assert shown.visit.shown == twin and (shown.visit.picked, shown.visit.chosen) == (9, (0, 6, 12))
    assert "mine" in {kind["name"] for kind in json.loads(shown.plot.value)["classes"]}
    assert "green/4.png" in shown.near
    scored = run_to_completion(handlers.atlas.draw(visit, twin, NO_REQUEST)).maps[twin].scores
    assert shown.visit.maps[twin].scores == scored != made.maps[twin].scores
    others = MapSession(uploaded=handlers.atlas.collection(MapSession()).relabelled([], None))
    assert handlers.on_made(others, made).visit == gr.skip(), "the map is of pictures that are no longer there"


def test_only_what_is_answered_at_once_writes_the_visit(context: Context, kinds: Path) -> None:
    with gr.Blocks() as blocks:
        build(context, kinds)
    dependencies = blocks.get_config_file()["dependencies"]
    visit = next(d for d in dependencies if d["api_name"] == "on_made")["inputs"][0]
    slow = {fn._id for fn in blocks.fns.values() if fn.concurrency_id == "model"}
    assert not [d["api_name"] for d in dependencies if d["id"] in slow and visit in d["outputs"]]


@pytest.mark.usefixtures("umap_ready")
def test_another_map_of_the_same_features_needs_no_encoder(context: Context, kinds: Path) -> None:
    atlas, settings = Atlas(context, kinds), Settings("random")
    visit = run_to_completion(atlas.draw(MapSession(), settings, None))
    without = Atlas(replace(context, load_model=_refuse), kinds)
    other = run_to_completion(without.draw(visit, replace(settings, seed=1), None))
    assert other.features["random"][0] is visit.features["random"][0]


def test_the_same_images_do_not_go_through_a_network_twice(context: Context, kinds: Path) -> None:
    atlas, seen = Atlas(context, kinds), list[float]()
    first, seconds = run_to_completion(atlas.features(MapSession(), "random"))
    again = MapSession(uploaded=atlas.collection(MapSession()).relabelled([0], "other"))
    for step in atlas.features(again, "random"):
        seen.append(step.share)
    assert seen == []
    second, same_seconds = run_to_completion(atlas.features(again, "random"))
    np.testing.assert_array_equal(first, second)
    assert same_seconds == pytest.approx(seconds)


def test_a_cache_forgets_what_was_not_used_for_longest() -> None:
    cache = FeatureCache(max_bytes=3 * 16)
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)
    cache.put("w", [b"a", b"b", b"c"], rows)
    assert cache.get("w", [b"a"])[0] is not None
    cache.put("w", [b"d"], rows[:1])
    found = cache.get("w", [b"a", b"b", b"c", b"d"])
    assert [row is not None for row in found] == [True, False, True, True]
    assert cache.get("other", [b"a"]) == [None]


def test_work_can_be_stopped_between_two_batches(context: Context, kinds: Path) -> None:
    batches: list[int] = []

    class Counting(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            batches.append(len(images))
            return images.mean(dim=(2, 3))

    work = embed_batches(Counting(), [picture("red", number) for number in range(40)], 16, batch_size=8)
    next(work)
    del work
    assert batches == [8]


def test_work_given_up_at_the_last_batch_can_be_done_again(context: Context, kinds: Path) -> None:
    atlas = Atlas(context, kinds)
    work = atlas.features(MapSession(), "random")
    assert next(work).share == 1, "all pictures are one batch"
    work.close()
    features, seconds = run_to_completion(atlas.features(MapSession(), "random"))
    assert len(features) == 15 and seconds > 0


class Stripes(torch.nn.Module):
    """Sees nothing but how much neighbouring columns differ, in each third of an image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        steps = (images[..., 1:] - images[..., :-1]).abs().mean(dim=(1, 2))
        return torch.stack([third.mean(dim=1) for third in steps.tensor_split(3, dim=1)], dim=1)


@pytest.fixture
def striped(tmp_path: Path) -> list[Path]:
    """Photos of 448 pixels with stripes too fine for 128."""
    paths = []
    for number in range(6):
        columns = np.where(np.arange(448) // 2 % 2 == 0, 20 * number, 255 - 10 * number)
        paths.append(tmp_path / f"striped-{number}.png")
        Image.fromarray(np.broadcast_to(columns[None, :, None], (448, 448, 3)).astype(np.uint8)).save(paths[-1])
    return paths


def large_encoder(atlas: Atlas, monkeypatch: pytest.MonkeyPatch, side: int = 224) -> None:
    monkeypatch.setattr(atlas, "network", lambda encoder: (Stripes(), side))


def test_an_encoder_of_large_images_sees_all_that_their_files_show(
    context: Context, kinds: Path, striped: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas, visit = Atlas(context, kinds), MapSession(uploaded=collect(striped, 100))
    large_encoder(atlas, monkeypatch)
    features, _ = run_to_completion(atlas.features(visit, "random"))
    squares = [square_crop(Image.open(path), 224) for path in striped]
    expected = Stripes()(to_tensor(squares)).numpy()
    np.testing.assert_allclose(features, expected, atol=0.05)
    assert expected.max() > 0.5, "the stripes are seen at this side"
    collection = atlas.collection(visit)
    assert {opened(data).size for data in collection.jpegs} == {(128, 128)}, "what stays in memory is small"
    for path in striped:
        path.unlink()
    again = run_to_completion(atlas.squares(collection.relabelled([0], "mine"), 224))
    assert opened(again[5]).size == (224, 224), "they are cut once, also for other labels"


def test_a_new_image_is_seen_as_large_as_those_of_the_set(
    handlers: Handlers, striped: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    large_encoder(handlers.atlas, monkeypatch)
    visit = run_to_completion(
        handlers.atlas.draw(MapSession(uploaded=collect(striped, 100)), Settings("random", method="pca"), None)
    )
    guest = handlers.on_guest(visit, str(striped[2]), NO_REQUEST)
    placed = handlers.placement(guest)
    assert placed.near[0] == 2 and placed.similarities[0] > 0.99


def test_files_that_are_gone_when_a_large_encoder_needs_them_are_said(
    context: Context, kinds: Path, striped: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas, visit = Atlas(context, kinds), MapSession(uploaded=collect(striped, 100))
    features, _ = run_to_completion(atlas.features(visit, "random"))
    striped[3].unlink()
    large_encoder(atlas, monkeypatch)
    with pytest.raises(gr.Error, match="Upload them again"):
        run_to_completion(atlas.features(visit, "simclr"))
    monkeypatch.undo()
    assert len(run_to_completion(atlas.features(visit, "random"))[0]) == len(features), "small ones need no files"


def test_the_sides_of_our_own_encoders_are_kept_in_memory() -> None:
    assert max(spec.image_size() for spec in tab.ENCODERS.values()) <= KEPT_SIDE


def _refuse(name: str) -> torch.nn.Module:
    raise AssertionError(f"{name} was loaded")


def test_a_page_left_for_too_long_is_told_to_reload(handlers: Handlers) -> None:
    with pytest.raises(gr.Error, match="Reload"):
        handlers.on_pick(event(id=0), None, NO_REQUEST)


def test_a_prepared_set_of_other_images_is_noticed(collection: Collection, kinds: Path, tmp_path: Path) -> None:
    save_set(collection, tmp_path)
    read = load_set(tmp_path, kinds, 2000)
    assert (read.names, read.labels, read.jpegs) == (collection.names, collection.labels, collection.jpegs)
    shown, drawn = (np.asarray(Image.open(io.BytesIO(one.sprite.sheets[0])), int) for one in (read, collection))
    assert read.sprite.suffix == ".webp" and np.abs(shown - drawn).mean() < 8
    assert len(read.sprite.sheets) == len(collection.sprite.sheets) == 1
    with pytest.raises(ValueError, match="other pictures"):
        _ = load_set(tmp_path, kinds, 3).jpegs


def test_too_few_and_equal_images_get_a_sentence(handlers: Handlers, tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        path.write_bytes(png(picture("red", 0)))
        paths.append(str(path))
    settings = RANDOM
    with pytest.raises(gr.Error, match="at least 4 pictures, and these files hold 3"):
        handlers.on_files(paths[:3], *settings, NO_REQUEST)
    visit, *_, job = handlers.on_files(paths, *settings, NO_REQUEST)
    with pytest.raises(gr.Error, match="the same"):
        last(handlers.on_job(visit, job, NO_REQUEST))


def test_taking_the_files_away_brings_the_built_in_set_back(handlers: Handlers) -> None:
    visit, *_, job = handlers.on_files(None, "random", "2", 15, 0.1, 0, "cosine", "umap", NO_REQUEST)
    assert visit.uploaded is None and isinstance(job, Job)


@pytest.mark.slow
@pytest.mark.usefixtures("umap_ready")
def test_the_first_paint_needs_neither_weights_nor_umap(
    context: Context, kinds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = context.first_paint / "embeddings"
    folder.mkdir(parents=True)
    monkeypatch.setattr(tab, "GRID_NEIGHBOURS", (5, 15))
    monkeypatch.setattr(tab, "GRID_DISTANCES", (0.1, 0.5))
    tab.precompute(context, folder, kinds)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_000_000
    monkeypatch.setattr(projection, "project", _refuse)
    handlers = Handlers(replace(context, load_model=_refuse), kinds)
    for encoder in tab.ENCODERS:
        for dims in ("2", "3"):
            visit, plot, *_, job = handlers.on_settings(None, encoder, dims, 15, 0.1, 0, "cosine", "umap")
            assert job == gr.skip()
            assert visit.shown == Settings(encoder, int(dims))
            assert json.loads(plot.value)["sprite"]["urls"][0].startswith("gradio_api/file=")
    *_, job = handlers.on_settings(None, "random", "2", 30, 0.1, 0, "cosine", "umap")
    assert isinstance(job, Job)
    slid = handlers.on_slide(None, "random", "2", 5, 0.45, 0, "cosine", "umap")
    assert slid.visit.shown == Settings("random", n_neighbors=5, min_dist=0.5), "a slider answers from the grid"
    rows = load_rows(folder)
    assert set(rows) == set(tab.ENCODERS) and all(row.milliseconds > 0 for row in rows.values())
    assert "MAE" in rows_html(context, rows)


def test_the_tab_builds_alone_and_the_page_carries_no_points(context: Context, kinds: Path) -> None:
    with gr.Blocks() as blocks:
        build(context, kinds)
    config = blocks.get_config_file()
    public = {d["api_name"] for d in config["dependencies"] if d["api_visibility"] == "public"}
    assert public == {"embed", "place", "neighbours"}
    ids = {component["props"].get("elem_id") for component in config["components"]}
    assert {f"embeddings-{part}" for part in ("plot", "neighbours", "scores", "upload", "encoder")} <= ids
    (plot,) = (c for c in config["components"] if c["props"].get("elem_id") == "embeddings-plot")
    assert not plot["props"].get("value")
    assert DEMO.name == "embeddings"


def test_events_that_may_ask_for_a_job_go_through_the_queue(context: Context, kinds: Path) -> None:
    """Gradio reports no change of a State from an unqueued event, so that the job would never start."""
    with gr.Blocks() as blocks:
        build(context, kinds)
    dependencies = blocks.get_config_file()["dependencies"]
    (work,) = (d for d in dependencies if d["api_name"] == "on_job")
    (job,) = (id for id, event in work["targets"] if event == "change")
    asking = [d for d in dependencies if job in d["outputs"]]
    assert len(asking) == 3
    assert all(d["queue"] is not False for d in asking)


def test_the_last_of_two_quick_choices_is_answered(context: Context, kinds: Path) -> None:
    with gr.Blocks() as blocks:
        build(context, kinds)
    answers = ("on_pills", "on_settings", "on_twin", "on_views", "on_label", "on_export", "on_placed")
    modes = {
        (name, dependency["trigger_mode"])
        for dependency in blocks.get_config_file()["dependencies"]
        for name in answers
        if dependency["api_name"].startswith(name)
    }
    assert modes == {(name, "always_last") for name in answers}


@pytest.fixture
def client(context: Context, kinds: Path) -> Iterator[Client]:
    with gr.Blocks() as blocks:
        build(context, kinds)
    blocks.queue().launch(prevent_thread_lock=True, quiet=True)
    try:
        client = Client(blocks.local_url, verbose=False)
        yield client
        client.close()
    finally:
        blocks.close()


@pytest.mark.usefixtures("umap_ready")
def test_embed_answers_programs(client: Client, kinds: Path) -> None:
    call = partial(client.predict, n_neighbors=5, min_dist=0.1, seed=3, api_name="/embed")
    figure, scores, table = call(files=[handle_file(kinds)], encoder="random")
    assert go.Figure(figure).data[0].name == "blue"
    assert scores["pictures"] == 15 and scores["skipped"] == {"not_an_image": 1}
    assert 0 <= scores["knn_accuracy"] <= 1 and scores["chance"] == pytest.approx(1 / 3)
    assert table["headers"] == ["file", "label", "x", "y"] and len(table["data"]) == 15
    assert call(files=None, encoder="random")[2]["data"] == table["data"]
    with pytest.raises(Exception, match="nobody"):
        call(files=None, encoder="nobody")


def test_embed_says_what_is_wrong_with_too_few_images(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(png(picture("red", 0)))
    with pytest.raises(Exception, match="at least 4 pictures, and these files hold 1"):
        client.predict(
            files=[handle_file(path)], encoder="random", n_neighbors=5, min_dist=0.1, seed=0, api_name="/embed"
        )


@pytest.mark.usefixtures("umap_ready")
def test_a_image_is_placed_where_its_twin_is(client: Client, kinds: Path, tmp_path: Path) -> None:
    path = tmp_path / "twin.png"
    path.write_bytes(png(picture("green", 2)))
    placed = client.predict(image=handle_file(path), encoder="random", api_name="/place")
    assert placed["neighbours"][0]["file"] == "green/2.png" and placed["neighbours"][0]["similarity"] > 0.99
    assert placed["percentile"] == 0
    assert client.predict(image=handle_file(path), encoder="random", api_name="/place") == placed
    ask = {"image": handle_file(path), "encoder": "random", "count": 3, "api_name": "/neighbours"}
    near = client.predict(files=[handle_file(kinds)], **ask)
    assert near == client.predict(files=None, **ask), "the set that was given is the built-in one here"
    assert [(one["id"], one["file"], one["label"]) for one in near][:1] == [(7, "green/2.png", "green")]
    assert [one["file"] for one in near] == [one["file"] for one in placed["neighbours"][:3]]


@pytest.mark.usefixtures("umap_ready")
def test_a_lasso_is_shown_labelled_and_exported(handlers: Handlers, context: Context) -> None:
    settings = Settings("random", method="pca")
    visit = run_to_completion(handlers.atlas.draw(MapSession(), settings, NO_REQUEST))
    visit, panel, tools, *_ = handlers.on_lasso(event(ids=packed(0, 6, 12)), visit, NO_REQUEST)
    assert "3 pictures" in panel and tools.visible
    *files, for_trainer, _ = handlers.on_export(visit, NO_REQUEST)
    table, images = (change["value"] for change in files)
    assert for_trainer == images
    assert Path(table).read_bytes().count(b"\n") == 4
    with zipfile.ZipFile(images) as archive:
        assert sorted(archive.namelist()) == ["blue/00000-0.jpg", "green/00006-1.jpg", "red/00012-2.jpg"]
    *shown, panel = handlers.on_label(visit, "  mine  ", NO_REQUEST)
    assert handlers.atlas.collection(shown[0]).labels.count("mine") == 3
    assert "mine" in {kind["name"] for kind in json.loads(shown[1].value)["classes"]}
    with pytest.raises(gr.Error, match="40 letters"):
        handlers.on_label(visit, "x" * 41, NO_REQUEST)
    with pytest.raises(gr.Error, match="lasso"):
        handlers.on_label(replace(visit, chosen=()), "mine", NO_REQUEST)
    with pytest.raises(gr.Error, match="not on this map"):
        handlers.on_lasso(event(ids=packed(15)), visit, NO_REQUEST)


@pytest.mark.usefixtures("umap_ready")
def test_the_table_of_encoders_goes_with_its_images_and_labels(
    handlers: Handlers, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gr.Blocks():
        twin = compare_section(context, handlers, gr.State(None))
    monkeypatch.setattr(encoder_comparison, "ENCODERS", {"random": tab.ENCODERS["random"]})
    built_in = run_to_completion(handlers.atlas.draw(MapSession(), Settings("random", method="pca"), NO_REQUEST))
    own = MapSession(uploaded=handlers.atlas.collection(built_in).relabelled([0], None))

    def table(visit: MapSession, measured: Collection | None) -> Any:
        return next(twin.on_twin(visit, "random", True, measured, NO_REQUEST))[3]

    _, measured = last(twin.on_measure(built_in, NO_REQUEST))
    assert table(built_in, measured) == gr.skip()
    assert table(handlers.atlas.relabel(built_in, [0], "mine"), measured) == ""
    assert table(own, measured) == "", "also while their map is made"
    rows, measured = last(twin.on_measure(own, NO_REQUEST))
    assert 'data-encoder="random"' in rows and table(own, measured) == gr.skip()
    folder = context.first_paint / "embeddings"
    folder.mkdir(parents=True)
    save_rows({"random": Row(Scores(0.5, 0.1, 0.9, 0.85, 0.8), None, 3.0, 8, 1.0)}, folder)
    assert 'data-encoder="random"' in table(built_in, measured), "the ready-made one comes back with its pictures"


def write_steps(folder: Path, numbers: Sequence[int]) -> None:
    """Writes the weights of a tiny network along a run that never was."""
    args = {"width": BACKBONE_WIDTH, "blocks": (1, 1, 1, 1)}
    facts = {"recipe": "simclr", "data": ["x.zip"], "command": "python -m models.training simclr"}
    for number in numbers:
        torch.manual_seed(number)
        export = Export("resnet", args, build_model("resnet", args))
        write_weights(folder / f"step-{number:06d}", export, SimCLRConfig(), {**facts, "steps": number}, {})


@pytest.mark.usefixtures("umap_ready")
def test_learning_is_one_aligned_frame_a_checkpoint(context: Context, kinds: Path, tmp_path: Path) -> None:
    write_steps(tmp_path / "steps", [100, 0])
    steps = training_steps(tmp_path / "steps")
    assert [step.step for step in steps] == [0, 100]
    handlers = Handlers(context, kinds)
    fixed = np.random.default_rng(0).normal(size=(15, 2)).astype(np.float32) + 50
    frames = run_to_completion(make_frames(handlers.atlas.collection(MapSession()), steps, fixed))
    assert [frame.step for frame in frames] == [0, 100]
    for frame in frames:
        np.testing.assert_allclose(frame.coordinates.mean(axis=0), fixed.mean(axis=0), atol=1e-3)
    save_frames(frames, tmp_path / "frames.npz")
    read = load_frames(tmp_path / "frames.npz")
    np.testing.assert_allclose(read[1].coordinates, frames[1].coordinates, atol=1e-3)
    assert read[0].scores == frames[0].scores
    with gr.Blocks():
        learning = learning_section(context, handlers, gr.State(None), tmp_path / "steps")
        assert learning is not None
        assert learning_section(context, handlers, gr.State(None), tmp_path / "nothing") is None
    words = learning.on_step(MapSession(), Film(None, frames), 1)[2]
    assert "<b>100</b>" in words
    own = MapSession(uploaded=collect([kinds], 6))
    film, plot, _ = learning.on_step(own, Film(None, frames), 1)
    assert (film, plot) == (None, gr.skip()), "frames of other pictures are not shown as of these"
    film, plot, _ = last(learning.on_selected_model(own, film, 1, NO_REQUEST))
    assert json.loads(plot.value)["count"] == 6 and film.uploaded is own.uploaded
    again, plot, _ = last(learning.on_selected_model(own, film, 0, NO_REQUEST))
    assert again is film, "they are made once"
    assert learning.on_step(own, film, 0)[1].value == plot.value


@pytest.mark.parametrize(("method", "pairs"), [("simclr", (10, 80)), ("simsiam", (5, 0)), ("moco", (5, 50))])
def test_each_method_has_its_positives_and_negatives(
    context: Context, kinds: Path, method: str, pairs: tuple[int, int]
) -> None:
    with gr.Blocks():
        views = views_section(context, Handlers(context, kinds), gr.State(None))
    html = views.on_views(None, method, 0)
    assert (html.count('class="positive"'), html.count('class="negative"')) == pairs
    assert html == views.on_views(None, method, 0) and html != views.on_views(None, method, 1)


@pytest.mark.parametrize("method", ["simclr", "simsiam", "moco"])
def test_views_have_the_side_that_the_method_was_trained_on(context: Context, kinds: Path, method: str) -> None:
    ctx = replace(context, weights_info=weights_info)  # those that are shipped
    with gr.Blocks():
        views = views_section(ctx, Handlers(ctx, kinds), gr.State(None))
    first = views.on_views(None, method, 0).split("base64,")[1].split('"')[0]
    trained_on = weights_info(f"{method}-photos").image_size
    assert Image.open(io.BytesIO(base64.b64decode(first))).size == (trained_on, trained_on)


class MeanColour(torch.nn.Module):
    """Sees nothing but the mean of each colour."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


def test_what_likeness_hangs_on_is_found_by_the_same_change_to_both() -> None:
    left, right = (Image.new("RGB", (40, 40), colour) for colour in ((200, 60, 60), (190, 70, 60)))
    right.paste((60, 60, 200), (0, 0, 14, 14))
    assert changed(left, 32).shape == (len(CHANGES), 3, 32, 32)
    features = np.zeros((2, 3), np.float32)
    why = explain(MeanColour(), 32, (left, right), features)
    together = why.together()
    assert set(together) == set(CHANGES) - {"same", "mirrored"}
    assert list(together.values()) == sorted(together.values())
    assert min(together, key=together.__getitem__) == "top_left", "where the blue patch is"
    names, pairs = list(CHANGES), why.best_pairs()
    assert len({one for one, _, _ in pairs}) == len({other for _, other, _ in pairs}) == len(pairs)
    for one, other, cosine in pairs:
        left_one = MeanColour()(why.first)[names.index(one)]
        right_one = MeanColour()(why.second)[names.index(other)]
        assert cosine == pytest.approx(float(torch.cosine_similarity(left_one, right_one, dim=0)), abs=1e-5)
    assert pairs[0][2] == pytest.approx(float(why.similarities.max()))
    same = explain(MeanColour(), 32, (left, left), features)
    assert same.untouched() == pytest.approx(1, abs=1e-5)


@pytest.mark.usefixtures("umap_ready")
def test_why_two_are_near_is_told_of_neighbours_and_of_a_new_image(handlers: Handlers, context: Context) -> None:
    with gr.Blocks():
        state = gr.State(None)
        why = WhyNear(context, handlers, state, components.neighbours(context))
    visit = run_to_completion(handlers.atlas.draw(MapSession(), Settings("random", method="pca"), NO_REQUEST))
    first = why.on_ask(visit, NO_REQUEST)
    assert first.count("near-tile") == NUM_NEAR and first.count('why-pair"') == 4
    assert "without colour" in first and "去掉颜色" in first
    nearest = int(first.split('data-id="')[1].split('"')[0])
    other = next(index for index in range(1, 15) if index != nearest)
    assert (
        why.on_choose(event(id=nearest), visit, NO_REQUEST)
        == first
        != why.on_choose(event(id=other), visit, NO_REQUEST)
    )
    guest = replace(visit, guest=handlers.atlas.collection(visit).jpegs[other])
    assert "1.00" in why.on_ask(guest, NO_REQUEST), "the new picture is a twin of one of the set"
    with pytest.raises(gr.Error, match="not on this map"):
        why.on_choose(event(id=15), visit, NO_REQUEST)
    with pytest.raises(gr.Error, match="Reload"):
        why.on_ask(None, NO_REQUEST)
