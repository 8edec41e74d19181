"""Arguments of Gradio events: which queue and concurrency group they use."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

# Every event that runs a network shares one slot: two at a time would only slow each other down.
MODEL_EVENT: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
PRIVATE_MODEL_EVENT: dict[str, Any] = {**MODEL_EVENT, "api_visibility": "private"}

# What reads, fetches or waits for one visitor does so beside what it does for others, without a mark on the page.
PROMPT_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": 8}

# What only looks something up or moves a value need not wait for a turn.
QUICK_EVENT: dict[str, Any] = {"queue": False, "api_visibility": "private"}


# The same for inputs that may change while they are answered: by itself Gradio would drop that change.
LATEST_MODEL_EVENT: dict[str, Any] = {"trigger_mode": "always_last", **PRIVATE_MODEL_EVENT}
LATEST_PROMPT_EVENT: dict[str, Any] = {"trigger_mode": "always_last", **PROMPT_EVENT}
LATEST_QUICK_EVENT: dict[str, Any] = {"trigger_mode": "always_last", **QUICK_EVENT}


def bind(handler: Callable[..., Any], first: object) -> Callable[..., Any]:
    """Return a handler with its first argument given.

    Gradio fills in `gr.Request` and `gr.Progress` by the annotations of functions and methods, but not of
    `functools.partial`.
    """
    return MethodType(handler, first)
