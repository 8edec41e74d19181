"""The endpoints ``/embed``, ``/place`` and ``/neighbours``."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import gradio as gr
import plotly.graph_objects as go
import pytest
from gradio_client import Client, handle_file
from map_images import noisy_image, png

from demos.core.context import Context
from demos.embeddings.tab import build


@pytest.fixture
def client(context: Context, archive: Path) -> Iterator[Client]:
    with gr.Blocks() as blocks:
        build(context, archive)
    blocks.queue().launch(prevent_thread_lock=True, quiet=True)
    try:
        client = Client(blocks.local_url, verbose=False)
        yield client
        client.close()
    finally:
        blocks.close()


@pytest.mark.usefixtures("umap_ready")
def test_embed_returns_map_scores_and_table(client: Client, archive: Path) -> None:
    call = partial(client.predict, n_neighbors=5, min_dist=0.1, seed=3, api_name="/embed")
    figure, scores, table = call(files=[handle_file(archive)], encoder="random")
    assert go.Figure(figure).data[0].name == "blue"
    assert scores["pictures"] == 15 and scores["skipped"] == {"not_an_image": 1}
    assert 0 <= scores["knn_accuracy"] <= 1 and scores["chance"] == pytest.approx(1 / 3)
    assert table["headers"] == ["file", "label", "x", "y"] and len(table["data"]) == 15
    assert call(files=None, encoder="random")[2]["data"] == table["data"]
    with pytest.raises(Exception, match="nobody"):
        call(files=None, encoder="nobody")


def test_embed_refuses_too_few_images(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(png(noisy_image("red", 0)))
    with pytest.raises(Exception, match="at least 4 pictures, and these files hold 1"):
        client.predict(
            files=[handle_file(path)], encoder="random", n_neighbors=5, min_dist=0.1, seed=0, api_name="/embed"
        )


@pytest.mark.usefixtures("umap_ready")
def test_an_image_of_the_set_is_placed_at_its_own_point(client: Client, archive: Path, tmp_path: Path) -> None:
    path = tmp_path / "twin.png"
    path.write_bytes(png(noisy_image("green", 2)))
    placed = client.predict(image=handle_file(path), encoder="random", api_name="/place")
    assert placed["neighbours"][0]["file"] == "green/2.png" and placed["neighbours"][0]["similarity"] > 0.99
    assert placed["percentile"] == 0
    assert client.predict(image=handle_file(path), encoder="random", api_name="/place") == placed
    ask = {"image": handle_file(path), "encoder": "random", "count": 3, "api_name": "/neighbours"}
    near = client.predict(files=[handle_file(archive)], **ask)
    assert near == client.predict(files=None, **ask), "the set that was given is the built-in one here"
    assert [(one["id"], one["file"], one["label"]) for one in near][:1] == [(7, "green/2.png", "green")]
    assert [one["file"] for one in near] == [one["file"] for one in placed["neighbours"][:3]]
