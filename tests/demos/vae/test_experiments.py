"""What the folds of the VAE tab answer: lesson, corners and plane, knobs, arithmetic, breeding, films."""

from __future__ import annotations

import gc
import json
import re
from base64 import b64decode
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from fakes import ShallowModels
from lively import lively_vae
from PIL import Image

from demos.core.context import Context, make_context
from demos.vae import video_export
from demos.vae.arithmetic import Arithmetic
from demos.vae.grid_and_plane import Corners
from demos.vae.interpolation import encode, images_of
from demos.vae.kl_comparison import LESSON, Lesson
from demos.vae.latent_slice import Flats, LatentSlice
from demos.vae.networks import Networks
from demos.vae.sampling import SAMPLES, Breeder, read_choice
from demos.vae.traversal import KNOBS, Knobs
from demos.vae.video_export import Films, film_frames
from models.data.images import read_image
from models.networks.autoencoder_tiny import AutoencoderTiny

NETWORKS: dict[str, Any] = {name: lively_vae(64, 16, 4, seed) for seed, name in enumerate(LESSON)}
NETWORKS["taesd"] = AutoencoderTiny().eval()
MODEL = "vae-fruit"


@pytest.fixture
def context(shallow_models: ShallowModels, tmp_path: Path) -> Context:
    files, first_paint = tmp_path / "files", tmp_path / "first_paint"
    return make_context(NETWORKS.__getitem__, shallow_models.weights_info, files, first_paint=first_paint)


@pytest.fixture
def networks(context: Context) -> Networks:
    return Networks(context)


