"""Find the tabs among the packages of `demos`."""

from __future__ import annotations

import importlib
import pkgutil

import demos
from demos.core.context import Demo


def discover() -> list[Demo]:
    """Import every public module of `demos` and returns their tabs in order.

    Raises:
        TypeError: If a module does not define ``DEMO`` as a `Demo`.
        ValueError: If two tabs have the same name.
    """
    found: dict[str, Demo] = {}
    for module_info in pkgutil.iter_modules(demos.__path__):
        if module_info.name.startswith("_") or module_info.name in ("core", "page", "ui"):
            continue
        module = importlib.import_module(f"demos.{module_info.name}")
        demo = getattr(module, "DEMO", None)
        if not isinstance(demo, Demo):
            raise TypeError(f"demos/{module_info.name}.py must define DEMO = Demo(...), found {demo!r}")
        if demo.name in found:
            raise ValueError(f"demos/{module_info.name}.py repeats the tab name {demo.name!r}")
        found[demo.name] = demo
    return sorted(found.values(), key=lambda demo: (demo.order, demo.name))
