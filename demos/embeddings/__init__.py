"""The embeddings tab: maps of image collections."""

from demos.embeddings.tab import DEMO

__all__ = ["DEMO"]
