"""Containers whose content is sent to the browser when they are first opened (`demos.page.deferred_parts`)."""

from __future__ import annotations

from gradio.blocks import Block, BlockContext

DEFERRED = "deferred"  # class of a tab or fold that is asked for when it opens
UNSENT = "unsent"  # class of a container that no browser needs, such as the parameters of an endpoint


def has_class(block: Block | None, name: str) -> bool:
    """Return whether a block is a container that was marked."""
    return isinstance(block, BlockContext) and name in (block.elem_classes or ())
