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
    """An input of a tab that takes one image.

    Attributes:
        component: The input; its value is the path of a file.
        strips: Strips of built-in images for it, each with its images in order; a link names one by its stem.
        shows_itself: Whether a new value shows its result without `TabInterface.show`.
    """

    component: gr.Image | gr.File
    strips: Sequence[tuple[gr.Dataset, Sequence[Path]]] = ()
    shows_itself: bool = False

    @property
    def examples(self) -> dict[str, Path]:
        """Return the built-in images by their stems."""
        return {path.stem: path for _, paths in self.strips for path in paths}


@dataclass(frozen=True)
class SummaryCell:
    """What one tab makes of an image, for an overview of all tabs.

    Attributes:
        image: The result as an RGB image, at most 256 pixels a side.
        text: One short sentence with the number that counts, as HTML in every language (`Context.localize_html`).
        link: Query string that opens the tab, such as "tab=vae&a=apple-01"; the tab alone for an image of one's own.
    """

    image: Image.Image
    text: str
    link: str


@dataclass(frozen=True)
class TabInterface:
    """What `Demo.build` hands to the page.

    Attributes:
        photos: Inputs for images by their name in a link, such as "example".
        settings: Components by their name in a link.
        show: Arguments of the events that, one after the other, show the result of what the inputs hold.
        takes: Input for many images, such as a zip; what it gets shows its result without `show`.
        summary: Computes what the tab makes of an RGB image with its default weights and settings; imports and returns
            no component, and can be called in any process. None if the tab has no answer to a single image.
        gives: Button that sends many images to the tab that takes them, and what holds their file.
    """

    photos: Mapping[str, Photo] = field(default_factory=dict)
    settings: Mapping[str, Component] = field(default_factory=dict)
    show: Sequence[Mapping[str, Any]] = ()
    takes: gr.File | None = None
    gives: tuple[gr.Button, gr.File] | None = None
    summary: Callable[[Image.Image], SummaryCell] | None = None
