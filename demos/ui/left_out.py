"""Why files of a visitor were left out, and what helps."""

from __future__ import annotations

from collections.abc import Mapping

import gradio as gr

from demos.core.context import Context
from demos.ui import widgets

TRAIN_ONLY = ("repeated", "too_many", "over_budget", "too_narrow")  # their sentences are those of the trainer's tab
REMEDIES = {  # reason code (see `models.data.archives`) -> text; for any other, more pictures
    "encrypted": "password", "broken_archive": "zip", "compression": "zip", "nested_archive": "zip",
    "not_an_image": "format", "unsupported": "format", "truncated": "save", "empty": "save", "unreadable": "save",
    "too_small": "size", "too_large": "size", "too_big": "size", "bomb": "size", "too_narrow": "crop",
}  # fmt: skip


def reason_key(code: str, trainer: bool = False) -> str:
    """Return the key of the words for a reason, in the trainer's tab or elsewhere."""
    return f"train.skipped.{code}" if trainer and code in TRAIN_ONLY else f"embeddings.skipped.{code}"


def left_out_html(ctx: Context, skipped: Mapping[str, int], trainer: bool = False) -> str:
    """Return how many files were left out, and why."""
    reasons = (f"{n} × {ctx.localize_html(reason_key(code, trainer))}" for code, n in sorted(skipped.items()))
    head = ctx.localize_html("embeddings.skipped", count=sum(skipped.values()))
    return head + ctx.localize_html("common.list_separator").join(reasons)


def too_few_error(
    ctx: Context, request: gr.Request | None, sentence: str, skipped: Mapping[str, int], trainer: bool = False
) -> gr.Error:
    """Return the message that adds to a sentence what was left out and why, and what helps where most of it was."""
    counts = {code: count for code, count in skipped.items() if code != "hidden"}  # nobody's pictures
    if counts:
        reasons = (f"{count} × {ctx.localize(request, reason_key(code, trainer))}" for code, count in counts.items())
        listed = ctx.localize(request, "common.list_separator").join(reasons)
        sentence += ctx.localize(request, "left_out", reasons=listed)
    remedy = REMEDIES.get(max(counts, key=counts.__getitem__, default=""), "more")
    return widgets.error_of(sentence + ctx.localize(request, f"left_out.{remedy}"))
