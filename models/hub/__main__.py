"""Publish this app as a Space: `python -m models.hub user/name`, or `make space SPACE=user/name`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from huggingface_hub import SpaceHardware

from models.hub.client import HubError
from models.hub.records import size_text
from models.hub.space import check_head, needed_files, publish_space

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Publish the app in `root`, or list what would be uploaded; what cannot be done ends with a sentence, status 2."""
    parser = argparse.ArgumentParser(prog="python -m models.hub", description=__doc__)
    parser.add_argument("space", metavar="USER/NAME", help="the Space")
    parser.add_argument("--create", action="store_true", help="make the Space if there is none")
    hardware_help = "of a Space that is made, such as cpu-basic or zero-a10g (ZeroGPU)"
    parser.add_argument("--hardware", type=SpaceHardware, help=hardware_help)
    parser.add_argument("--dry-run", action="store_true", help="check, and list files and their bytes; upload nothing")
    arguments = parser.parse_args(argv)
    try:
        check_head(root)
        files = needed_files(root)
        if arguments.dry_run:
            print("".join(f"{size:>12,}  {path}\n" for path, size in files.items()), end="")
        print(f"{len(files)} files, {size_text(sum(files.values()))}", flush=True)
        if not arguments.dry_run:
            print(publish_space(root, files, arguments.space, create=arguments.create, hardware=arguments.hardware))
    except (ValueError, HubError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
