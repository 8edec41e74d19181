"""Parts of the page that are sent to the browser when they are first opened.

All components and listeners are built once, in one Blocks, so that endpoints and functions know nothing of this. The
page is sent without what lies in the containers marked as deferred (`demos.ui.deferred`) and without the listeners that
touch it. A private event of each such container answers with both, as `gr.render` does, but without making anything
anew: what a part consists of is the same for every visitor and is computed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import BlockContext, BlocksConfig

from demos.core.events import QUICK_EVENT
from demos.page.page_split import Config, PageSplit
from demos.ui.api_endpoint import EndpointBlocks
from demos.ui.deferred import DEFERRED, has_class

# Id of the tab that a request for the page names, empty for none; None for any other request.
opening: ContextVar[str | None] = ContextVar("opening", default=None)


@dataclass(frozen=True)
class Part:
    """What Gradio takes for the `gr.render` that makes the content of a container."""

    _id: int  # by which Gradio's script tells the listeners of one from those of another
    container_id: int

    @staticmethod
    def fn() -> None:
        """Make nothing: everything is there."""


class DeferredConfig(BlocksConfig):
    """The components and listeners of the page or of a session."""

    values: Mapping[int, Any] = {}  # of those `gr.State` that the session has used

    def get_config(self, renderable: Any = None) -> Config:
        """Return the configuration of a part, as it was computed once, or of the whole page."""
        if isinstance(renderable, Part):
            split: PageSplit = self.root_block.split  # type: ignore[attr-defined]
            return split.arrival(renderable.container_id, self.values)
        config: Config = super().get_config(renderable)
        return config

    def __copy__(self) -> DeferredConfig:
        """Return what a session begins with."""
        copied = super().__copy__()
        copied.__class__ = DeferredConfig
        return copied


class DeferredBlocks(EndpointBlocks):
    """A page that is sent with one tab; what is marked as deferred follows when it is opened."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.default_config.__class__ = DeferredConfig
        self.split: PageSplit | None = None

    @property  # type: ignore[override]
    def config(self) -> Config:
        """Return the configuration of what the page opens on to a request for it, and of all to any other."""
        if self.split is None:
            return {}
        tab = opening.get()
        return self.split.whole if tab is None else self.split.opened(tab)

    @config.setter
    def config(self, whole: Config) -> None:
        self.split = PageSplit(self.blocks, self.fns, whole)


def events(app: gr.Blocks) -> dict[str, BlockContext]:
    """Return the containers that are marked as deferred by the event that asks for their content."""
    return {f"part_{one}": block for one, block in app.blocks.items() if has_class(block, DEFERRED)}  # type: ignore[misc]


def connect(app: gr.Blocks, page: gr.HTML) -> None:
    """Let the script of the page ask for each deferred container by an event ``part_<id>`` when it opens."""
    for event, container in events(app).items():
        name = container._id
        asked = getattr(page, event)(Part.fn, None, None, trigger_mode="once", show_progress="hidden", **QUICK_EVENT)
        app.fns[asked["id"]].renderable = Part(name, name)  # type: ignore[assignment]
        if isinstance(container, gr.Accordion):
            container.expand(None, js=f"() => void window.unlabeled.bring({name})", **QUICK_EVENT)
