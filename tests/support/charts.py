"""What the charts in HTML show."""

import html
import json
import re
from typing import Any


def charts_in(text: str) -> list[dict[str, Any]]:
    """Return the specs of the elements ``<data-chart>`` in some HTML."""
    return [json.loads(html.unescape(spec)) for spec in re.findall(r'<data-chart spec="([^"]*)"></data-chart>', text)]
