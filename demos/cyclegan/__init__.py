"""The CycleGAN tab: apples to oranges and back."""

from demos.cyclegan.tab import DEMO

__all__ = ["DEMO"]
