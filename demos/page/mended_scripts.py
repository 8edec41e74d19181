"""Mends of the page's own scripts, of Gradio 6.31: no call that a visitor makes may be lost, and no listener.

- With trigger mode ``always_last`` Gradio notes an event that comes while its listener is busy, and calls the listener
  once more at the end, except at the end of a run that failed. There it forgets to look, until the next run succeeds.
- All answers of a page come through one stream, which the server closes once nothing is left to answer. A call that
  is accepted between that moment and the arrival of the message in the page takes the stream for open: its answer is
  not read before another call opens the next stream. So the page opens one at once where a call is still unanswered.
- For that, a call whose answer came before its id did must not count as unanswered.
- What a part of the page (`deferred_parts`) listens to is added to what was listened to before; Gradio would put it in
  its place. In a part, too, what lies in a closed fold is not drawn before that is opened. And a part that arrives for
  the first time is drawn once, and keeps what was meant for it before.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import gradio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SCRIPTS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
DAY = {"Cache-Control": "max-age=86400"}


class Mend(NamedTuple):
    """A place in one of Gradio's scripts, and what it becomes."""

    script: str  # pattern of the file's name
    found: str
    mended: str


MENDS = (
    Mend(  # in `DependencyManager.dispatch`: as at the end of a run that succeeded
        "Blocks-*.js",
        "c&&this.clear_submission(r.id,c),",
        "c&&this.clear_submission(r.id,c),this.queue.delete(r.id)&&this.dispatch(e),",
    ),
    Mend(  # in `open_stream` of the client; `t` is the set of unanswered calls
        "index-*.js",
        "if(s.msg===`close_stream`){wt(r,o.abort_controller);return}",
        "if(s.msg===`close_stream`){wt(r,o.abort_controller);t.size&&o.open_stream();return}",
    ),
    Mend(  # in `submit` of the client, where the id `E` of a call arrives; `g` has the messages that came before it
        "index-*.js",
        "E in g&&(g[E].forEach(e=>t(e)),delete g[E]),v[E]=t,y.add(E),h.open||await this.open_stream()",
        "v[E]=t,y.add(E),E in g&&(g[E].forEach(e=>{e.msg===`process_completed`&&y.delete(E),t(e)}),delete g[E]),"
        "h.open||!y.has(E)||await this.open_stream()",
    ),
    Mend(  # in `DependencyManager.dispatch`, where a part of the page arrives, whose listeners are `o` by their events
        "Blocks-*.js",
        "o.forEach((e,t)=>this.dependencies_by_event.set(t,e))",
        "o.forEach((e,t)=>this.dependencies_by_event.set(t,"
        "[...(this.dependencies_by_event.get(t)??[]).filter(e=>!a.has(e.id)),...e]))",
    ),
    Mend(  # in `AppTree.rerender`, as at the start of the page
        "core-*.js",
        "let i=this.traverse(r,e=>Pe(e,this.initial_tabs)),a=Z(",
        "let i=this.traverse(r,[e=>Pe(e,this.initial_tabs),e=>Ne(e,this.components_to_register,this.#d)]),a=Z(",
    ),
    Mend(
        "core-*.js",
        "a.children=i.children,this.#f(i)}",
        "let first=!a.children.length;a.children=i.children,first||this.#f(i)}",
    ),
)


def mended_scripts() -> list[Route]:
    """Return routes that serve Gradio's scripts mended; a mend whose place is not found exactly once is left out."""
    routes = []
    for pattern in dict.fromkeys(mend.script for mend in MENDS):
        mends = [mend for mend in MENDS if mend.script == pattern]
        for path in SCRIPTS.glob(pattern):
            script = path.read_text(encoding="utf-8")
            fitting = [mend for mend in mends if script.count(mend.found) == 1]
            for mend in fitting:
                script = script.replace(mend.found, mend.mended)
            if fitting:
                routes.append(_route(path.name, script))
    return routes


def _route(name: str, script: str) -> Route:
    async def serve(request: Request) -> Response:
        return Response(script, media_type="text/javascript", headers=DAY)

    return Route(f"/assets/{name}", serve, methods=["GET"])
