"""Backbones of published encoders: ResNets (He et al., arXiv 1512.03385) of our own, torchvision's AlexNet and VGG-16.

A bare network takes images in the range that it was trained with; `ImageEncoder` puts the normalisation before it,
so that every encoder takes (N, 3, S, S) in [-1, 1] and returns features (N, feature_dim). Parameter names are
torchvision's.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from models.networks.preprocessing import Preprocessing


def _downsample(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (§3.2, figure 2): (N, in, S, S) -> (N, out, S / stride, S / stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = _downsample(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features, (N, out, S / stride, S / stride)."""
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, and a shortcut (§4.1, figure 5): (N, in, S, S) -> (N, 4w, S/s, S/s).

    The stride s is the middle convolution's, as in every published PyTorch file ("version 1.5" of the paper's block).
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        out_channels = self.expansion * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _downsample(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features, (N, 4 * width, S / stride, S / stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """A residual network; width 64 with two basic blocks a stage is ResNet-18, 3-4-6-3 bottlenecks are ResNet-50.

    Args:
        width: Channels of the first stage; each of the four stages doubles them.
        blocks: Residual blocks in each stage (table 1).
        num_classes: Outputs of a linear classifier `fc`; 0 leaves it out and `forward` returns features.
        bottleneck: Whether blocks are bottlenecks, whose features are four times as wide, or basic blocks.
        img_size: Side in pixels of the images it was trained on; it takes others as well.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: tuple[int, ...] = (2, 2, 2, 2),
        num_classes: int = 0,
        bottleneck: bool = False,
        img_size: int = 64,
    ) -> None:
        super().__init__()
        self.img_size = img_size
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        block, expansion = (Bottleneck, Bottleneck.expansion) if bottleneck else (BasicBlock, 1)
        channels = width
        for index, num_blocks in enumerate(blocks):
            out = width * 2**index
            stage = [block(channels, out, 1 if index == 0 else 2)]
            stage += [block(expansion * out, out, 1) for _ in range(num_blocks - 1)]
            self.add_module(f"layer{index + 1}", nn.Sequential(*stage))
            channels = expansion * out
        self.num_stages, self.feature_dim = len(blocks), channels
        self.fc = nn.Linear(channels, num_classes) if num_classes else None
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward_features(self, images: Tensor) -> Tensor:
        """Return pooled features, (N, 3, S, S) -> (N, feature_dim)."""
        x = images
        for stage in self.forward_stages(images):
            x = stage
        return x.mean(dim=(2, 3))

    def forward_stages(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the maps (N, C, H, W) of images (N, 3, S, S) after the first layer and after each stage."""
        x = self.relu(self.bn1(self.conv1(images)))
        yield x
        x = self.maxpool(x)
        for index in range(self.num_stages):
            x = self.get_submodule(f"layer{index + 1}")(x)
            yield x

    def forward(self, images: Tensor) -> Tensor:
        """Return class scores (N, num_classes), or features (N, feature_dim) where there is no classifier."""
        features = self.forward_features(images)
        return features if self.fc is None else self.fc(features)


class LastHidden(nn.Module):
    """AlexNet or VGG-16 of torchvision up to the last hidden layer, "fc7", (N, 4096)."""

    feature_dim = 4096

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Return the activations before the last linear layer, after their ReLU."""
        features, pool, classifier = (self.network.get_submodule(n) for n in ("features", "avgpool", "classifier"))
        hidden: Tensor = pool(features(images)).flatten(1)
        for layer in list(classifier.children())[:-1]:
            hidden = layer(hidden)
        return hidden


class ImageEncoder(nn.Module):
    """A network behind the preprocessing it was trained with: (N, 3, S, S) in [-1, 1] -> (N, feature_dim)."""

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network, self.preprocessing = network, preprocessing
        self.image_size: int = preprocessing.size or 224
        self.feature_dim: int = network.feature_dim  # type: ignore[assignment]

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, feature_dim), before any classifier."""
        pixels = self.preprocessing.apply(images)
        if isinstance(self.network, ResNet):
            return self.network.forward_features(pixels)
        return self.network(pixels)
