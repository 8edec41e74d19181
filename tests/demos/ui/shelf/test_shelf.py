"""The markup of a shelf, and where the content of a card lies."""

from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from demos.core.context import Context
from demos.ui.shelf.shelf import Card, shelf, shelf_html


def test_a_card_has_a_finding_and_a_thumbnail_where_there_is_one(context: Context, tmp_path: Path) -> None:
    image = tmp_path / "quiz.webp"
    Image.new("RGB", (8, 4)).save(image)
    cards = [Card("quiz", "cyclegan.quiz", image), Card("own", "cyclegan.own", tmp_path / "none.webp")]
    html = shelf_html(context, "cyclegan", {"play": cards})
    assert html.count('aria-expanded="false"') == 2 and html.count("<img") == 1
    assert f'gradio_api/file={image}"' in html and 'aria-controls="cyclegan-panel-own"' in html
    assert context.localize_html("cyclegan.quiz") in html and context.localize_html("shelf.play") in html


def test_the_content_of_a_card_is_one_closed_container_of_the_shelf(context: Context) -> None:
    with gr.Blocks() as app:
        one = shelf(context, "cyclegan", {"play": [Card("quiz", "cyclegan.quiz")]})
        gr.Markdown("what follows the shelf")
        with one.card("quiz") as panel:
            field = gr.Textbox()
        with one.drawer("more", "mae.options") as drawer:
            gr.Number()
    assert panel.elem_id == "cyclegan-panel-quiz" and not panel.open and not drawer.open
    assert field.parent in (panel, *panel.children)
    assert [child.elem_id for child in one.column.children][1:] == ["cyclegan-panel-quiz", "cyclegan-panel-more"]
    assert app.children[0].elem_id == "cyclegan-shelf"
    with pytest.raises(KeyError), gr.Blocks():
        one.card("unknown")
