"""The app with room for few sessions beside those of open pages; its arguments are those of ``app.py``."""

from typing import Any

import app

CAPACITY = 20
launch_options = app.launch_options


def with_little_room(*args: Any) -> dict[str, Any]:
    """Return the arguments of `launch` with a small capacity."""
    return {**launch_options(*args), "state_session_capacity": CAPACITY}


if __name__ == "__main__":
    app.launch_options = with_little_room
    app.main()
