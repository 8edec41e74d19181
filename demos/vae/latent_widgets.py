"""The components that move in a slice of the latent space: a map to drag on, and sliders under strips of images.

Both show the image at the chosen point and where that point lies among the measured images. Their values are JSON;
their event ``stale`` says that the server has forgotten the slice and should be asked for the value again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from demos.core.context import Context
from demos.core.i18n import InputError
from demos.vae.latent_slice import LatentSlices

CLIENT = "latent_widgets.js"  # what both scripts share
PLACES = ("usual", "near", "far")  # of a point among the measured images
TOOLS = {"reset": 'class="key-reset"', "picture": 'data-save="picture"', "numbers": 'data-save="numbers"'}
STYLE = """
.flat { --veil: 251,250,248; display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 300px); gap: 12px 24px;
  max-width: 960px; align-items: start; }
.flat:is(.dark *) { --veil: 22,21,20; }
.flat[data-state="empty"], .flat[data-state="sorry"] { display: block; }
.flat:not([data-state="drawn"]) > :not(.flat-sorry) { display: none; }
.flat[data-state="empty"] .flat-sorry, .flat[data-state="drawn"] .flat-sorry { display: none; }
.flat-sorry { display: grid; place-items: center; min-height: 120px; padding: 20px; text-align: center;
  border: 1px dashed var(--line); border-radius: 8px; color: var(--ink-soft); }
.plane-map { display: block; width: 100%; max-width: 560px; aspect-ratio: 1; border-radius: 10px; cursor: crosshair;
  border: 1px solid var(--line); box-sizing: border-box; touch-action: none; }
.flat-seen { margin: 0; position: sticky; top: 12px; }
.flat-seen canvas { display: block; width: 100%; aspect-ratio: 1; border-radius: 10px; background: var(--mat); }
.flat-says { margin: 8px 0 0; font-size: 14px; line-height: 1.45; color: var(--ink-soft); min-height: 4.4em; }
.flat-says > span { display: none; }
.flat-says b { color: var(--ink); font-variant-numeric: tabular-nums; }
[data-place="usual"] .says-usual, [data-place="near"] .says-near, [data-place="far"] .says-far { display: inline; }
.says-far > span { color: #b45309; }
.dark .says-far > span { color: #f0b26b; }
.flat-tools { display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: 4px; }
.flat-tools button { padding: 4px 0; border: 0; background: none; cursor: pointer; font: inherit; font-size: 14px;
  font-weight: 500; color: var(--accent); }
.knobs { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 14px 20px; }
.knobs:has(> .knob:only-child) { grid-template-columns: minmax(0, 640px); }
.knob { display: block; min-width: 0; }
.knob-head { display: flex; justify-content: space-between; align-items: baseline; gap: 12px; margin-bottom: 4px;
  font-size: 13px; line-height: 1.35; color: var(--ink-soft); font-variant-numeric: tabular-nums; }
.knob-head button { flex: none; padding: 2px 0; border: 0; background: none; cursor: pointer; font: inherit;
  color: var(--accent); }
.knob img { display: block; width: 100%; border-radius: 5px; cursor: pointer; }
.knob input { display: block; width: 100%; margin: 4px 0 0; height: 22px; accent-color: var(--accent);
  cursor: ew-resize; }
.knobs-bars { grid-column: 1 / -1; }
@media (max-width: 620px) {
  .flat { grid-template-columns: 1fr; }
  .flat-seen { position: static; max-width: 260px; order: -1; }
}
"""


def plane_map(ctx: Context, slices: LatentSlices, elem_id: str) -> gr.HTML:
    """Place the map of a plane, empty; drag, touch or arrow keys move on it."""
    canvas = (
        '<div><canvas class="plane-map" tabindex="0" role="application" aria-labelledby="plane-name"></canvas>'
        f'<p class="flat-says" id="plane-name" style="min-height: 0">{ctx.localize_html("vae.plane_how")}</p></div>'
    )
    return _slice_view(ctx, canvas, "latent_plane.js", slices, elem_id)


def sliders(ctx: Context, slices: LatentSlices, elem_id: str) -> gr.HTML:
    """Place sliders, none yet: a range under a strip of images for each."""
    rows = f'<div class="knobs"></div><template class="knob-save">{ctx.localize_html("vae.save_strip")}</template>'
    return _slice_view(ctx, rows, "latent_sliders.js", slices, elem_id, '<div class="knobs-bars"></div>')


def value_or_message(value: Callable[..., str], ctx: Context, *inputs: Any) -> str:
    """Return the value of a component for some inputs, or one that shows in its place why there is no result."""
    try:
        return value(ctx, *inputs)
    except InputError as error:
        return json.dumps({"sorry": f"<p>{ctx.localize_html(error.key, **error.values)}</p>"})


def _slice_view(ctx: Context, main: str, script: str, slices: LatentSlices, elem_id: str, after: str = "") -> gr.HTML:
    def decode(query: Any) -> dict[str, Any]:
        return slices.decode(query)  # Gradio marks the function that scripts may call, and cannot mark a method

    places = "".join(f'<span class="says-{name}">{ctx.localize_html(f"vae.place_{name}")}</span>' for name in PLACES)
    tools = "".join(
        f'<button type="button" {attribute}>{ctx.localize_html(f"vae.flat_{name}")}</button>'
        for name, attribute in TOOLS.items()
    )
    return gr.HTML(
        html_template=f"""<div class="flat" data-state="empty">{main}
<figure class="flat-seen"><canvas width="384" height="384" role="img"></canvas>
<p class="flat-says" role="status">{places}</p><div class="flat-tools">{tools}</div></figure>
{after}<div class="flat-sorry"></div></div>""",
        css_template=STYLE,
        js_on_load="\n".join(Path(__file__).with_name(name).read_text("utf-8") for name in (CLIENT, script)),
        apply_default_css=False,
        elem_id=elem_id,
        server_functions=[decode],
    )
