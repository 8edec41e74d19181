"""What the map of embeddings costs in process: from images to points, and what visitors wait for."""

import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benches.measuring import EXAMPLES, median_ms
from PIL import Image
from torch import nn

from models.networks.preprocessing import IMAGENET

MAP_SIZES = (500, 2000, 10_000)
MAP_TITLE = "Map: from pictures to points"
MAP_COLUMNS = (
    "pictures", "plain script, s (embed + fit)", "ours, s", "times quicker", "in processor time", "its trust",
    "our trust",
)  # fmt: skip
TURN = 250  # images embedded by one before the other embeds the same


def varied_images(folder: Path, count: int) -> list[Path]:
    """Write images of 256 pixels: crops of the built-in kinds, each another one."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(EXAMPLES / "kinds.zip") as archive:
        names = archive.namelist()
        paths = []
        for number in range(count):
            with archive.open(names[number % len(names)]) as file:
                image = Image.open(file).convert("RGB")
            side = image.width * 5 // 7
            left, top = random.integers(0, image.width - side, 2)
            path = folder / f"{number}.jpg"
            image.crop((left, top, left + side, top + side)).resize((256, 256)).save(path, quality=90)
            paths.append(path)
    return paths


class Spent:
    """Time spent inside ``with``, summed up.

    Attributes:
        wall: Seconds by the clock.
        processor: Seconds of all threads of this process, which other processes hardly change.
    """

    def __init__(self) -> None:
        self.wall = self.processor = 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._start[0]
        self.processor += time.process_time() - self._start[1]


def plain_embed(network: nn.Module, paths: Sequence[Path]) -> np.ndarray:
    """Return features as a plain script makes them, of the whole square as ours, so that both map the same images."""
    from torchvision import transforms

    prepare = transforms.Compose([
        transforms.Resize(224), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])  # fmt: skip
    chunks = []
    with torch.no_grad():
        for first in range(0, len(paths), 32):
            batch = [prepare(Image.open(path).convert("RGB")) for path in paths[first : first + 32]]
            chunks.append(network(torch.stack(batch)).numpy())
    return np.concatenate(chunks)


class Normalised(nn.Module):
    """A network for images in [-1, 1] out of one for ImageNet's range, as the app makes one."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(IMAGENET.normalise(images))


def map_rows(folder: Path, sizes: Sequence[int] = MAP_SIZES) -> Iterator[tuple[str, ...]]:
    """Time images to map, ours against the plain script, with the same ResNet-18 and a compiled UMAP for both.

    The two take turns, so that what else this machine does weighs on both. Both maps compare features by umap's own
    default, the Euclidean distance, and are judged by it on the plain script's features.
    """
    import umap
    from torchvision.models import resnet18

    from models.analysis import projection
    from models.analysis.embedding import embed_images
    from models.analysis.metrics import trustworthiness

    torch.manual_seed(0)
    network = resnet18().eval()
    network.fc = nn.Identity()
    normalised = Normalised(network).eval()
    projection.warm_up()
    projection.wait_until_ready()
    umap.UMAP(random_state=0).fit(np.random.default_rng(0).normal(size=(200, 16)))
    for size in sizes:
        paths = varied_images(folder, size)
        plain, own = (Spent(), Spent()), (Spent(), Spent())
        theirs, ours = [], []
        for start in range(0, size, TURN):
            part = paths[start : start + TURN]
            with plain[0]:
                theirs.append(plain_embed(network, part))
            with own[0]:
                ours.append(embed_images(normalised, [path.read_bytes() for path in part], 224))
        features = np.concatenate(theirs)
        with plain[1]:
            plain_map = umap.UMAP(random_state=0).fit_transform(features)
        with own[1]:
            own_map = projection.project(np.concatenate(ours), metric="euclidean")
        trust = [trustworthiness(torch.from_numpy(features), torch.from_numpy(one), 15) for one in (plain_map, own_map)]
        quicker, less = (
            sum(getattr(part, clock) for part in plain) / sum(getattr(part, clock) for part in own)
            for clock in ("wall", "processor")
        )
        yield (
            f"{size}", f"{plain[0].wall:.1f} + {plain[1].wall:.1f}", f"{own[0].wall:.1f} + {own[1].wall:.1f}",
            f"{quicker:.1f}", f"{less:.1f}", f"{trust[0]:.3f}", f"{trust[1]:.3f}",
        )  # fmt: skip


def visit_rows() -> Iterator[tuple[str, str]]:
    """Time what the map's visitors wait for on the built-in set: a new image's place, a click, a lasso, a slider."""
    import base64

    from app import real_context
    from demos.embeddings import handlers
    from demos.embeddings.builder import MapBuilder
    from demos.embeddings.session import MapSession
    from demos.embeddings.similarity_explanation import on_explain_other
    from demos.embeddings.tab import BUILT_IN_SET

    builder = MapBuilder(real_context(), BUILT_IN_SET)
    usual = ("simclr", "2", 15, 0.1, 0, "cosine", "umap")
    session = handlers.on_settings(builder, None, *usual)[0]
    apple = str(EXAMPLES / "fruit" / "apple-01.jpg")
    count = len(builder.collection(session))
    ids = base64.b64encode(np.arange(count, dtype="<u4").tobytes()).decode()
    lasso, click = {"ids": ids}, [{"id": number} for number in range(40)]
    request: Any = None
    calls: dict[str, Callable[[int], object]] = {
        "a new picture's place": lambda _: handlers.on_placed(
            builder, handlers.on_query(builder, session, apple, request), request
        ),
        "a click's neighbours": lambda n: handlers.on_pick(builder, click[n], session, request),
        "a lasso's gallery": lambda _: handlers.on_lasso(builder, lasso, session, request),
        "a slider on the grid": lambda n: handlers.on_slide(
            builder, MapSession(), "simclr", "2", 5 + n, 0.5, 0, "cosine", "umap"
        ),
        "why two are near": lambda n: on_explain_other(builder, click[n + 1], session, request),
        "another encoder": lambda n: handlers.on_settings(builder, session, ("moco", "simsiam")[n % 2], *usual[1:]),
    }
    for name, call in calls.items():
        yield name, f"{median_ms(call):.0f}"
