"""Of what changes while a result is made, the latest counts: Gradio's default would drop it without a word."""

from __future__ import annotations

import gradio as gr
import pytest

from demos.core.context import Context
from demos.cyclegan import tab as cyclegan
from demos.mae import tab as mae
from demos.vae import tab as vae

# A second press while the first is answered would do the same again, or what it acts on is about to be replaced.
ONCE = {
    "cyclegan-quiz-start", "cyclegan-quiz-real", "cyclegan-quiz-fake", "cyclegan-room-open", "cyclegan-room",
    "cyclegan-room-reach",
    "mae-ratios-go", "mae-ratios-stop", "mae-often-go", "mae-often-stop", "mae-mend-scratches", "mae-mend-text",
    "mae-result-sheet", "vae-more", "vae-samples", "vae-film-make",
}  # fmt: skip


@pytest.mark.parametrize("tab", [cyclegan, mae, vae])
def test_no_choice_is_dropped_while_another_is_answered(context: Context, tab: object) -> None:
    with gr.Blocks(analytics_enabled=False) as app:
        tab.build(context)  # type: ignore[attr-defined]
    dropped = {
        (getattr(app.blocks[target], "elem_id", None) or type(app.blocks[target]).__name__, event)
        for fn in app.fns.values()
        if fn.fn is not None and fn.trigger_mode == "once" and fn.api_visibility != "public"
        if fn.fn.__module__ not in ("demos.ui.model_menu.handlers", "demos.ui.model_menu.menu")
        for target, event in fn.targets
        if target is not None
    }
    assert {(name, event) for name, event in dropped if name not in ONCE} == set()
