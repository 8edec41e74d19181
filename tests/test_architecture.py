"""The layout of the code: which package may import which, file names, file lengths; read from the source."""

import ast
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_BYTES = 10_000_000
MAX_LINES = 300
SHARED_PACKAGES = ("core", "page", "ui")  # every other package of demos is a tab
PRIVATE_FILES = ("__init__", "__main__")
PRIVATE_RECIPES = ("models/training/recipes/_base.py", "models/training/recipes/_adversarial.py")
TOP = {
    ".ci", ".gitattributes", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md",
    "app.py", "assets", "demos", "models", "pyproject.toml", "requirements-dev.txt", "requirements.txt", "tests",
}  # fmt: skip

# What the files of a package may import of this project, beside their own package. The longest matching key counts.
LOWER_MODELS = (
    "models.analysis", "models.checkpoints", "models.data", "models.encoders", "models.file_facts", "models.hub",
    "models.networks", "models.strict_json",
)  # fmt: skip
TRAINING_TOP = ("models.training.distributed", "models.training.failures")
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "app": ("demos.core", "demos.page", "demos.ui", "models"),
    "demos": ("demos.core", "demos.ui", "models"),  # a tab
    "demos.core": ("models",),
    "demos.page": ("demos.core", "demos.ui", "models"),
    "demos.ui": ("demos.core", "models"),
    "models.networks": (),
    "models.data": (),
    "models.file_facts": (),
    "models.strict_json": (),
    "models.hub": ("models.file_facts",),
    "models.model_cache": (),
    "models.formats": ("models.file_facts", "models.networks", "models.data", "models.hub.records"),
    "models.analysis": ("models.networks", "models.data", "models.hub.records"),
    "models.checkpoints": ("models.formats", "models.hub", "models.model_cache", "models.networks"),
    "models.encoders": ("models.checkpoints", "models.formats", "models.networks"),
    "models.__main__": ("models.checkpoints", "models.formats", "models.hub"),
    "models.training": ("models",),
    "models.training.distributed": (),
    "models.training.failures": ("models.data",),
    "models.training.data": ("models.data", *TRAINING_TOP),
    "models.training.recipes": (*LOWER_MODELS, "models.training.data", *TRAINING_TOP),
    "models.training.loop": (*LOWER_MODELS, "models.training.data", "models.training.recipes", *TRAINING_TOP),
    "models.training.execution": (
        *LOWER_MODELS, "models.training.data", "models.training.recipes", "models.training.loop", *TRAINING_TOP,
    ),
    "models.training.evaluation": (
        *LOWER_MODELS, "models.training.data", "models.training.recipes", "models.training.loop", *TRAINING_TOP,
    ),
    "models.training.jobs": (
        *LOWER_MODELS, "models.training.data", "models.training.recipes", "models.training.loop",
        "models.training.execution", "models.training.evaluation", *TRAINING_TOP,
    ),
}  # fmt: skip

Sources = Mapping[str, ast.Module]  # module name -> its syntax tree


