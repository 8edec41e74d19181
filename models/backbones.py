"""ResNet backbones (He et al., arXiv 1512.03385) with torchvision's parameter names.

Pictures are (N, 3, S, S) in [-1, 1]; features (N, feature_dim) are the last map averaged over the picture.
"""

from __future__ import annotations

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (§3.2, figure 2): (N, in, S, S) -> (N, out, S / stride, S / stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's features, (N, out, S / stride, S / stride)."""
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """A residual network of basic blocks; width 64 and two blocks a stage is ResNet-18 (table 1).

    Args:
        width: channels of the first stage; each of the four stages doubles them.
        blocks: residual blocks in each stage.
        num_classes: outputs of a linear classifier `fc`; 0 leaves it out and `forward` returns features.
    """

    def __init__(self, width: int = 64, blocks: tuple[int, ...] = (2, 2, 2, 2), num_classes: int = 0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = width
        for index, count in enumerate(blocks):
            out = width * 2**index
            stage = [BasicBlock(channels, out, 1 if index == 0 else 2)]
            stage += [BasicBlock(out, out, 1) for _ in range(count - 1)]
            self.add_module(f"layer{index + 1}", nn.Sequential(*stage))
            channels = out
        self.num_stages, self.feature_dim = len(blocks), channels
        self.fc = nn.Linear(channels, num_classes) if num_classes else None
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward_features(self, images: Tensor) -> Tensor:
        """Return pooled features, (N, 3, S, S) -> (N, feature_dim)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for index in range(self.num_stages):
            x = self.get_submodule(f"layer{index + 1}")(x)
        return x.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return class scores (N, num_classes), or features (N, feature_dim) where there is no classifier."""
        features = self.forward_features(images)
        return features if self.fc is None else self.fc(features)
