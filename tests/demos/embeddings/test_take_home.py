"""The map as one HTML file."""

import html
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from map_images import NO_REQUEST

from demos.embeddings.builder import MapBuilder
from demos.embeddings.collection import Settings
from demos.embeddings.session import MapSession
from demos.embeddings.take_home import map_page, on_take_home
from demos.ui.progress import run_to_completion
from demos.ui.scatter.figure import scatter_figure


@pytest.fixture
def session(builder: MapBuilder) -> MapSession:
    return run_to_completion(builder.build_map(MapSession(), Settings("random", method="pca"), None))


def saved(link: str) -> str:
    (path,) = re.findall(r'href="gradio_api/file=([^"]+)"', link)
    return Path(unquote(path)).read_text("utf-8")


def test_the_file_holds_the_map_and_asks_nobody(builder: MapBuilder, session: MapSession) -> None:
    link = on_take_home(builder, session, NO_REQUEST)
    page = saved(link)
    assert f"{len(page.encode()) / 1e6:.1f} MB" in link and " download>" in link
    collection = builder.collection(session)
    assert page.count("data:image/jpeg;base64,") == len(collection.sprite.sheets)
    for name in collection.names:
        assert name.replace("/", "\\u002f") in page
    assert f"{len(collection)} pictures" in page and "PCA" in page
    library = page[page.index("plotly.js v") : page.rindex("window.Plotly = Plotly;")]
    own = page.replace(library, "")
    assert "http" not in own, "Plotly's code names hosts in texts; ours names none"
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=", own)


def test_a_label_that_the_visitor_gave_is_in_the_file(builder: MapBuilder, session: MapSession) -> None:
    page = saved(on_take_home(builder, builder.relabel(session, [0, 1], "my_own"), NO_REQUEST))
    assert '"name":"my own"' in page


def test_texts_cannot_end_the_script_they_stand_in(builder: MapBuilder, session: MapSession) -> None:
    bad = "</script><script>alert(1)</script>"
    figure = scatter_figure(np.zeros((1, 2), np.float32), [bad], [bad])
    page = map_page(figure, builder.collection(session).sprite, bad, bad, "en")
    assert "<script>alert" not in page and html.escape(bad) in page


def test_without_a_map_there_is_a_sentence(builder: MapBuilder, session: MapSession) -> None:
    with pytest.raises(Exception, match="map"):
        on_take_home(builder, replace(session, maps={}), NO_REQUEST)
