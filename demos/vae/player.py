"""The HTML panels of an interpolation: a player of line and cross-fade, the filmstrip, the reconstructions.

The player's images come in one sheet (row: method, column: moment) and are drawn on one canvas a row, so that both
always show the same moment, however slowly they arrive.
"""

from __future__ import annotations

from demos.core.context import Context
from demos.core.files import file_url
from demos.ui.animation import FRAME_MS, HOLD_MS, STRIP_GAP
from demos.vae.interpolation import SMALL_SIDE
from demos.vae.results import Shown

FOLDED = "slerp"  # method that looks much like the straight line
STYLE = """
.stages { display: grid; grid-template-columns: repeat(2, minmax(0, min(100%, 52vh))); gap: 10px;
  justify-content: center; }
canvas { display: block; width: 100%; aspect-ratio: 1; border-radius: 8px; background: var(--line);
  cursor: pointer; }
figcaption { margin-top: 6px; text-align: center; }
.learned { color: var(--accent); font-weight: 600; }
canvas, .film img, .ends img { box-sizing: border-box; border: 1px solid var(--line); }
.bar { display: flex; align-items: center; gap: 10px; max-width: calc(104vh + 10px);
  margin: 8px auto 0; }
.bar button { flex: none; width: 36px; height: 36px; padding: 0; border: 0; border-radius: 50%;
  cursor: pointer; background: var(--accent-soft); }
.bar button::before { content: ""; display: block; width: 12px; height: 14px; margin: auto;
  background: var(--accent);  clip-path: polygon(10% 0, 100% 50%, 10% 100%); }
.bar button[aria-pressed="true"]::before {
  clip-path: polygon(0 0, 35% 0, 35% 100%, 65% 100%, 65% 0, 100% 0, 100% 100%, 65% 100%, 35% 100%, 0 100%); }
.bar input { flex: 1; min-width: 0; height: 36px; margin: 0; accent-color: var(--accent); cursor: ew-resize; }
.film { overflow-x: auto; margin: 10px 0 0; }
.film figure { display: grid; grid-template-columns: 130px minmax(0, 1fr); gap: 14px; align-items: center;
  margin-top: 6px; }
.film summary { font-size: 14px; color: var(--ink-soft); cursor: pointer; }
.film figcaption { margin: 0; text-align: left; }
.film img { height: auto; object-fit: cover; }
@media (max-width: 760px) { .film figure { grid-template-columns: minmax(0, 1fr); gap: 2px; } }
.ends { display: grid; grid-template-columns: 1fr 1fr 4px 1fr 1fr; gap: 8px; }
.ends figure:nth-child(3) { grid-column: 4; }
.ends img { aspect-ratio: 1; }
.how { margin: 8px 0 0; font-size: 13px; }
.empty { min-height: 260px; padding: 24px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
"""

SCRIPT = """
let playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
let began = performance.now(), sheet = null, source = "", drawn = -1;
const find = (what) => element.querySelector(what);

function draw(index, columns) {
  const width = sheet.naturalWidth / columns, canvases = element.querySelectorAll("canvas");
  const height = sheet.naturalHeight / find(".morph").dataset.rows;
  canvases.forEach((canvas) => {
    const paper = canvas.getContext("2d"), row = Number(canvas.dataset.row);
    paper.imageSmoothingQuality = "high";
    paper.drawImage(sheet, index * width, row * height, width, height, 0, 0, canvas.width, canvas.height);
  });
  find("input").value = drawn = index;
}

function moment(elapsed, columns, step, hold) {
  const half = hold + (columns - 2) * step, passed = elapsed % (2 * half), back = passed >= half;
  const rest = passed - (back ? half : 0);
  const forth = rest < hold ? 0 : Math.min(1 + Math.floor((rest - hold) / step), columns - 2);
  return back ? columns - 1 - forth : forth;
}

function setPlaying(value) {
  playing = value;
  const box = find(".morph"), columns = Number(box.dataset.columns), step = Number(box.dataset.step);
  const index = Number(find("input").value);
  const skipped = index ? Number(box.dataset.hold) + (index - 1) * step : 0;
  began = performance.now() - skipped;
}

function tick(now) {
  if (!element.isConnected) return;
  requestAnimationFrame(tick);
  const box = find(".morph");
  if (!box || !element.offsetParent) return;
  find("button").setAttribute("aria-pressed", String(playing));
  if (box.dataset.sheet !== source) {
    source = box.dataset.sheet;
    drawn = -1;
    sheet = new Image();
    sheet.src = source;
  }
  if (!sheet.complete || !sheet.naturalWidth) return;
  const columns = Number(box.dataset.columns);
  const index = playing ? moment(now - began, columns, Number(box.dataset.step), Number(box.dataset.hold))
                        : Number(find("input").value);
  if (index !== drawn || find("canvas").dataset.sheet !== source) {
    draw(index, columns);
    find("canvas").dataset.sheet = source;  // a new result brings new, empty canvases
  }
}

element.addEventListener("click", (event) => {
  if (event.target.closest("button, canvas")) setPlaying(!playing);
});
element.addEventListener("input", () => { playing = false; });
requestAnimationFrame(tick);
"""


