"""Folders of the repository that tabs read."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FIRST_PAINT = ASSETS / "first_paint"
EXAMPLES = ASSETS / "examples"
