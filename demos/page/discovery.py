"""Find the tabs among the packages of `demos`."""

from __future__ import annotations

import importlib
import pkgutil

import demos
from demos.core.context import Demo

SHARED_PACKAGES = ("core", "page", "ui")


def discover() -> list[Demo]:
    """Import every package of `demos` that is a tab and return the tabs in the order of `TAB_IDS`.

    Raises:
        TypeError: If a package does not define ``DEMO`` as a `Demo`.
        ValueError: If two tabs have the same name, or one has none of `TAB_IDS`.
    """
    found: dict[str, Demo] = {}
    for module_info in pkgutil.iter_modules(demos.__path__):
        if module_info.name in SHARED_PACKAGES:
            continue
        module = importlib.import_module(f"demos.{module_info.name}")
        demo = getattr(module, "DEMO", None)
        if not isinstance(demo, Demo):
            raise TypeError(f"demos/{module_info.name} must define DEMO = Demo(...), found {demo!r}")
        if demo.name in found:
            raise ValueError(f"demos/{module_info.name} repeats the tab name {demo.name!r}")
        found[demo.name] = demo
    return sorted(found.values(), key=lambda demo: demo.order)