@cache
def sources() -> dict[str, ast.Module]:
    """The modules of app.py, demos and models by name; a package is the name of its folder."""
    files = [ROOT / "app.py", *(ROOT / "demos").rglob("*.py"), *(ROOT / "models").rglob("*.py")]
    return {
        module_name(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"), filename=str(path))
        for path in sorted(files)
    }


@cache
def packages() -> frozenset[str]:
    """Names of the packages."""
    return frozenset(name.rsplit(".", 1)[0] for name in sources() if "." in name)


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def with_planted(module: str, source: str) -> dict[str, ast.Module]:
    """The sources with one module replaced or added."""
    return {**sources(), module: ast.parse(source)}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@cache
def nodes(tree: ast.Module) -> tuple[list[ast.Import | ast.ImportFrom], list[ast.Call]]:
    """The import statements and the calls of a module."""
    every = list(ast.walk(tree))
    statements = [node for node in every if isinstance(node, (ast.Import, ast.ImportFrom))]
    return statements, [node for node in every if isinstance(node, ast.Call)]


def imported(module: str, known: Sources) -> Iterator[str]:
    """What a module imports, by full names; `from a import b` gives a.b where that is a module, else a."""
    is_package = module in packages()
    for node in nodes(known[module])[0]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            parts = module.split(".")[: None if is_package else -1]
            base = parts[: len(parts) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{name}.{alias.name}"
                yield full if full in known else name


def tab_of(name: str) -> str | None:
    """Name of the tab that a module belongs to, or None."""
    parts = name.split(".")
    return parts[1] if parts[0] == "demos" and len(parts) > 1 and parts[1] not in SHARED_PACKAGES else None


def home_of(module: str) -> str:
    """Key of `ALLOWED` that holds for a module."""
    return max((key for key in ALLOWED if within(module, key)), key=len, default="models.training")


def import_breaches(known: Sources) -> list[str]:
    """Imports of this project's modules, of gradio and of the tests that `ALLOWED` does not allow."""
    found = []
    for module in known:
        home, tab = home_of(module), tab_of(module)
        own = f"demos.{tab}" if tab else home
        for name in imported(module, known):
            if within(name, "gradio"):
                wrong = module.split(".")[0] not in ("app", "demos")
            elif name.split(".")[0] in ("app", "demos", "models", "tests"):
                allowed = () if name in ("demos", "models") and len(module.split(".")) == 1 else ALLOWED[home]
                wrong = not any(within(name, package) for package in (own, *allowed))
                wrong = wrong and not (module == "demos.page.discovery" and name == "demos")
            else:
                continue
            if wrong:
                found.append(f"{module} imports {name}")
    return found


def layer_breaches(known: Sources) -> list[str]:
    """Imports of models.training by the rest of models, and modules that join hub, formats and cache."""
    found = []
    for module in known:
        names = list(imported(module, known))
        if within(module, "models") and not within(module, "models.training"):
            found += [f"{module} imports {name}" for name in names if within(name, "models.training")]
        joined = [
            package
            for package in ("models.hub", "models.formats", "models.model_cache")
            if any(within(name, package) and name != "models.hub.records" for name in names)
        ]
        if len(joined) == 3 and module != "models.checkpoints":
            found.append(f"{module} joins {', '.join(joined)}")
    return found


def circles(known: Sources) -> list[str]:
    """Modules that import themselves through others."""
    edges = {module: {name for name in imported(module, known) if name in known} - {module} for module in known}
    while leaves := [module for module, names in edges.items() if not names]:
        for module in leaves:
            del edges[module]
        for names in edges.values():
            names.difference_update(leaves)
    # what is left lies on a circle or imports one; drop what nothing on a circle imports
    while tops := [module for module in edges if not any(module in names for names in edges.values())]:
        for module in tops:
            del edges[module]
    return sorted(edges)


def package_of(module: str) -> str:
    return module if module in packages() else module.rsplit(".", 1)[0]


def package_circles(known: Sources) -> list[str]:
    """Packages that import each other, directly or through others."""
    graph: dict[str, set[str]] = {}
    for module in known:
        home = package_of(module)
        targets = {package_of(name) for name in imported(module, known) if name in known}
        graph.setdefault(home, set()).update(
            target for target in targets if not within(target, home) and not within(home, target)
        )
    return circles({name: ast.parse("\n".join(f"import {n}" for n in names)) for name, names in graph.items()})


def name_breaches(known: Sources) -> list[str]:
    """Files with a private name or a name that says nothing, and modules that lie beside the packages of demos."""
    found = []
    for module in known:
        parts = module.split(".")
        path = f"{'/'.join(parts)}.py"
        if parts[-1].startswith("_") and parts[-1] not in PRIVATE_FILES and path not in PRIVATE_RECIPES:
            found.append(f"{path} begins with an underscore")
        if parts[-1] in ("utils", "helpers", "misc", "common"):
            found.append(f"{path} has a name that says nothing")
        if (
            parts[0] == "demos"
            and len(parts) == 2
            and not any(within(name, module) for name in known if name != module)
        ):
            found.append(f"{path} lies beside the packages of demos")
    return found


def calls(tree: ast.Module, function: str) -> Iterator[ast.Call]:
    return (node for node in nodes(tree)[1] if ast.unparse(node.func) == function)


def print_breaches(known: Sources) -> list[str]:
    """Modules of models that print or read the command line, which only a __main__.py may."""
    found = []
    for module, tree in known.items():
        if within(module, "models") and not module.endswith("__main__"):
            found += [f"{module}:{call.lineno} prints" for call in calls(tree, "print")]
            found += [f"{module} imports argparse" for name in imported(module, known) if name == "argparse"]
    return found


def load_breaches(known: Sources) -> list[str]:
    """Calls of torch.load that may run code from the file."""
    return [
        f"{module}:{call.lineno} loads without weights_only=True"
        for module, tree in known.items()
        for call in calls(tree, "torch.load")
        if not any(
            keyword.arg == "weights_only" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
            for keyword in call.keywords
        )
    ]


RULES: list[Callable[[Sources], list[str]]] = [
    import_breaches, layer_breaches, circles, package_circles, name_breaches, print_breaches, load_breaches,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_holds(rule: Callable[[Sources], list[str]]) -> None:
    assert not rule(sources())


@pytest.mark.parametrize(
    ("rule", "module", "source", "breach"),
    [
        (import_breaches, "models.networks.vae", "import gradio as gr", "models.networks.vae imports gradio"),
        (import_breaches, "models.training.x", "import gradio.blocks", "models.training.x imports gradio.blocks"),
        (import_breaches, "demos.vae.x", "from demos.mae import masks", "demos.vae.x imports demos.mae.masks"),
        (import_breaches, "demos.vae.x", "from ..mae import masks", "demos.vae.x imports demos.mae.masks"),
        (import_breaches, "demos.vae.x", "from demos.page import page", "demos.vae.x imports demos.page.page"),
        (import_breaches, "demos.vae.x", "import app", "demos.vae.x imports app"),
        (import_breaches, "demos.page.x", "from demos.vae import tab", "demos.page.x imports demos.vae.tab"),
        (import_breaches, "demos.ui.x", "from demos.vae.tab import DEMO", "demos.ui.x imports demos.vae.tab"),
        (import_breaches, "demos.ui.x", "import demos.page.page", "demos.ui.x imports demos.page.page"),
        (import_breaches, "demos.core.x", "from demos.ui import widgets", "demos.core.x imports demos.ui.widgets"),
        (import_breaches, "app", "from demos.vae import DEMO", "app imports demos.vae"),
        (import_breaches, "app", "import tests", "app imports tests"),
        (import_breaches, "models.networks.x", "import models.hub", "models.networks.x imports models.hub"),
        (import_breaches, "models.formats.x", "import models.hub.client", "models.formats.x imports models.hub.client"),
        (import_breaches, "models.hub.x", "import models.networks.vae", "models.hub.x imports models.networks.vae"),
        (import_breaches, "models.data.x", "import models.networks.vae", "models.data.x imports models.networks.vae"),
        (
            import_breaches, "models.training.recipes.x", "from models.training.loop import trainer",
            "models.training.recipes.x imports models.training.loop.trainer",
        ),
        (
            import_breaches, "models.training.recipes.x", "import models.training.jobs",
            "models.training.recipes.x imports models.training.jobs",
        ),
        (
            import_breaches, "models.training.recipes.x", "import models.training.evaluation.export",
            "models.training.recipes.x imports models.training.evaluation.export",
        ),
        (
            import_breaches, "models.training.data.x", "import models.training.recipes",
            "models.training.data.x imports models.training.recipes",
        ),
        (
            import_breaches, "models.training.execution.x", "import models.training.jobs.manager",
            "models.training.execution.x imports models.training.jobs.manager",
        ),
        (layer_breaches, "models.analysis.x", "import models.training", "models.analysis.x imports models.training"),
        (
            layer_breaches, "models.x", "import models.hub.client, models.formats.vit, models.model_cache",
            "models.x joins models.hub, models.formats, models.model_cache",
        ),
        (circles, "models.networks.layers", "from models.networks import vit", "models.networks.layers"),
        (package_circles, "models.hub.records", "import models.formats.registry", "models.hub"),
        (name_breaches, "demos.vae._x", "", "demos/vae/_x.py begins with an underscore"),
        (name_breaches, "models.training.recipes._x", "", "models/training/recipes/_x.py begins with an underscore"),
        (name_breaches, "demos.x", "", "demos/x.py lies beside the packages of demos"),
        (name_breaches, "models.utils", "", "models/utils.py has a name that says nothing"),
        (print_breaches, "models.hub.x", "print(1)", "models.hub.x:1 prints"),
        (print_breaches, "models.hub.x", "import argparse", "models.hub.x imports argparse"),
        (load_breaches, "demos.vae.x", "torch.load('a')", "demos.vae.x:1 loads without weights_only=True"),
        (
            load_breaches, "demos.vae.x", "torch.load('a', weights_only=False)",
            "demos.vae.x:1 loads without weights_only=True",
        ),
    ],
)  # fmt: skip
def test_planted_breach_is_found(rule: Callable[[Sources], list[str]], module: str, source: str, breach: str) -> None:
    assert breach in rule(with_planted(module, source))


def long_files(lengths: Mapping[str, int]) -> list[str]:
    return [f"{path} has {lines} lines" for path, lines in lengths.items() if lines > MAX_LINES]


def test_files_are_short() -> None:
    paths = [ROOT / "app.py", *(path for top in ("demos", "models") for path in (ROOT / top).rglob("*"))]
    text = [path for path in paths if path.suffix in (".py", ".js", ".css", ".html")]
    assert not long_files({str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in text})
    assert long_files({"demos/vae/tab.py": MAX_LINES + 1, "demos/vae/x.py": MAX_LINES}) == [
        "demos/vae/tab.py has 301 lines"
    ]


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in files if path.exists()]


def test_top_level_is_fixed() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked_files()} <= TOP


def test_no_big_file_is_tracked() -> None:
    big = [str(path.relative_to(ROOT)) for path in tracked_files() if path.stat().st_size > MAX_BYTES]
    assert not big, f"over {MAX_BYTES / 1e6:.0f} MB, too big for a plain push to a Space: {big}"


def test_tests_mirror_the_sources() -> None:
    packages = {
        str(path.parent.relative_to(ROOT)) for top in ("demos", "models") for path in (ROOT / top).rglob("*.py")
    }
    tests = [path for top in ("demos", "models") for path in (ROOT / "tests" / top).rglob("test_*.py")]
    assert not {str(path.parent.relative_to(ROOT / "tests")) for path in tests} - packages
