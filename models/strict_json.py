"""JSON that every reader accepts: numbers that are none (NaN, infinity) become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def finite(value: Any) -> Any:
    """Return a value with None for every number in it that is not finite; tuples become lists."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def json_text(value: Any) -> str:
    """Return a value as readable JSON."""
    return json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
