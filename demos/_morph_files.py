"""The files of a result of the VAE tab: served to the browser, or stored for the tab to open on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from PIL import Image

from demos._animation import upscale
from demos._base import Context
from demos._morph import SMALL_SIDE, SMOOTH_STEPS, WAYS, Autoencoder, Rendered, numbers_of

RESULT = "result.json"


@dataclass(frozen=True)
class Shown:
    """What the page shows of one result; files are paths.

    Attributes:
        strip: PNG of the ways and the cross-fade as a filmstrip.
        sheet: WebP of the smooth ways and the cross-fade, for the player.
        animation: Animated WebP of the way that was asked for.
        pictures: PNGs of the two ends as the network got them.
        rebuilt: PNGs of the two ends as the network rebuilt them.
        model: Name of the weights.
        img_size: Side in pixels the network works at.
        latent_dim: Numbers a picture passes through.
        steps: Pictures in the strip.
        scores: PSNR of the two rebuilt ends in dB.
        seconds: Time of the network.
        prepared: Whether the result was made in advance.
        moments: Pictures of a smooth way.
        ways: The latent ways in the rows above the cross-fade.
    """

    strip: str
    sheet: str
    animation: str
    pictures: tuple[str, str]
    rebuilt: tuple[str, str]
    model: str
    img_size: int
    latent_dim: int
    steps: int
    scores: tuple[float, float]
    seconds: float
    prepared: bool = False
    moments: int = SMOOTH_STEPS
    ways: tuple[str, ...] = tuple(WAYS)


def serve(ctx: Context, done: Rendered, model: Autoencoder, name: str) -> Shown:
    """Puts the files of a result of the weights called `name` where the browser can fetch them."""

    def keep(content: Image.Image | bytes, file: str) -> str:
        if isinstance(content, bytes):
            return ctx.save_bytes(content, Path(file).suffix)
        return ctx.save_image(content)

    return _show(done, model, name, keep)


def store(folder: Path, done: Rendered, model: Autoencoder, name: str) -> None:
    """Writes the files of a result and `RESULT` beside them, for `read_stored`."""

    def keep(content: Image.Image | bytes, file: str) -> str:
        if isinstance(content, bytes):
            (folder / file).write_bytes(content)
        else:
            content.save(folder / file, optimize=True)
        return file

    shown = replace(_show(done, model, name, keep), prepared=True)
    (folder / RESULT).write_text(json.dumps(asdict(shown), indent=2) + "\n", "utf-8")


def read_stored(folder: Path) -> Shown | None:
    """Reads what `store` wrote, or returns None where it was never called."""
    if not (folder / RESULT).is_file():
        return None
    stored = json.loads((folder / RESULT).read_text("utf-8"))
    for key in ("strip", "sheet", "animation"):
        stored[key] = str(folder / stored[key])
    for key in ("pictures", "rebuilt"):
        stored[key] = tuple(str(folder / file) for file in stored[key])
    return Shown(**{**stored, "scores": tuple(stored["scores"]), "ways": tuple(stored["ways"])})


def _show(done: Rendered, model: Autoencoder, name: str, keep: Callable[[Image.Image | bytes, str], str]) -> Shown:
    pictures = upscale(done.morph.ends, SMALL_SIDE)
    rebuilt = upscale(done.morph.rebuilt, SMALL_SIDE)
    return Shown(
        strip=keep(done.strip, "strip.png"),
        sheet=keep(done.sheet, "sheet.webp"),
        animation=keep(done.animation, "animation.webp"),
        pictures=(keep(pictures[0], "picture-a.png"), keep(pictures[1], "picture-b.png")),
        rebuilt=(keep(rebuilt[0], "rebuilt-a.png"), keep(rebuilt[1], "rebuilt-b.png")),
        model=name,
        img_size=model.img_size,
        latent_dim=numbers_of(model),
        steps=len(done.morph.path),
        scores=(round(done.morph.scores[0], 2), round(done.morph.scores[1], 2)),
        seconds=round(done.seconds, 3),
        moments=len(done.morph.smooth_path),
        ways=tuple(done.morph.paths),
    )
