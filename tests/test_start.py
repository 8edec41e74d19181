"""What a start does not wait for: packages that the page shows without, and anything heavy before the command line."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Each takes from a tenth of a second to several to import, and is used by some events only.
LATER = {"av", "matplotlib", "numba", "plotly", "pynndescent", "scipy", "sklearn", "sympy", "torchvision", "umap"}
PAGE = """
import sys, app
app.build_app(app.real_context())
print(*{name.split(".")[0] for name in sys.modules}, "torch._dynamo" in sys.modules)
"""


def test_the_page_is_built_without_what_only_some_events_use(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PAGE],
        cwd=ROOT,
        env={**os.environ, "GRADIO_TEMP_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *imported, compiler = done.stdout.split()
    assert {"gradio", "torch"} <= set(imported)
    assert not LATER & set(imported), "import it in the function that uses it"
    assert compiler == "False", "torch._dynamo takes a second, and nothing is compiled here"


def test_help_and_mistakes_are_answered_at_once() -> None:
    for arguments, status in ((["--help"], 0), (["--no-such-option"], 2)):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "app.py", *arguments], cwd=ROOT, capture_output=True, text=True
        )
        imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
        assert done.returncode == status
        assert "argparse" in imported and not {"gradio", "torch", "numpy"} & imported
