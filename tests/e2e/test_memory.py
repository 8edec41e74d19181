"""The memory of the app does not grow with the number of its visitors."""

from pathlib import Path

import pytest
from running_app import running_app
from visitors import memory_after

FIRST, LATER = 25, 20  # visitors; the first fill the caches and load the models
AT_MOST = 40  # MiB; with a cache for each function and what the allocator keeps it was 75


@pytest.mark.slow
def test_later_visitors_leave_nothing(tmp_path: Path) -> None:
    with running_app(tmp_path) as app:
        before, after = memory_after(app, [FIRST, LATER])
    assert after - before < AT_MOST, f"{before:.0f} MiB after {FIRST} visitors, {after:.0f} after {LATER} more"
