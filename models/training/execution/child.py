"""Run a module as a child process of low priority that ends with its parent.

python -m models.training.execution.child PARENT_PID MODULE ARGUMENTS...

It imports only the standard library, so that the priority is low before torch is loaded.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

NICENESS = 10  # at the same priority training slows the visitors' events several times over
PR_SET_PDEATHSIG = 1  # linux/prctl.h
PARENT_POLL_SECONDS = 1.0


def lower_priority() -> None:
    """Raise the niceness of this process and its children to `NICENESS`."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def end_with(parent: int) -> None:
    """Receive SIGTERM, which saves a checkpoint, when the thread that started this process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            sys.exit(1)
    elif os.name == "posix":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run a module as `python -m` would, with low priority."""
    parent, module, *arguments = sys.argv[1:]
    lower_priority()
    end_with(int(parent))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
