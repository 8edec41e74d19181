"""`python -m models` prints the table of weights; `--local FILE` recognises a file of weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.checkpoints import Library, library, load_local
from models.formats.tensors import WeightsError
from models.hub.catalogue import CHECKPOINTS
from models.hub.records import Checkpoint, size_text

KINDS = {
    "cyclegan": "translation",
    "mae": "masked autoencoder",
    "vae": "autoencoder",
    "contrastive": "encoder",
    "supervised": "encoder, labels",
}


def state_of(known: Library, record: Checkpoint) -> str:
    """Return the state of a record for the table."""
    if record.is_own:
        return "ours" if known.is_on_disk(record) else "not on disk"
    return "on disk" if known.is_on_disk(record) else "to download"


def line_of(known: Library, record: Checkpoint) -> str:
    """Return one line of the table for a terminal."""
    size, licence = size_text(known.size(record)), licence_of(record)
    return f"{record.name:22} {record.family:12} {size:>9}  {state_of(known, record):12} {licence:32} {record.summary}"


def licence_of(record: Checkpoint) -> str:
    """Return a licence, marked where it is non-commercial."""
    return f"{record.license} (non-commercial)" if record.non_commercial else record.license


def markdown() -> str:
    """Return the table of published weights for the README."""
    lines = ["| name | what it is | kind | size | licence | from |", "| --- | --- | --- | --- | --- | --- |"]
    for record in CHECKPOINTS.values():
        if record.is_own:
            continue
        kind = f"{record.latent} latent" if record.latent else KINDS[record.family]
        source = f"[{record.repo_id}]({record.page})" if record.repo_id else f"[{record.filename}]({record.url})"
        version = f"`{record.revision[:7]}`" if record.revision else "" if record.is_verified else "no exact version"
        lines.append(
            f"| `{record.name}` | {record.summary} | {kind} | {size_text(record.size)} | {licence_of(record)} "
            f"| {source} {version} |".replace("  |", " |")
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Print the requested table or description; bad input ends with one sentence and status 2."""
    parser = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    local_help = "tell what a file of weights is (two files for the halves of an autoencoder)"
    parser.add_argument("--local", nargs="+", type=Path, metavar="FILE", help=local_help)
    parser.add_argument("--markdown", action="store_true", help="print the table of published weights for the README")
    arguments = parser.parse_args(argv)
    if arguments.markdown:
        print(markdown())
    elif arguments.local:
        try:
            record, model = load_local(*arguments.local)
        except WeightsError as error:
            print(error, file=sys.stderr)
            return 2
        count = sum(parameter.numel() for parameter in model.parameters())
        print(f"{record.summary}: {record.layout} ({record.family}), {count / 1e6:.2f} M parameters")
        if record.assumed:
            print(f"No file beside it says these, so they are assumed: {record.assumed}")
    else:
        for record in CHECKPOINTS.values():
            print(line_of(library(), record))
    return 0


if __name__ == "__main__":
    sys.exit(main())
