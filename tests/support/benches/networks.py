"""What the networks cost: ours beside those of the published sizes, large files, large images."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from benches.measuring import median_ms
from running_app import ROOT
from safetensors.torch import save_file
from torch import nn


def network_rows() -> Iterator[tuple[str, str, str]]:
    """Time our networks beside those of the published sizes, one image at a time."""
    from models.checkpoints import load_model, weights_info
    from models.networks.cyclegan import ResnetGenerator
    from models.networks.mae import PRESETS, MaskedAutoencoderViT

    def milliseconds(network: nn.Module, side: int) -> float:
        picture = torch.zeros(1, 3, side, side)
        with torch.inference_mode():
            return median_ms(lambda _: network(picture))

    large_mae = MaskedAutoencoderViT(**PRESETS["base"])  # type: ignore[arg-type]
    mae_side = weights_info("mae-photos").image_size
    pairs = (
        ("CycleGAN generator", load_model("apple2orange"), 256, ResnetGenerator(64, 9), 256),
        ("MAE, three quarters hidden", load_model("mae-photos"), mae_side, large_mae, 224),
    )
    for name, ours, our_side, official, official_side in pairs:
        own, other = milliseconds(ours, our_side), milliseconds(official.eval(), official_side)
        yield name, f"{own:.0f} ({our_side} px)", f"{other:.0f} ({official_side} px), {other / own:.1f} times"


PUBLISHED_COLUMNS = ("weights", "file, MB", "to load, s", "to use once, s", "peak memory, GiB")
PEAK = """
import resource, sys
from pathlib import Path
if sys.platform == "linux":  # where ru_maxrss begins with what the parent process used
    peak = 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
"""
USE_PUBLISHED = f"""
import sys, time, torch
from pathlib import Path
from models.formats.registry import load_file
start = time.perf_counter()
layout, model = load_file(Path(sys.argv[1]), sys.argv[2])
loaded = time.perf_counter()
side = int(sys.argv[3])
with torch.inference_mode():
    model(torch.zeros(1, 3, side, side))
used = time.perf_counter()
{PEAK}
print(f"{{loaded - start:.1f}},{{used - loaded:.1f}},{{peak / 2**30:.2f}}")
"""
TRANSLATE_LARGE = f"""
import sys, time, torch
from models.checkpoints import load_model
side, model = int(sys.argv[1]), load_model("apple2orange")
with torch.inference_mode():
    model(torch.zeros(1, 3, 64, 64))
    picture = torch.rand(1, 3, side, side) * 2 - 1
    start = time.perf_counter()
    model(picture)
    seconds = time.perf_counter() - start
{PEAK}
print(f"{{seconds:.2f}},{{peak / 2**30:.2f}}")
"""


def largest_published() -> list[tuple[str, str, int, nn.Module]]:
    """Return the largest published size of each family, without memory: what it is, layout, side, module."""
    import torchvision

    from models.networks.autoencoder_kl import AutoencoderKL
    from models.networks.cyclegan import ResnetGenerator
    from models.networks.mae import PRESETS, MaskedAutoencoderViT

    with torch.device("meta"):
        return [
            ("MAE huge", "vit-mae-authors", 224, MaskedAutoencoderViT(**PRESETS["huge"])),  # type: ignore[arg-type]
            ("sd-vae-ft-mse", "autoencoder-kl", 256, AutoencoderKL()),
            ("CycleGAN of the authors", "cyclegan-resnet-generator", 256, ResnetGenerator()),
            ("SimCLR ResNet-50", "simclr", 224, torchvision.models.resnet50()),
            ("VGG-16", "vgg16", 224, torchvision.models.vgg16(init_weights=False)),
        ]


def published_rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """Load the largest published sizes from files of random weights, each in its own process, and use them once."""
    path = folder / "weights.safetensors"
    for name, layout, side, module in largest_published():
        shapes = {key: (value.shape, value.dtype) for key, value in module.state_dict().items()}
        save_file({key: (0.02 * torch.rand(shape)).to(dtype) for key, (shape, dtype) in shapes.items()}, path)
        size = path.stat().st_size / 1e6
        command = [sys.executable, "-c", USE_PUBLISHED, str(path), layout, str(side)]
        out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        path.unlink()
        yield name, f"{size:.0f}", *out.strip().split(",")


def large_rows() -> Iterator[tuple[str, ...]]:
    """Translate one square image of each size that the CycleGAN tab offers, each in its own process."""
    from demos.cyclegan.full_resolution import SIDES

    for side in SIDES:
        command = [sys.executable, "-c", TRANSLATE_LARGE, str(side)]
        out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        yield f"{side}", *out.strip().split(",")
