"""Random weights in published layouts, and what reference implementations answer with them, recorded in small files.

A record is a safetensors file of at most 50 kB: the names and shapes of the reference's tensors (the weights
themselves are drawn anew from their names) and samples of its outputs. `pytest --record-references` writes them.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

REFERENCES = Path(__file__).parents[1] / "references"
MAX_BYTES = 50_000
SAMPLES = 1500  # numbers kept of each output
BLOCK = 1_000_003  # numbers drawn for one tensor; a larger one repeats them

Shapes = dict[str, tuple[int, ...]]
Answers = dict[str, Tensor]


@dataclass(frozen=True)
class Parity:
    """One published layout and the implementation to compare with.

    Attributes:
        name: of the case, and of its record.
        package: what the reference needs.
        layout: the layout that must be recognised.
        reference: makes the reference's network.
        answers: asks the reference; gets images in [-1, 1], as ours does.
        ours: asks our model for the same.
        side: of the images in pixels.
        published: turns the reference's tensors into those of a published file.
        load_as: the name to load by, where tensors cannot tell.
        recorded: the name of the record, where another case has the same reference.
    """

    name: str
    package: str
    layout: str
    reference: Callable[[], nn.Module]
    answers: Callable[[nn.Module, Tensor], Answers]
    ours: Callable[[nn.Module, Tensor], Answers]
    side: int = 64
    published: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict
    load_as: str | None = None
    recorded: str = ""

    @property
    def record(self) -> Path:
        """Where the record lies."""
        return REFERENCES / f"{self.recorded or self.name}.safetensors"


def generator_of(name: str) -> np.random.Generator:
    """Return a source of numbers that depends on a name alone."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))


def drawn(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return random weights that keep activations at a sensible size, the same for the same names and shapes."""
    return {name: _drawn_one(name, tuple(shape)) for name, shape in shapes.items()}


def _drawn_one(name: str, shape: tuple[int, ...]) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    size = int(np.prod(shape))
    noise = generator_of(name).standard_normal(min(size, BLOCK), dtype=np.float32)
    values = torch.from_numpy(np.resize(noise, size)).reshape(shape)
    if name.endswith("running_var"):
        return 0.5 + values.abs()
    if len(shape) > 1 and min(shape[:2]) > 1:  # a matrix or convolution: keep the variance
        return values * (1.5 / np.prod(shape[1:])) ** 0.5
    if name.endswith("weight") or "gamma" in name or "lambda" in name:
        return 1 + 0.1 * values
    return 0.1 * values


def pictures(side: int, num: int = 2) -> Tensor:
    """Return smooth random images, (num, 3, side, side) in [-1, 1], the same every time."""
    coarse = torch.from_numpy(generator_of("pictures").uniform(-1, 1, (num, 3, 9, 9)).astype(np.float32))
    return nn.functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=True)


def sampled(answers: Answers) -> Answers:
    """Return at most `SAMPLES` numbers of each output, evenly spread."""
    return {key: value.flatten()[:: -(-value.numel() // SAMPLES)].clone().float() for key, value in answers.items()}


def shapes_of(module: nn.Module) -> Shapes:
    """Return the names and shapes of a module's tensors."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def save_record(path: Path, shapes: Shapes, answers: Answers) -> None:
    """Write a record."""
    path.parent.mkdir(exist_ok=True)
    save_file(sampled(answers), path, {"shapes": json.dumps(shapes, separators=(",", ":"))})
    assert path.stat().st_size <= MAX_BYTES, f"{path.name} has {path.stat().st_size} bytes"


def load_record(path: Path) -> tuple[Shapes, Answers]:
    """Return the names and shapes of a record's weights, and samples of the reference's outputs."""
    with safe_open(path, framework="pt") as file:
        shapes = {name: tuple(shape) for name, shape in json.loads(file.metadata()["shapes"]).items()}
        return shapes, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


def largest_difference(ours: Answers, theirs: Answers) -> float:
    """Return the largest absolute difference over all outputs, which must be the same ones."""
    assert ours.keys() == theirs.keys()
    return max(float((ours[key].float() - theirs[key].float()).abs().max()) for key in ours)
