"""Videos of an interpolation."""

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest

from demos.core.context import Context
from demos.vae import video_export
from demos.vae.interpolation import video_frames
from demos.vae.networks import Networks, read_photos
from demos.vae.video_export import video_handler

MODEL = "vae-fruit"


@pytest.mark.parametrize("method", video_export.METHODS)
def test_a_video_goes_from_one_image_to_the_other(networks: Networks, images: list[str], method: str) -> None:
    model, (first, last) = networks.any(MODEL), read_photos(images[:2])
    frames = [frame for batch in video_frames(model, first, last, 13, method) for frame in batch]
    assert len(frames) == 13
    reverse = [frame for batch in video_frames(model, last, first, 13, method) for frame in batch]
    assert np.abs(np.asarray(frames[0]).astype(int) - np.asarray(reverse[-1])).max() <= 1


@pytest.mark.parametrize("kind", video_export.WRITERS)
def test_a_finished_video_is_offered(context: Context, networks: Networks, images: list[str], kind: str) -> None:
    make = video_handler(context, networks)
    request: Any = None
    silent: Any = lambda *_, **__: None  # noqa: E731
    updates = list(make(images[0], images[1], 12, "lerp", kind, MODEL, request, silent))
    assert not updates[0]["interactive"]
    saved = Path(updates[-1]["value"])
    assert saved.suffix == f".{kind}" and saved.stat().st_size > 1000
    with pytest.raises(gr.Error, match="Choose two pictures"):
        list(make(images[0], None, 12, "lerp", kind, MODEL, request))
