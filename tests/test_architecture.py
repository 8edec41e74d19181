"""The direction of imports, and a few rules of the house, read from the source."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path.relative_to(ROOT)
    for top in ("app.py", "demos", "models")
    for path in ([ROOT / top] if top.endswith(".py") else (ROOT / top).rglob("*.py"))
)
MODELS = [path for path in SOURCES if path.parts[0] == "models" and path.stem != "__main__"]
MAX_BYTES = 10_000_000


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imported(path: Path, tree: ast.Module | None = None) -> Iterator[str]:
    """Every module that a file imports, by its full name; `from a import b` gives both a and a.b."""
    package = path.with_suffix("").parts[:-1]
    for node in ast.walk(tree or parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (name, *(f"{name}.{alias.name}" for alias in node.names))


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def layer(path: Path) -> str:
    if path.parts[0] in ("app.py", "demos"):
        return path.parts[0]
    return "models.training" if path.parts[:2] == ("models", "training") else "models"


FORBIDDEN = {
    "app.py": ["tests"],
    "demos": ["app", "tests"],
    "models.training": ["app", "demos", "gradio", "tests"],
    "models": ["app", "demos", "gradio", "models.training", "tests"],
}


def breaches(path: Path, tree: ast.Module | None = None) -> list[str]:
    """What a file imports against the rules."""
    names = set(imported(path, tree))
    forbidden = list(FORBIDDEN[layer(path)])
    if path in (Path("models/networks/layers.py"), Path("models/networks/losses.py")):
        forbidden.append("models")
    found = [name for name in names if any(within(name, package) for package in forbidden)]
    if layer(path) == "demos" and not path.stem.startswith("_"):
        parts = [name.split(".") for name in names if name.startswith("demos.")]
        found += [".".join(part) for part in parts if not part[1].startswith("_")]
    return sorted(found)


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(parse(path)) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_imports_point_one_way() -> None:
    found = {str(path): wrong for path in SOURCES if (wrong := breaches(path))}
    assert not found, "app.py -> demos -> models.training -> models"


@pytest.mark.parametrize(
    ("path", "source", "breach"),
    [
        ("models/networks/vae.py", "import gradio as gr", ["gradio"]),
        (
            "models/networks/vae.py",
            "from .training import trainer",
            ["models.training", "models.training.loop.trainer"],
        ),
        (
            "models/networks/losses.py",
            "from models.networks.layers import Mlp",
            ["models.networks.layers", "models.networks.layers.Mlp"],
        ),
        ("models/training/loop/trainer.py", "import demos.core.context", ["demos.core.context"]),
        ("models/training/loop/trainer.py", "from models.networks.vae import ConvVAE", []),
        ("demos/vae/tab.py", "from demos import mae", ["demos.mae"]),
        ("demos/vae/tab.py", "from . import _base, mae", ["demos.mae"]),
        ("demos/vae/tab.py", "from demos.core.context import Context, Demo", []),
        ("demos/vae/tab.py", "import app", ["app"]),
    ],
)
def test_breaches_are_seen(path: str, source: str, breach: list[str]) -> None:
    assert breaches(Path(path), ast.parse(source)) == breach


def test_models_print_nothing() -> None:
    prints = [f"{path}:{call.lineno}" for path in MODELS for call in calls(path) if called(call) == "print"]
    assert not prints, "return the text or use logging"


def test_only_entry_points_read_arguments() -> None:
    readers = [str(path) for path in MODELS if "argparse" in imported(path)]
    assert not readers, "only a __main__.py reads the command line"


def is_safe_load(call: ast.Call) -> bool:
    if called(call) != "torch.load":
        return True
    return any(
        keyword.arg == "weights_only" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for keyword in call.keywords
    )


def test_checkpoints_are_read_without_running_code() -> None:
    unsafe = [f"{path}:{call.lineno}" for path in SOURCES for call in calls(path) if not is_safe_load(call)]
    assert not unsafe, "torch.load without weights_only=True"


def test_no_big_file_is_tracked() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    big = [str(path.relative_to(ROOT)) for path in files if path.exists() and path.stat().st_size > MAX_BYTES]
    assert not big, f"over {MAX_BYTES / 1e6:.0f} MB, too big for a plain push to a Space: {big}"
