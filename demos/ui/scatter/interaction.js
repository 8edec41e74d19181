// Answers the pointer and the keyboard, and starts the plot.

// The point under the pointer (CSS pixels of the canvas), or -1.
function pointAt(x, y) {
  const scale = ratio();
  x *= scale; y *= scale;
  const on = tiles.find((id) => Math.abs(screen.sx[id] - x) <= side / 2 && Math.abs(screen.sy[id] - y) <= side / 2);
  if (on !== undefined) return on;
  const faded = fadedPoints();
  let best = -1, least = (10 * scale) ** 2;
  for (let id = 0; id < scene.count; id++) {
    const distance = (screen.sx[id] - x) ** 2 + (screen.sy[id] - y) ** 2;
    if (distance < least && !faded?.[id]) { least = distance; best = id; }
  }
  return best;
}

function lassoed(polygon) {
  const scale = ratio(), faded = isolated !== null || found ? fadedPoints() : null, ids = [];
  for (let id = 0; id < scene.count; id++) {
    if (!faded?.[id] && within(polygon, screen.sx[id] / scale, screen.sy[id] / scale)) ids.push(id);
  }
  return ids;
}

// Zooms by `factor` so that what is at x, y (CSS pixels) stays there.
function zoom(factor, x = canvas.clientWidth / 2, y = (canvas.clientHeight + TOP) / 2) {
  const next = Math.min(400, Math.max(0.4, view.zoom * factor)), scale = screen.scale / ratio();
  const change = (1 - view.zoom / next) / scale;
  view.x += (x - canvas.clientWidth / 2) * change;
  view.y -= (y - (canvas.clientHeight + TOP) / 2) * change;
  view.zoom = next;
  hideCard();
  paintSoon();
}

function drag(dx, dy) {
  if (scene.dims === 3) {
    view.yaw -= dx / 160;
    view.pitch = Math.max(-1.5, Math.min(1.5, view.pitch + dy / 160));
  } else {
    view.x -= (dx * ratio()) / screen.scale;
    view.y += (dy * ratio()) / screen.scale;
  }
  paintSoon();
}

const actions = {
  pictures: (button) => {
    withThumbnails = !withThumbnails;
    button.setAttribute("aria-pressed", String(withThumbnails));
    paintSoon();
  },
  lasso: (button) => {
    lassoing = !lassoing;
    button.setAttribute("aria-pressed", String(lassoing));
    root.dataset.lassoing = String(lassoing);
  },
  clear: () => select([]),
  in: () => zoom(1.5),
  out: () => zoom(1 / 1.5),
  reset: () => { view = { ...HOME }; paintSoon(); },
  save: () => {
    const page = document.createElement("canvas");
    page.width = canvas.width;
    page.height = canvas.height;
    const pen = page.getContext("2d");
    pen.fillStyle = theme.paper;
    pen.fillRect(0, 0, page.width, page.height);
    pen.drawImage(canvas, 0, 0);
    pen.drawImage(overlay, 0, 0);
    const link = document.createElement("a");
    link.download = "map.png";
    link.href = page.toDataURL("image/png");
    link.click();
  },
};
find(".scatter-tools").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && scene) actions[button.dataset.action](button);
});
search.addEventListener("input", () => scene && runSearch());
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && found) select([...found.keys()].filter((id) => found[id]));
});

const pointers = new Map();
let moved = 0;
const pointerPosition = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
canvas.addEventListener("pointerdown", (event) => {
  if (!scene || event.button) return;
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, pointerPosition(event));
  moved = 0;
  lasso = (lassoing || event.shiftKey) && pointers.size === 1 ? [pointerPosition(event)] : null;
});
canvas.addEventListener("pointermove", (event) => {
  if (!scene) return;
  const [x, y] = pointerPosition(event);
  const before = pointers.get(event.pointerId);
  if (!before) return hover(x, y);
  hideCard();
  moved += Math.hypot(x - before[0], y - before[1]);
  if (lasso) { lasso.push([x, y]); paintSoon(); }
  else if (pointers.size === 2) {
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
    zoom(apart([x, y]) / apart(before), (x + other[0]) / 2, (y + other[1]) / 2);
  } else if (moved > 4) drag(x - before[0], y - before[1]);
  pointers.set(event.pointerId, [x, y]);
});
function release(event) {
  if (!pointers.delete(event.pointerId)) return;
  const polygon = lasso;
  lasso = null;
  if (event.type === "pointercancel") return paintSoon();
  if (polygon && moved > 12) return select(lassoed(polygon));
  if (moved > 4 || pointers.size) return paintSoon();
  const id = pointAt(...pointerPosition(event));
  if (id >= 0) report("pick", { id });
}
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, release);
function hover(x, y) {
  const id = pointAt(x, y);
  canvas.style.cursor = lassoing ? "crosshair" : id < 0 ? "grab" : "pointer";
  if (id < 0) return hideCard();
  if (!card.hidden && Number(card.dataset.id) === id) return;
  hideCard();
  showCard(id, x, y);
  broadcast({ hover: id });
}

// The wheel scrolls the page until the visitor has pressed inside the plot (or holds Ctrl); then it zooms.
let wheelZooms = false;
root.addEventListener("pointerdown", () => { wheelZooms = true; });
root.addEventListener("pointerleave", () => { wheelZooms = false; hideCard(); });
canvas.addEventListener("wheel", (event) => {
  if (!scene || (!wheelZooms && !event.ctrlKey)) return;
  event.preventDefault();
  zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) / 350), ...pointerPosition(event));
}, { passive: false });

// For tests and benchmarks: the position of a point on the page, and the view.
root.placeOf = (id) => {
  const box = canvas.getBoundingClientRect();
  return [box.left + screen.sx[id] / ratio(), box.top + screen.sy[id] / ratio()];
};
root.setView = (change) => { Object.assign(view, change); paintSoon(); };

const fail = (error) => { root.dataset.state = "failed"; console.error(error); };
const guarded = (action) => () => { try { action(); } catch (error) { fail(error); } };
watch("value", guarded(draw));
watch("marks", guarded(() => scene && readMarks()));
new MutationObserver(() => { if (scene) { readTheme(); paintSoon(); } }).observe(document.body, { attributeFilter: ["class"] });
new ResizeObserver(paintSoon).observe(canvas);
trigger("ready");
guarded(draw)();
