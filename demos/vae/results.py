"""The files of a result of the VAE tab: served to the browser, or stored for the tab to open on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from PIL import Image

from demos.core.context import Context
from demos.core.tab_interface import SummaryCell
from demos.ui.animation import upscale
from demos.vae.interpolation import SMALL_SIDE, Autoencoder, Rendered, latent_size, reconstruct
from demos.vae.networks import OPENING_MODEL
from models.networks.vae import ConvVAE
from models.strict_json import json_text

RESULT = "result.json"


@dataclass(frozen=True)
class Shown:
    """What the page shows of one result; files are paths."""

    strip: str  # PNG of the methods and the cross-fade as a filmstrip
    sheet: str  # WebP of the smooth paths and the cross-fade, for the player
    numbers: str  # JSON of the numbers behind the result
    images: tuple[str, ...]  # PNGs of the two ends as the network got them
    rebuilt: tuple[str, ...]  # PNGs of their reconstructions
    model: str  # name of the weights
    img_size: int  # side in pixels the network works at
    latent_dim: int  # numbers in the latent of an image
    steps: int  # images in the strip
    scores: tuple[float, ...]  # PSNR of the reconstructions in dB
    seconds: float  # time of the network
    moments: int  # images of a smooth path
    ways: tuple[str, ...]  # methods in the rows above the cross-fade
    prepared: bool = False  # whether the result was made in advance


def serve(ctx: Context, rendered: Rendered, model: Autoencoder, name: str) -> Shown:
    """Put the files of a result of the weights called `name` where the browser can fetch them."""

    def keep(content: Image.Image | bytes, file: str) -> str:
        return ctx.save_bytes(content, Path(file).suffix) if isinstance(content, bytes) else ctx.save_image(content)

    return _show(ctx, rendered, model, name, keep)


def store(ctx: Context, folder: Path, rendered: Rendered, model: Autoencoder, name: str) -> None:
    """Write the files of a result and `RESULT` beside them, for `read_stored`."""

    def keep(content: Image.Image | bytes, file: str) -> str:
        if isinstance(content, bytes):
            (folder / file).write_bytes(content)
        else:
            content.save(folder / file, optimize=True)
        return file

    stored = asdict(_show(ctx, rendered, model, name, keep)) | {"prepared": True}
    stored["pictures"] = stored.pop("images")  # the key that files written by older versions have
    (folder / RESULT).write_text(json_text(stored) + "\n", "utf-8")


def read_stored(folder: Path) -> Shown | None:
    """Read what `store` wrote, or return None where it was never called."""
    if not (folder / RESULT).is_file():
        return None
    stored = json.loads((folder / RESULT).read_text("utf-8"))
    stored["images"] = stored.pop("pictures")
    for key in ("strip", "sheet", "numbers"):
        stored[key] = str(folder / stored[key])
    for key in ("images", "rebuilt"):
        stored[key] = tuple(str(folder / file) for file in stored[key])
    return Shown(**{**stored, "scores": tuple(stored["scores"]), "ways": tuple(stored["ways"])})


def summarize(ctx: Context, image: Image.Image) -> SummaryCell:
    """Return the reconstruction of an image by the model that the tab opens with, and its PSNR."""
    rebuilt, score = reconstruct(cast(ConvVAE, ctx.load_model(OPENING_MODEL)), image)
    text = ctx.localize_html("vae.end_rebuilt", score=f"{score:.1f}")
    return SummaryCell(upscale([rebuilt], SMALL_SIDE)[0], text, "tab=vae")


def result_numbers(ctx: Context, rendered: Rendered, model: Autoencoder, name: str) -> dict[str, Any]:
    """Return the numbers behind a result of the weights called `name`, for a file."""
    info = ctx.weights_info(name)
    return {
        "model": name,
        "sha256": info.sha256,
        "image_size": model.img_size,
        "latent_numbers": latent_size(model),
        "active_units": info.metrics.get("active_units"),  # share of the latent dimensions in use
        "steps": len(rendered.interpolation.smooth_fade[:: rendered.interpolation.stride]),
        "ways": list(rendered.interpolation.smooth_paths),
        "psnr_db": [round(score, 2) for score in rendered.interpolation.psnr],
        "seconds": round(rendered.seconds, 3),
        "latents": [[round(number, 4) for number in latent] for latent in rendered.interpolation.latents],
    }


def _show(
    ctx: Context, rendered: Rendered, model: Autoencoder, name: str, keep: Callable[[Image.Image | bytes, str], str]
) -> Shown:
    images = upscale(rendered.interpolation.ends, SMALL_SIDE)
    rebuilt = upscale(rendered.interpolation.rebuilt, SMALL_SIDE)
    facts = result_numbers(ctx, rendered, model, name)
    return Shown(
        strip=keep(rendered.strip, "strip.png"),
        sheet=keep(rendered.sheet, "sheet.webp"),
        numbers=keep((json_text(facts) + "\n").encode(), "numbers.json"),
        images=(keep(images[0], "picture-a.png"), keep(images[1], "picture-b.png")),
        rebuilt=(keep(rebuilt[0], "rebuilt-a.png"), keep(rebuilt[1], "rebuilt-b.png")),
        model=name,
        img_size=facts["image_size"],
        latent_dim=facts["latent_numbers"],
        steps=facts["steps"],
        scores=(facts["psnr_db"][0], facts["psnr_db"][1]),
        seconds=facts["seconds"],
        moments=len(rendered.interpolation.smooth_fade),
        ways=tuple(rendered.interpolation.smooth_paths),
    )
