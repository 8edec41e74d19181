"""From images to float32 features, in batches (N images, D feature width).

Threads decode and crop the next batch while the network runs. On processors with bfloat16 instructions, convolutions
run in bfloat16 with the channels last; for many images batch normalisation is folded into them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse
from torch.fx.proxy import TraceError

from models.data.images import square_crop, to_tensor

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]  # images done, images in all
ImageOrFile: TypeAlias = Image.Image | bytes  # decoded, or a whole file that is known to be good

PREPROCESSING_VERSION = 2  # raise it when features of the same image and weights would change
BATCH_SIZE = 32
DECODERS = 2  # threads
FOLD_FROM = 100  # images for which folding pays


class Images(Protocol):
    """Images by their index: a list, or files that are read when they are needed."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> ImageOrFile: ...


def has_fast_bfloat16() -> bool:
    """Return whether this processor multiplies bfloat16 in hardware; elsewhere it is slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def embed_batches(
    encoder: nn.Module, images: Images, image_size: int, batch_size: int = BATCH_SIZE
) -> Iterator[Floats]:
    """Yield the features of images batch by batch, each (B, D).

    Args:
        encoder: (B, 3, S, S) in [-1, 1] -> (B, D), in eval mode.
        images: N RGB images of any size, or JPEG files of such; the centre square of each is used.
        image_size: S, in pixels.
        batch_size: Images per call of the encoder.

    Raises:
        ValueError: There are no images, or a feature is not finite.
    """
    if not images:
        raise ValueError("There are no pictures to embed; give at least one.")
    if len(images) >= FOLD_FROM:
        encoder = folded(encoder)
    starts = range(0, len(images), batch_size)
    with ThreadPoolExecutor(DECODERS) as pool:

        def prepare(start: int) -> list[Future[Image.Image]]:
            batch = range(start, min(start + batch_size, len(images)))
            return [pool.submit(_square, images[index], image_size) for index in batch]

        waiting = prepare(0)
        for start in starts:
            squares = [square.result() for square in waiting]
            waiting = prepare(start + batch_size) if start + batch_size < len(images) else []
            yield _encode(encoder, to_tensor(squares))  # (B, 3, S, S) -> (B, D)


def embed_images(
    encoder: nn.Module, images: Images, image_size: int, batch_size: int = BATCH_SIZE, progress: Progress | None = None
) -> Floats:
    """Return the features of images, (N, D); arguments and errors are those of `embed_batches`.

    `progress` is called after every batch with the number of images done and N.
    """
    chunks: list[Floats] = []
    for features in embed_batches(encoder, images, image_size, batch_size):
        chunks.append(features)
        if progress is not None:
            progress(sum(map(len, chunks)), len(images))
    return np.concatenate(chunks)


def folded(encoder: nn.Module) -> nn.Module:
    """Return a copy of an encoder in eval mode with batch norms folded into convolutions; as it is if not traceable."""
    if not any(isinstance(module, nn.BatchNorm2d) for module in encoder.modules()):
        return encoder
    try:
        return fuse(encoder).to(memory_format=torch.channels_last)
    except TraceError:
        return encoder


@torch.inference_mode()
def _encode(encoder: nn.Module, images: Tensor) -> Floats:
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bfloat16()):
        features: Floats = encoder(images).float().numpy()
    if not np.isfinite(features).all():
        raise ValueError("The encoder gave features that are not finite; load its weights again.")
    return features


def _square(image: ImageOrFile, side: int) -> Image.Image:
    if isinstance(image, bytes):
        image = Image.open(BytesIO(image))
        image.draft("RGB", (side, side))  # a JPEG far larger than needed is decoded at a fraction of its size
        image = image.convert("RGB")
    return square_crop(image, side)