def player(ctx: Context, shown: Shown) -> str:
    """Write the player of the straight line and the cross-fade, side by side."""
    rows = _rows(ctx, shown)
    stages = "".join(
        f'<figure><canvas width="384" height="384" role="img" data-row="{place}" '
        f'aria-labelledby="play-{name}"></canvas>'
        f'<figcaption id="play-{name}" class="{kind}">{text}</figcaption></figure>'
        for place, (name, kind, text) in enumerate(rows)
        if name != FOLDED
    )
    return (
        f'<div class="morph" data-sheet="{file_url(shown.sheet)}" data-columns="{shown.moments}" '
        f'data-rows="{len(rows)}" data-step="{FRAME_MS}" data-hold="{HOLD_MS}"><div class="stages">{stages}</div>'
        f'<div class="bar"><button type="button" class="key-again" aria-labelledby="play-name"></button>'
        f'<input type="range" min="0" max="{shown.moments - 1}" value="0" aria-labelledby="play-moment">'
        f'<span class="unseen" id="play-name">{ctx.localize_html("vae.play")}</span>'
        f'<span class="unseen" id="play-moment">{ctx.localize_html("vae.moment")}</span></div></div>'
    )


def filmstrip(ctx: Context, shown: Shown) -> str:
    """Write the strip row by row, each beside its name; what is folded comes last."""
    rows = _rows(ctx, shown)
    shape = f"{shown.steps * (SMALL_SIDE + STRIP_GAP) - STRIP_GAP} / {SMALL_SIDE}"
    seen, folded = "", ""
    for place, (name, kind, text) in enumerate(rows):
        cut = f"aspect-ratio: {shape}; object-position: 0 {100 * place / max(1, len(rows) - 1)}%"
        row = (
            f'<figure><figcaption id="film-{name}" class="{kind}">{text}</figcaption><img class="film-{name}" '
            f'src="{file_url(shown.strip)}" style="{cut}; min-width: {shown.steps * 36}px" '
            f'aria-labelledby="film-{name}" alt=""></figure>'
        )
        if name == FOLDED:
            folded = f"<details><summary>{ctx.localize_html('vae.another_way')}</summary>{row}</details>"
        else:
            seen += row
    return f'<div class="film" tabindex="0">{seen}{folded}</div>'


def _rows(ctx: Context, shown: Shown) -> list[tuple[str, str, str]]:
    """Return name, class and caption of every row of strip and sheet."""
    size = f"{shown.latent_dim:,}"
    learned = [(name, "learned", ctx.localize_html(f"vae.stage_{name}", latent_dim=size)) for name in shown.ways]
    return [*learned, ("fade", "", ctx.localize_html("vae.fade"))]


def ends(ctx: Context, shown: Shown) -> str:
    """Write both ends as the network got them, each beside its reconstruction and the PSNR."""
    photo = ctx.localize_html("vae.end_photo", size=shown.img_size)
    made = [ctx.localize_html("vae.end_rebuilt", score=f"{score:.1f}") for score in shown.scores]
    photos = [(path, "", photo) for path in shown.images]
    rebuilt = [(path, "learned", text) for path, text in zip(shown.rebuilt, made, strict=True)]
    row = [photos[0], *rebuilt, photos[1]]
    figures = (
        f'<figure><img src="{file_url(path)}" aria-labelledby="end-{place}">'
        f'<figcaption id="end-{place}" class="{kind}">{text}</figcaption></figure>'
        for place, (path, kind, text) in enumerate(row)
    )
    return f'<div class="ends">{"".join(figures)}</div><p class="how">{ctx.localize_html("vae.ends_note")}</p>'