@pytest.fixture
def flats(networks: Networks) -> Flats:
    return Flats(networks)


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Four images that differ, as files."""
    paths = [tmp_path / f"{name}.png" for name in "abcd"]
    for seed, path in enumerate(paths):
        blocks = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((90, 80), Image.Resampling.BICUBIC).save(path)
    return [str(path) for path in paths]


def latents(photos: list[str]) -> torch.Tensor:
    return encode(NETWORKS[MODEL], [read_image(path) for path in photos])


def files_in(html: str, kind: str) -> list[Path]:
    return [Path(path) for path in re.findall(rf'gradio_api/file=([^"]+\.{kind})"', html)]


def test_the_lesson_shows_all_three_on_the_same_photos_and_draws(context: Context, photos: list[str]) -> None:
    lesson = Lesson(context, Networks(context))
    shown = lesson.show(photos[0], photos[1], 3)
    strips = files_in(shown, "png")
    assert len(set(strips)) == 1 + 2 * len(LESSON) + 1 and all(path.is_file() for path in strips)
    assert [name for name in LESSON if f'data-model="{name}"' in shown] == list(LESSON)
    assert set(json.loads(files_in(shown, "json")[0].read_text())) == set(LESSON)
    assert lesson.show(photos[0], photos[1], 3) == shown != lesson.show(photos[0], photos[1], 4)


def test_a_point_of_the_plane_is_the_image_of_its_latent(
    context: Context, networks: Networks, flats: Flats, photos: list[str]
) -> None:
    value = json.loads(Corners(context, networks, flats).show_plane(photos[0], photos[1], photos[2], "photos", MODEL))
    for point, z in zip(value["points"], latents(photos[:3]), strict=True):
        place = [share * value["half"] for share in point["at"]]
        seen = np.asarray(Image.open(BytesIO(urlopened(flats.paint([value["key"], place])["picture"])))).astype(int)
        meant = np.asarray(images_of(NETWORKS[MODEL], z[None])[0]).astype(int)
        assert np.abs(seen - meant).max() <= 3, "the map stands the pictures where they are"
    here, far = (flats.paint([value["key"], [x, 0.0]]) for x in (0.0, 50.0))
    assert far["place"] == "far" and far["share"] == 1 and here["share"] < 1


def urlopened(url: str) -> bytes:
    return b64decode(url.split(",", 1)[1])


def test_the_plane_of_equal_or_missing_images_is_refused_in_words(
    context: Context, networks: Networks, flats: Flats, photos: list[str], tmp_path: Path
) -> None:
    corners = Corners(context, networks, flats)
    (tmp_path / "bad.png").write_bytes(b"nothing")
    for (a, b, c), words in (
        ((photos[0], photos[0], photos[1]), "two of these are the same"),
        ((photos[0], photos[1], None), "Three pictures make a plane"),
        ((photos[0], photos[1], str(tmp_path / "bad.png")), "bad.png is not a picture"),
    ):
        assert words in json.loads(corners.show_plane(a, b, c, "photos", MODEL))["sorry"]
    assert (
        "keeps a map of each picture"
        in json.loads(corners.show_plane(photos[0], photos[1], photos[2], "photos", "taesd"))["sorry"]
    )


@pytest.mark.parametrize(
    "asked",
    [None, [], ["x", [0.0, 0.0]], ["KEY", [0.0]], ["KEY", [float("nan"), 0.0]], ["KEY", [1e9, 0.0]], [["KEY"], 1]],
)
def test_a_browser_can_ask_for_points_of_known_flats_only(flats: Flats, asked: Any) -> None:
    key = flats.add(LatentSlice(MODEL, torch.zeros(16), torch.eye(16)[:2]))
    if asked and asked[0] == "KEY":
        asked[0] = key
    assert flats.paint(asked) == {"gone": True}
    assert "picture" in flats.paint([key, [0.0, 0]])


def test_a_flat_is_painted_where_nobody_knows_whose_page_asks_and_until_its_model_is_let_go(
    context: Context, photos: list[str]
) -> None:
    own = {MODEL: lively_vae(64, 16, 4, 9)}

    def load_model(name: str) -> Any:
        if not in_an_event:
            raise gr.Error("A visitor's own model is for its owner.")
        return own[name]

    in_an_event = True
    networks = Networks(replace(context, load_model=load_model))
    flats = Flats(networks)
    key = json.loads(Knobs(context, networks, flats).show(photos[0], photos[1], "a", MODEL))["key"]
    in_an_event = False
    assert "picture" in flats.paint([key, [0.0] * KNOBS])
    del own[MODEL]
    gc.collect()
    assert flats.paint([key, [0.0] * KNOBS]) == {"gone": True}, "the page asks for the flat anew"


def test_knobs_begin_at_the_photo_and_turn_one_number_each(
    context: Context, networks: Networks, flats: Flats, photos: list[str]
) -> None:
    value = json.loads(Knobs(context, networks, flats).show(photos[0], photos[1], "b", MODEL))
    (mu,), statistics = latents(photos[1:2]), networks.statistics(MODEL)
    assert len(value["knobs"]) == KNOBS
    flat = flats._known[value["key"]].flat
    at = [knob["at"] for knob in value["knobs"]]
    assert torch.allclose(flat.at(at), mu, atol=2e-3)
    for place, number in enumerate(statistics.by_kl[:KNOBS]):
        turned = flat.at([*at[:place], at[place] + 1, *at[place + 1 :]]) - flat.at(at)
        assert turned.nonzero().flatten().tolist() == [number]
        assert float(turned[number]) == pytest.approx(statistics.spread[number], rel=1e-3)
    assert value["bars"].count("<rect") == 16 and "drew itself" in value["bars"]


def test_arithmetic_leads_from_one_group_to_the_other(
    context: Context, networks: Networks, flats: Flats, photos: list[str]
) -> None:
    arithmetic = Arithmetic(context, networks, flats)
    groups = [[(path, None) for path in photos[:2]], [(path, None) for path in photos[2:]]]
    value = json.loads(arithmetic.show(photos[0], None, "a", groups[0], groups[1], MODEL))
    mu = latents(photos)
    moved = flats._known[value["key"]].flat.at([1.0])
    assert torch.allclose(moved, mu[0] + mu[2:].mean(dim=0) - mu[:2].mean(dim=0), atol=1e-4)
    for bad, words in ((None, "each group"), (groups[0] * 13, "24 pictures at most")):
        assert words in json.loads(arithmetic.show(photos[0], None, "a", bad, groups[1], MODEL))["sorry"]


def test_children_carry_their_parents_first_and_come_again_from_the_same_seed(context: Context) -> None:
    breeder = Breeder(context, Networks(context))
    first, shown = breeder.fresh(MODEL, 5, 0.8)
    assert first is not None and len(first.latents) == SAMPLES == shown.count("<img")
    for how, ids in (("mutate", [3]), ("mutate", [0, 7]), ("cross", [2, 9]), ("average", [2, 9])):
        children, html = breeder.breed(first, how, ids, 0.5, 1, MODEL)
        assert children is not None and torch.equal(children.latents[: len(ids)], first.latents[ids])
        assert len(children.latents) == SAMPLES and html.count('class="parent"') == len(ids)
        assert breeder.breed(first, how, ids, 0.5, 1, MODEL)[1] == html
        (numbers,) = files_in(html, "json")
        origin = json.loads(numbers.read_text())
        assert (origin["from"], origin["of"], origin["parents"]["seed"]) == (how, ids, 5)
    for how, bad in (("mutate", []), ("cross", [1]), ("graft", [1, 2]), ("average", [0, 12])):
        with pytest.raises(ValueError, match="nothing that can be bred"):
            breeder.breed(first, how, bad, 0.5, 1, MODEL)
    assert breeder.fresh("taesd", 0, 1.0)[0] is None, "a map of numbers is not drawn from a prior"


@pytest.mark.parametrize("data", [None, {}, {"how": "cross", "ids": "12"}, {"how": "cross", "ids": [1, 1]}])
def test_a_choice_from_the_page_is_checked(data: Any) -> None:
    with pytest.raises(ValueError, match="The choice"):
        read_choice(gr.EventData(None, data))


@pytest.mark.parametrize("way", video_export.WAYS)
def test_a_film_goes_from_one_image_to_the_other(photos: list[str], way: str) -> None:
    first, last = (read_image(path) for path in photos[:2])
    frames = [frame for part in film_frames(NETWORKS[MODEL], first, last, 13, way) for frame in part]
    assert len(frames) == 13
    back = [frame for part in film_frames(NETWORKS[MODEL], last, first, 13, way) for frame in part]
    assert np.abs(np.asarray(frames[0]).astype(int) - np.asarray(back[-1])).max() <= 1


@pytest.mark.parametrize("kind", video_export.WRITERS)
def test_a_film_is_offered_when_it_is_finished(context: Context, photos: list[str], kind: str) -> None:
    films = Films(context, Networks(context))
    request: Any = None
    silent: Any = lambda *_, **__: None  # noqa: E731
    updates = list(films.make(photos[0], photos[1], 12, "lerp", kind, MODEL, request, silent))
    assert not updates[0]["interactive"]
    saved = Path(updates[-1]["value"])
    assert saved.suffix == f".{kind}" and saved.stat().st_size > 1000
    with pytest.raises(gr.Error, match="Choose two pictures"):
        list(films.make(photos[0], None, 12, "lerp", kind, MODEL, request))
