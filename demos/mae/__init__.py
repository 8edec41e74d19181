"""The MAE tab: mask and reconstruct."""

from demos.mae.tab import DEMO

__all__ = ["DEMO"]
