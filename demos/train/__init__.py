"""The trainer tab."""

from demos.train.tab import DEMO

__all__ = ["DEMO"]
