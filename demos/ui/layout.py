"""The plan that tabs follow: a hero, what of it the stage shows, a shelf (`demos.ui.shelf`), and how it works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gradio as gr

from demos.core.context import Context
from demos.core.files import file_url
from demos.ui import widgets
from demos.ui.shelf.thumbnails import FOLDER, STEPS

STEPS_STYLE = """
ol { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 16px 28px; margin: 22px 0 4px;
  padding: 0; list-style: none; }
li { display: grid; grid-template-columns: minmax(0, 132px) 1fr; gap: 12px; align-items: center; margin: 0;
  font-size: 15px; line-height: 1.4; color: var(--ink); }
li img { display: block; width: 100%; aspect-ratio: 2; border-radius: 8px; object-fit: cover; background: var(--mat); }
li b { margin-right: 6px; color: var(--accent); }
@media (max-width: 760px) {
  ol { display: flex; gap: 16px; margin: 14px -16px 0; padding: 0 16px 8px; overflow-x: auto; }
  li { flex: none; width: 270px; grid-template-columns: 112px 1fr; }
}
"""


@contextmanager
def hero(ctx: Context, tab: str) -> Iterator[None]:
    """Place the lead of a tab, the line that says why it matters, and its one large result."""
    widgets.lead(ctx, f"{tab}.lead")
    gr.Markdown(ctx.t(f"{tab}.why"), elem_classes="why")
    with gr.Column(elem_classes="hero"):
        yield


def stage() -> gr.Column:
    """Open what a hero shows in the large view for a talk; use it as a context manager."""
    return gr.Column(elem_classes="stage")


def verdict(ctx: Context, sentences: Sequence[str]) -> str:
    """Return at most two sentences with a number each, and the button to the panel that says how they are measured.

    The stage shows the first one alone.
    """
    numbers = "".join(f"<p>{sentence}</p>" for sentence in sentences[:2])
    return f'{numbers}<button type="button" data-open="details">{ctx.localize_html("common.details")}</button>'


def how_it_works(ctx: Context, tab: str) -> None:
    """Place the figure of three steps that is always in sight, and the longer explanation, folded away."""
    items = ""
    for number, name in enumerate(STEPS, 1):
        image = ctx.first_paint / tab / FOLDER / f"{name}.webp"
        shown = f'<img src="{file_url(str(image))}" alt="" loading="lazy">' if image.is_file() else "<i></i>"
        items += f"<li>{shown}<div><b>{number}</b>{ctx.localize_html(f'{tab}.step_{number}')}</div></li>"
    widgets.panel(f"<ol>{items}</ol>", f"{tab}-how", STEPS_STYLE, elem_classes="off-stage")
