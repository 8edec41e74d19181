"""What a tab lets the page around it do: give it an image, link to what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image


@dataclass(frozen=True)
class Photo:
    """An input of a tab that takes one image."""

    component: gr.Image | gr.File  # its value is the path of a file
    strips: Sequence[tuple[gr.Dataset, Sequence[Path]]] = ()  # of built-in images; a link names one by its stem
    shows_itself: bool = False  # whether a new value shows its result without `TabInterface.show`

    @property
    def examples(self) -> dict[str, Path]:
        """Return the built-in images by their stems."""
        return {path.stem: path for _, paths in self.strips for path in paths}


@dataclass(frozen=True)
class SummaryCell:
    """What one tab makes of an image, for an overview of all tabs."""

    image: Image.Image  # the result in RGB, at most 256 pixels a side
    text: str  # one short sentence with the number that counts, as HTML in every language (`Context.localize_html`)
    link: str  # query string that opens the tab, "tab=vae&a=apple-01"; the tab alone for an image of one's own


@dataclass(frozen=True)
class TabInterface:
    """What `Demo.build` hands to the page."""

    photos: Mapping[str, Photo] = field(default_factory=dict)  # by their name in a link, such as "example"
    settings: Mapping[str, Component] = field(default_factory=dict)  # by their name in a link
    show: Sequence[Mapping[str, Any]] = ()  # arguments of the events that, in turn, show the result of the inputs
    takes: gr.File | None = None  # input for many images, such as a zip; it shows its result without `show`
    gives: tuple[gr.Button, gr.File] | None = None  # sends the images of the file to the tab that takes many
    # Computes what the tab makes of an RGB image with its default weights and settings; imports and returns no
    # component, and can be called in any process. None if the tab has no answer to a single image.
    summary: Callable[[Image.Image], SummaryCell] | None = None
    # Computes what the tab opens on, where there is no summary; for the check before a talk.
    opening: Callable[[], object] | None = None
