"""A mend of the page's own script: a call that waits for another one is made even if that one fails.

With trigger mode ``always_last`` Gradio notes an event that comes while its listener is busy, and calls the listener
once more at the end, except at the end of a run that failed. There it forgets to look, until the next run succeeds.
"""

from __future__ import annotations

from pathlib import Path

import gradio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SCRIPTS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
FAILED = "c&&this.clear_submission(r.id,c),"  # in `DependencyManager.dispatch`, of Gradio 6.31
MENDED = f"{FAILED}this.queue.delete(r.id)&&this.dispatch(e),"  # as at the end of a run that succeeded
DAY = {"Cache-Control": "max-age=86400"}


def mended_scripts() -> list[Route]:
    """Return routes that serve Gradio's script mended; none for a Gradio in which the place is not found."""
    return [
        _route(path.name, script.replace(FAILED, MENDED))
        for path in SCRIPTS.glob("Blocks-*.js")
        if (script := path.read_text(encoding="utf-8")).count(FAILED) == 1
    ]


def _route(name: str, script: str) -> Route:
    async def serve(request: Request) -> Response:
        return Response(script, media_type="text/javascript", headers=DAY)

    return Route(f"/assets/{name}", serve, methods=["GET"])
