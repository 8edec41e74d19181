"""The endpoints that the README promises to programs, called as its examples call them."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import PATIENCE, connect
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageSequence

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
APPLE = EXAMPLES / "fruit" / "apple-01.jpg"
ORANGE = EXAMPLES / "fruit" / "orange-01.jpg"


@pytest.fixture(scope="module")
def client(app_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = connect(app_url, tmp_path_factory.mktemp("downloads"))
    yield client
    client.close()


def opened(path: str, side: int | None = None) -> Image.Image:
    with Image.open(path) as image:
        image.load()
    assert image.format == "PNG"
    assert side is None or image.size == (side, side)
    return image


PROMISED = [
    ("/translate", "image direction", "translated back cycle_error"),
    ("/judge_translation", "image direction", "judged numbers"),
    ("/reconstruct", "image mask_ratio mask_kind seed mask", "masked reconstruction pasted scores"),
    ("/reconstruct_ratios", "image mask_kind seed", "strip scores"),
    ("/reconstruct_often", "image mask_ratio count seed", "mean spread error scores"),
    ("/patch_influence", "image mask_ratio mask_kind seed mask row column", "heat influence"),
    (
        "/mix_photos",
        "image_a image_b mask_ratio mask_kind seed mask mix_ratio",
        "mixture masked pasted scores",
    ),
    ("/mend_photo", "image damage seed scratches", "damaged mended smooth scores"),
    ("/interpolate", "image_a image_b steps model", "frames animation"),
    ("/grid", "image_a image_b image_c image_d steps model", "grid"),
    ("/shift", "image minus plus strength model", "shifted"),
    ("/sample", "seed temperature model", "pictures numbers"),
    ("/embed", "files encoder n_neighbors min_dist seed", "figure scores table"),
    ("/place", "image encoder", "place"),
    ("/neighbours", "image files encoder count", "neighbours"),
]


def test_only_the_promised_endpoints_are_offered(client: Client) -> None:
    offered = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(offered) == {endpoint for endpoint, _, _ in PROMISED}


def names(client: Client, endpoint: str) -> tuple[list[str], list[str]]:
    info: dict[str, Any] = client.view_api(return_format="dict", print_info=False)["named_endpoints"][endpoint]
    return [p["parameter_name"] for p in info["parameters"]], [r["label"] for r in info["returns"]]


@pytest.mark.parametrize(("endpoint", "parameters", "returns"), PROMISED)
def test_names_are_the_promised_ones(client: Client, endpoint: str, parameters: str, returns: str) -> None:
    assert names(client, endpoint) == (parameters.split(), returns.split())


# What a program has to give over plain HTTP, in the order of the parameters; the rest may be left out.
SHORTEST = {
    "/translate": "image", "/judge_translation": "image", "/reconstruct": "image", "/reconstruct_ratios": "image",
    "/reconstruct_often": "image", "/patch_influence": "image", "/mix_photos": "image_a image_b",
    "/mend_photo": "image", "/interpolate": "image_a image_b", "/grid": "image_a image_b",
    "/shift": "image minus plus", "/sample": "", "/embed": "", "/place": "image", "/neighbours": "image",
}  # fmt: skip


def call_plainly(url: str, endpoint: str, data: list[Any]) -> tuple[str, Any]:
    """Call an endpoint as `curl` would; return the event that ends the answer, and its data."""
    event = httpx.post(f"{url}/gradio_api/call{endpoint}", json={"data": data}).raise_for_status().json()["event_id"]
    answer = httpx.get(f"{url}/gradio_api/call{endpoint}/{event}", timeout=PATIENCE).text
    _, name, text = re.split(r"event: |\ndata: ", answer[answer.rindex("event: ") :])
    return name, json.loads(text)


@pytest.fixture(scope="module")
def uploaded(app_url: str) -> dict[str, Any]:
    """A photo as a program names it after the upload."""
    with APPLE.open("rb") as file:
        (path,) = httpx.post(f"{app_url}/gradio_api/upload", files={"files": file}).json()
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(("endpoint", "returns"), [(endpoint, returns) for endpoint, _, returns in PROMISED])
def test_parameters_that_are_left_out_have_their_defaults(
    endpoint: str, returns: str, app_url: str, uploaded: dict[str, Any]
) -> None:
    required = SHORTEST[endpoint].split()
    data = [[uploaded] if name in ("minus", "plus") else uploaded for name in required]
    name, answer = call_plainly(app_url, endpoint, data)
    assert (name, len(answer)) == ("complete", len(returns.split())), answer
    if required:
        assert call_plainly(app_url, endpoint, []) == (
            "error",
            {
                "error": f"{endpoint} also needs {' and '.join(required)}.",
                "duration": 10,
                "visible": True,
                "title": "Error",
            },
        )


def test_translate(client: Client) -> None:
    translated, back, cycle_error = client.predict(
        image=handle_file(str(APPLE)), direction="apple2orange", api_name="/translate"
    )
    assert opened(translated, 256).tobytes() != opened(back, 256).tobytes()
    assert 0 < cycle_error < 255


def test_reconstruct(client: Client) -> None:
    arguments = {"mask_ratio": 0.75, "mask_kind": "block", "seed": 3, "api_name": "/reconstruct"}
    masked, reconstruction, pasted, scores = client.predict(image=handle_file(str(APPLE)), **arguments)
    pictures = [opened(path) for path in (masked, reconstruction, pasted)]
    assert len({picture.tobytes() for picture in pictures}) == 3
    assert len({picture.size for picture in pictures}) == 1
    assert isinstance(scores, dict)
    again = client.predict(image=handle_file(str(APPLE)), **arguments)
    assert Path(again[0]).name == Path(masked).name, "the same seed gives the same mask"
    assert again[3] == scores


def test_interpolate(client: Client) -> None:
    frames, animation = client.predict(
        image_a=handle_file(str(APPLE)),
        image_b=handle_file(str(ORANGE)),
        steps=5,
        model="vae-fruit",
        api_name="/interpolate",
    )
    pictures = [opened(frame["image"] if isinstance(frame, dict) else frame) for frame in frames]
    assert len({picture.tobytes() for picture in pictures}) == 5
    with Image.open(animation) as moving:
        assert moving.format == "WEBP"
        assert len(list(ImageSequence.Iterator(moving))) > 5


def test_embed(client: Client) -> None:
    fruit = sorted((EXAMPLES / "fruit").glob("*-??.jpg"))[:12]
    figure, scores, table = client.predict(
        files=[handle_file(str(path)) for path in fruit],
        encoder="random",
        n_neighbors=5,
        min_dist=0.1,
        seed=0,
        api_name="/embed",
    )
    assert figure
    assert scores
    assert table["headers"] == ["file", "label", "x", "y"]
    assert sorted(row[0] for row in table["data"]) == [path.name for path in fruit]
    assert len({(row[2], row[3]) for row in table["data"]}) == len(fruit)
    json.dumps(table, allow_nan=False)


def test_place(client: Client) -> None:
    ask = {"image": handle_file(str(APPLE)), "encoder": "simclr", "api_name": "/place"}
    placed = client.predict(**ask)
    assert 0 <= placed["percentile"] <= 100 and len(placed["neighbours"]) == 12
    assert client.predict(**ask) == placed, "a picture always lands at the same place"
    near = client.predict(**ask | {"files": None, "count": 12, "api_name": "/neighbours"})
    assert [{"file": one["file"], "similarity": one["similarity"]} for one in near] == placed["neighbours"]


@pytest.mark.parametrize(
    ("endpoint", "arguments"),
    [
        ("/translate", {"direction": "apple2pear"}),
        ("/reconstruct", {"mask_ratio": 1.5, "mask_kind": "random", "seed": 0}),
        ("/reconstruct", {"mask_ratio": 0.5, "mask_kind": "stripes", "seed": 0}),
    ],
)
def test_a_wrong_argument_is_refused(client: Client, endpoint: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(AppError):
        client.predict(image=handle_file(str(APPLE)), **arguments, api_name=endpoint)


@pytest.mark.slow
def test_twenty_people_at_once_get_whole_images(app_url: str, tmp_path: Path) -> None:
    def call(number: int) -> tuple[bytes, bytes]:
        client = connect(app_url, tmp_path / str(number))
        translated, back, _ = client.predict(
            image=handle_file(str(ORANGE)), direction="orange2apple", api_name="/translate"
        )
        return opened(translated, 256).tobytes(), opened(back, 256).tobytes()

    with ThreadPoolExecutor(20) as people:
        answers = list(people.map(call, range(20)))
    assert len(set(answers)) == 1
