"""The command line of the app, which is read before anything heavy is imported."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from models.hub.records import DIRECTIONS

ABOUT = """Unlabeled: see what neural networks learn from images without labels.

Run `python app.py` and open the printed address. Before a talk, `python app.py --prefetch` fetches published models,
and `python app.py --check` tries every tab; after our own weights changed, run `python app.py --precompute`.
"""


def local_data_folder() -> Path:
    """Return the folder for trainings of whoever runs the app."""
    return Path.home() / ".local" / "share" / "unlabeled"


def default_data_folder() -> Path:
    """Return where trainings are kept unless ``--data-dir`` says otherwise."""
    return Path(os.environ.get("UNLABELED_DATA") or local_data_folder())


def command_line() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser(description=ABOUT)
    everywhere_or_here = "0.0.0.0" if os.environ.get("SYSTEM") == "spaces" else "127.0.0.1"
    parser.add_argument("--host", default=everywhere_or_here, help="address to listen on")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on")
    parser.add_argument("--offline", action="store_true", help="never ask the network; offer only what is on disk")
    parser.add_argument(
        "--prefetch",
        nargs="*",
        metavar="WHAT",
        help="fetch models, then exit: all (default), names of tabs, or ids of repositories on the Hub",
    )
    parser.add_argument(
        "--local",
        nargs="+",
        action="append",
        default=[],
        metavar="FILE",
        help="offer weights in a file of your own (two files for the halves of an autoencoder); after a CycleGAN "
        f"generator, {' or '.join(DIRECTIONS)} says its direction",
    )
    parser.add_argument("--check", action="store_true", help="try one event of each tab, then exit: 1 if one failed")
    parser.add_argument("--precompute", action="store_true", help="renew the first results, then exit")
    parser.add_argument("--data-dir", type=Path, default=default_data_folder(), help="where trainings are kept")
    parser.add_argument("--classroom", action="store_true", help="let everybody look at everybody's trainings")
    parser.add_argument("--no-training", action="store_true", help="switch the trainer off")
    return parser
