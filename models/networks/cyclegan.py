"""CycleGAN: translation between two unpaired sets of images (Zhu et al., arXiv 1703.10593).

Images are (N, 3, H, W) in [-1, 1], H and W multiples of 4. Parameter names and shapes of
`ResnetGenerator` and `PatchDiscriminator` are those of the authors' PyTorch code, so published weights load by name.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class InstanceNorm(nn.Module):
    """Instance normalisation without parameters (arXiv 1607.08022 eq. 3): each channel of each image on its own.

    Written as the batch norm of one image at a time: on CPUs that keeps the channels-last layout, which
    `nn.InstanceNorm2d` loses at several times the cost.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return normalised features of the same shape, (N, C, H, W)."""
        if len(x) == 1:
            return F.batch_norm(x, None, None, training=True)
        return torch.cat([F.batch_norm(one, None, None, training=True) for one in x.split(1)])


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each position, no parameters (arXiv 1607.06450 §3; 2201.03545 §2.6).

    Unlike instance norm, it gives the generator no reason to draw droplets that shift an image's statistics
    (1912.04958 §2).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return normalised features of the same shape, (N, C, H, W)."""
        return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2]).permute(0, 3, 1, 2)


class ResnetBlock(nn.Module):
    """Residual block of two reflect-padded 3x3 convolutions with instance norm (§7.2 "Rk")."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3), InstanceNorm(), nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(dim, dim, 3), InstanceNorm(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, dim, H, W)."""
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    """The authors' generator: c7s1-64, d128, d256, nine residual blocks (six at 128 px), u128, u64, c7s1-3 (§7.2)."""

    def __init__(self, num_filters: int = 64, num_blocks: int = 9) -> None:
        super().__init__()
        self.num_filters, self.num_blocks = num_filters, num_blocks
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, num_filters, 7)]
        layers += [InstanceNorm(), nn.ReLU(inplace=True)]
        for width in (num_filters, 2 * num_filters):
            layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)]
            layers += [InstanceNorm(), nn.ReLU(inplace=True)]
        layers += [ResnetBlock(4 * num_filters) for _ in range(num_blocks)]
        for width in (4 * num_filters, 2 * num_filters):
            layers += [nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1)]
            layers += [InstanceNorm(), nn.ReLU(inplace=True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(num_filters, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Translate images: (N, 3, H, W) in [-1, 1] -> the same shape and range.

        Raises:
            ValueError: if H or W is not a multiple of 4.
        """
        check_size(images)
        return self.model(images)


class SeparableConv(nn.Sequential):
    """A depthwise 3x3 convolution, channel norm and a 1x1 convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.ReflectionPad2d(1),
            nn.Conv2d(in_channels, in_channels, 3, groups=in_channels),
            ChannelNorm(),
            nn.Conv2d(in_channels, out_channels, 1),
        )


class SeparableBlock(nn.Module):
    """Residual block of two separable convolutions, as in GAN Compression's "mobile" generator (2003.08936 §3.2)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(SeparableConv(dim, dim), nn.ReLU(inplace=True), SeparableConv(dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, dim, H, W)."""
        return x + self.conv_block(x)


class HalfSide(nn.Module):
    """Add the output of blocks at half the resolution: twice the receptive field at a quarter of the cost."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, C, H, W)."""
        coarse = self.blocks(F.avg_pool2d(x, 2, ceil_mode=True))
        return x + F.interpolate(coarse, size=x.shape[-2:], mode="bilinear")


class LightGenerator(nn.Module):
    """A small generator for processors without an accelerator, in the spirit of GAN Compression (arXiv 2003.08936).

    Pixels are first folded into channels at half the side (arXiv 1609.05158 §2.2), and most residual blocks, which are
    separable, work at an eighth of it. The output is a change of the image, computed at half the side and enlarged
    bilinearly: it can neither draw a checkerboard nor hide the original in the finest detail (1712.02950).

    Args:
        num_filters: Base width; 2x at half the side, 4x below.
        num_blocks: Residual blocks at an eighth of the side, between two at a quarter.
    """

    def __init__(self, num_filters: int = 32, num_blocks: int = 8) -> None:
        super().__init__()
        half, quarter = 2 * num_filters, 4 * num_filters
        self.model = nn.Sequential(
            nn.PixelUnshuffle(2),  # (N, 3, H, W) -> (N, 12, H/2, W/2)
            nn.ReflectionPad2d(1), nn.Conv2d(12, half, 3), ChannelNorm(), nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(half, quarter, 3, stride=2), ChannelNorm(), nn.ReLU(inplace=True),
            SeparableBlock(quarter),
            HalfSide(*(SeparableBlock(quarter) for _ in range(num_blocks))),
            SeparableBlock(quarter),
            nn.Upsample(scale_factor=2, mode="nearest"),
            SeparableConv(quarter, half), nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(half, 3, 3), nn.Upsample(scale_factor=2, mode="bilinear"),
        )  # fmt: skip
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Translate images: (N, 3, H, W) in [-1, 1] -> the same shape and range.

        Raises:
            ValueError: if H or W is not a multiple of 4 or under 12.
        """
        check_size(images, 12)
        # The change is added where tanh has no bounds; a factor below 1 keeps white and black within reach.
        return torch.tanh(torch.atanh(0.98 * images) + self.model(images))


class PatchDiscriminator(nn.Module):
    """The 70x70 PatchGAN: one score for each overlapping 70x70 patch (§7.2; arXiv 1611.07004 §3.2.2)."""

    def __init__(self, num_filters: int = 64) -> None:
        super().__init__()
        f = num_filters
        layers: list[nn.Module] = [nn.Conv2d(3, f, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        for width, stride in ((f, 2), (2 * f, 2), (4 * f, 1)):
            layers += [nn.Conv2d(width, 2 * width, 4, stride=stride, padding=1)]
            layers += [InstanceNorm(), nn.LeakyReLU(0.2, inplace=True)]
        layers += [nn.Conv2d(8 * f, 1, 4, padding=1)]
        self.model = nn.Sequential(*layers)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Score patches: (N, 3, H, W) in [-1, 1] -> (N, 1, H/8 - 2, W/8 - 2); trained towards 1 real, 0 fake."""
        return self.model(images)


def check_size(images: Tensor, least: int = 8) -> None:
    """Raise a ValueError unless height and width are multiples of 4, which two halvings need, and at least `least`."""
    height, width = images.shape[-2:]
    if min(height, width) < least:
        raise ValueError(f"The picture is {height}x{width}; both sides must be at least {least} pixels: enlarge it.")
    if height % 4 or width % 4:
        raise ValueError(f"The picture is {height}x{width}; both sides must be multiples of 4: resize or pad it.")


def initialise(module: nn.Module, std: float = 0.02) -> None:
    """Draw convolution weights from N(0, std²) and zero the biases, in place (arXiv 1703.10593 §7.1)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class ImagePool:
    """A history of up to `size` generated images; half of each query comes from it (arXiv 1612.07828 §2.3)."""

    def __init__(self, size: int = 50) -> None:
        self.size = size
        self.images: list[Tensor] = []

    def query(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return as many images as given, (N, 3, H, W), each either new or an older one; the new ones at size 0."""
        if self.size == 0:
            return images
        out = []
        for image in images.detach():
            if len(self.images) < self.size:
                self.images.append(image.clone())  # a view would keep its whole batch in memory
                out.append(image)
            elif torch.rand((), generator=generator) < 0.5:
                index = int(torch.randint(self.size, (), generator=generator))
                out.append(self.images[index])
                self.images[index] = image.clone()
            else:
                out.append(image)
        return torch.stack(out)
