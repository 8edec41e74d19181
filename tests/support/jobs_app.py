"""An app reduced to its trainer, to be killed: `python jobs_app.py DATA_DIR [VOLUME]`. It runs until it is ended."""

import logging
import sys
import threading
from pathlib import Path

from models.training.jobs import JobManager


def main() -> None:
    """Supervise the jobs of a data folder, and go on with interrupted ones."""
    logging.basicConfig(level=logging.INFO)
    data, volume = [*map(Path, sys.argv[1:]), None][:2]
    manager = JobManager(data, resume_interrupted=True, save_seconds=0.2, volume=volume)  # type: ignore[arg-type]
    manager.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
