// Runs once when the plot appears (gr.HTML's js_on_load), after `raster.js`: draws `props.value`, answers the
// pointer, and reports clicks, hovers and lassos.
const find = (selector) => element.querySelector(selector);
const root = find(".scatter");
const frame = find(".scatter-frame");
const canvas = find(".scatter-plot");
const overlay = find(".scatter-pictures");
const card = find(".scatter-card");
const legend = find(".scatter-legend");
const search = find(".scatter-search");
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
const MORPH = 450; // milliseconds from one map to the next
const HOME = { x: 0, y: 0, zoom: 1, yaw: 0.6, pitch: 0.35 };

let scene = null; // what `props.value` holds, its coordinates normalised
let screen = null; // where the points are now, in pixels of the canvas
let view = { ...HOME };
let marks = { rings: [], chosen: [], guest: null };
let isolated = null; // number of the only class in colour
let found = null; // Uint8Array of what the search leaves, or null
let linkedHover = -1;
let withPictures = true;
let lassoing = false;
let lasso = null; // the polygon being drawn
let tiles = [], side = 0; // thumbnails of the last paint
let sheets = [];
let guestPicture = null;
let morph = null;
let pending = 0;
let hoverTimer = 0;
let theme = null;

const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const ratio = () => Math.min(2, window.devicePixelRatio || 1);

function readTheme() {
  const paper = css("--paper") || "#fff", ink = css("--ink") || "#222";
  theme = { paper, ink, accent: css("--accent") || "#0f766e" };
  if (scene) theme.shades = palette(scene.kinds.map((kind) => rgb(kind.colour)), rgb(paper));
}

function draw() {
  if (!props.value) return;
  const value = JSON.parse(props.value);
  const before = scene;
  const points = decode(value.points, Float32Array);
  const { xyz, place, half } = normalised(points, value.count, value.dims);
  const sameSet = before && before.key === value.key && before.count === value.count;
  scene = { ...value, xyz, place, half, kind: decode(value.kind, Uint16Array),
    scattered: sameSet ? before.scattered : scattered(value.count) };
  screen = { sx: new Float32Array(value.count), sy: new Float32Array(value.count),
    depth: new Float32Array(value.count), order: Uint32Array.from({ length: value.count }, (_, i) => i) };
  if (!sameSet) {
    isolated = found = null;
    marks.chosen = [];
    tellOthers({ asks: true });
    search.value = "";
    view = { ...HOME };
    loadSheets();
  } else if (before.dims !== value.dims) view = { ...HOME };
  else if (!still.matches && !document.hidden) morph = { from: before.xyz, half: before.half, to: xyz, toHalf: half, start: performance.now() };
  root.dataset.state = "drawn";
  root.dataset.dims = value.dims;
  root.dataset.count = value.count;
  readTheme();
  hideCard();
  drawLegend();
  runSearch();
  readMarks();
}

function readMarks() {
  // The lasso is the page's own: an answer that was on its way when it was drawn must not take it back.
  marks = { rings: [], guest: null, ...JSON.parse(props.marks || "{}"), chosen: marks.chosen };
  guestPicture = null;
  if (marks.guest) {
    guestPicture = new Image();
    guestPicture.onload = paintSoon;
    guestPicture.src = marks.guest.url;
  }
  root.dataset.guest = String(Boolean(marks.guest));
  showChosen();
  paintSoon();
}

function showChosen() {
  root.dataset.chosen = marks.chosen.length;
  root.querySelector(".scatter-tools [data-action=clear]").hidden = !marks.chosen.length;
}

function loadSheets() {
  sheets = scene.sprite.urls.map((url) => {
    const sheet = new Image();
    sheet.onload = paintSoon;
    sheet.src = url;
    return sheet;
  });
}

// Where a thumbnail lies: its sheet, and its column and row there.
function cellOf(id) {
  const { columns, capacity } = scene.sprite;
  const place = id % capacity;
  return { sheet: Math.floor(id / capacity), column: place % columns, row: Math.floor(place / columns) };
}

function fadedPoints() {
  if (isolated === null && !found && !marks.chosen.length) return null;
  const faded = new Uint8Array(scene.count);
  const chosen = marks.chosen.length ? new Uint8Array(scene.count) : null;
  for (const id of marks.chosen) chosen[id] = 1;
  for (let id = 0; id < scene.count; id++) {
    faded[id] = +((isolated !== null && scene.kind[id] !== isolated) || (found && !found[id]) || (chosen && !chosen[id]));
  }
  return faded;
}

function paintSoon() {
  if (!pending) pending = requestAnimationFrame(paint);
}

function moveOn() {
  if (!morph) return;
  const time = Math.min(1, (performance.now() - morph.start) / MORPH);
  const share = time * time * (3 - 2 * time);
  const { from, to } = morph;
  const blend = (a, b) => a + (b - a) * share;
  scene.xyz = time === 1 ? to : Float32Array.from(to, (value, i) => blend(from[i], value));
  scene.half = morph.toHalf.map((value, i) => blend(morph.half[i], value));
  if (time === 1) morph = null;
  else paintSoon();
}

function paint() {
  pending = 0;
  if (!scene || !canvas.clientWidth || root.dataset.state !== "drawn") return;
  moveOn();
  const scale = ratio(), width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) {
    for (const layer of [canvas, overlay]) { layer.width = width; layer.height = height; }
  }
  screen.scale = projected(scene, view, width, height, screen);
  const faded = fadedPoints();
  const pen = canvas.getContext("2d");
  if (screen.image?.width !== width || screen.image.height !== height) {
    screen.image = pen.createImageData(width, height);
    screen.pixels = new Uint32Array(screen.image.data.buffer);
  }
  screen.pixels.fill(0);
  const radius = Math.min(7, Math.max(2, 5.5 - scene.count / 2500) * Math.sqrt(Math.min(3, Math.max(0.7, view.zoom)))) * scale;
  splat(screen.pixels, width, height, scene, screen, theme.shades, stamp(radius, width), faded);
  pen.putImageData(screen.image, 0, 0);
  const brush = overlay.getContext("2d");
  brush.clearRect(0, 0, width, height);
  paintPictures(brush, width, height, scale, faded);
  paintMarks(brush, scale);
  root.dataset.paints = Number(root.dataset.paints || 0) + 1;
}

function paintPictures(brush, width, height, scale, faded) {
  const wanted = withPictures && scene.dims === 2;
  const found = chosenPictures(scene, screen, width, height, marks.rings, faded);
  tiles = wanted ? found.tiles : [];
  side = found.side;
  const { cell } = scene.sprite;
  brush.lineWidth = 2 * scale;
  for (const id of tiles) {
    const { sheet, column, row } = cellOf(id);
    if (!sheets[sheet]?.complete || !sheets[sheet].naturalWidth) continue;
    const size = id === marks.rings[0] ? side * 1.35 : side;
    const x = screen.sx[id] - size / 2, y = screen.sy[id] - size / 2;
    brush.drawImage(sheets[sheet], column * cell, row * cell, cell, cell, x, y, size, size);
    brush.strokeStyle = marks.rings.includes(id) ? theme.ink : scene.kinds[scene.kind[id]].colour;
    brush.strokeRect(x, y, size, size);
  }
}

// The picked point and its true neighbours: rings, and lines that show how far the map put them apart.
function paintMarks(brush, scale) {
  const at = (id) => [screen.sx[id], screen.sy[id]];
  const ring = ([x, y], radius, colour, width = 2) => {
    brush.beginPath();
    brush.arc(x, y, radius * scale, 0, 7);
    brush.lineWidth = width * scale;
    brush.strokeStyle = colour;
    brush.stroke();
  };
  const spokes = (from, ids) => {
    brush.globalAlpha = 0.4;
    brush.lineWidth = scale;
    brush.strokeStyle = theme.ink;
    brush.beginPath();
    for (const id of ids) { brush.moveTo(...from); brush.lineTo(...at(id)); }
    brush.stroke();
    brush.globalAlpha = 1;
  };
  const [picked, ...near] = marks.rings;
  if (picked !== undefined) {
    spokes(at(picked), near);
    for (const id of marks.rings) if (!tiles.includes(id)) ring(at(id), id === picked ? 11 : 6, theme.ink);
  }
  if (linkedHover >= 0 && linkedHover < scene.count) ring(at(linkedHover), 16, theme.accent, 3);
  if (marks.guest) paintGuest(brush, scale, spokes);
  if (lasso) {
    brush.beginPath();
    lasso.forEach(([x, y]) => brush.lineTo(x * scale, y * scale));
    brush.closePath();
    brush.fillStyle = theme.accent;
    brush.globalAlpha = 0.12;
    brush.fill();
    brush.globalAlpha = 1;
    brush.lineWidth = 1.5 * scale;
    brush.strokeStyle = theme.accent;
    brush.stroke();
  }
}

function paintGuest(brush, scale, spokes) {
  const spot = { ...scene, xyz: Float32Array.from(scene.place(marks.guest.at)), count: 1 };
  const there = { sx: [0], sy: [0], depth: [0] };
  projected(spot, view, overlay.width, overlay.height, there);
  const [x, y, size] = [there.sx[0], there.sy[0], 64 * scale];
  spokes([x, y], marks.guest.near);
  if (guestPicture.complete && guestPicture.naturalWidth) brush.drawImage(guestPicture, x - size / 2, y - size / 2, size, size);
  brush.lineWidth = 4 * scale;
  brush.strokeStyle = theme.accent;
  brush.strokeRect(x - size / 2, y - size / 2, size, size);
}

// The point under the pointer (CSS pixels of the canvas), or -1.
function hit(x, y) {
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

function cut(target, id) {
  const { urls, columns, capacity } = scene.sprite;
  const { sheet, column, row } = cellOf(id);
  const rows = Math.ceil(Math.min(capacity, scene.count - sheet * capacity) / columns);
  const share = (place, all) => (all > 1 ? (100 * place) / (all - 1) : 0);
  target.style.backgroundImage = `url("${urls[sheet]}")`;
  target.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  target.style.backgroundPosition = `${share(column, columns)}% ${share(row, rows)}%`;
}

function nameOf(target, kind) {
  // Built-in labels come as HTML in every language, made on the server; a visitor's own are plain text.
  if (kind.html) target.innerHTML = kind.html;
  else target.textContent = kind.name.replaceAll("_", " ");
}

function showCard(id, x, y) {
  const kind = scene.kinds[scene.kind[id]];
  cut(find(".scatter-thumbnail"), id);
  nameOf(find(".scatter-kind"), kind);
  find(".scatter-kind").style.setProperty("--dot", kind.colour);
  find(".scatter-file").textContent = scene.names[id];
  card.dataset.id = id;
  card.hidden = false;
  const gap = 18 + side / 2 / ratio(), { offsetWidth: width, offsetHeight: height } = card;
  const left = x + gap + width > frame.clientWidth ? x - gap - width : x + gap;
  card.style.left = `${Math.max(0, left)}px`;
  card.style.top = `${Math.min(Math.max(0, y - height / 2), frame.clientHeight - height)}px`;
}

function hideCard() {
  clearTimeout(hoverTimer);
  if (card.hidden) return;
  card.hidden = true;
  tellOthers({ hover: -1 });
}

// Maps of the same link show each other's hovers and lassos.
const tellOthers = (news) =>
  document.dispatchEvent(new CustomEvent("scatter-link", { detail: { link: root.dataset.link, key: scene?.key, from: element, ...news } }));
document.addEventListener("scatter-link", ({ detail }) => {
  if (!root.dataset.link || detail.link !== root.dataset.link || detail.from === element || detail.key !== scene?.key) return;
  if (detail.asks && marks.chosen.length) tellOthers({ chosen: marks.chosen });
  if (detail.hover !== undefined) linkedHover = detail.hover;
  if (detail.chosen) { marks.chosen = detail.chosen.filter((id) => id < scene.count); showChosen(); }
  paintSoon();
});

function drawLegend() {
  const counts = new Uint32Array(scene.kinds.length);
  for (const kind of scene.kind) counts[kind]++;
  legend.replaceChildren(...scene.kinds.map((kind, number) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "scatter-chip";
    chip.style.setProperty("--dot", kind.colour);
    chip.setAttribute("aria-pressed", String(isolated === number));
    chip.dataset.faded = String(isolated !== null && isolated !== number);
    const label = document.createElement("span");
    nameOf(label, kind);
    const count = document.createElement("small");
    count.textContent = counts[number];
    chip.append(label, count);
    chip.onclick = () => {
      isolated = isolated === number ? null : number;
      drawLegend();
      paintSoon();
    };
    return chip;
  }));
}

// By file name or label, in any of the page's languages.
function runSearch() {
  const wanted = search.value.trim().toLowerCase();
  found = null;
  if (wanted) {
    const label = document.createElement("span");
    const kinds = scene.kinds.map((kind) => { nameOf(label, kind); return label.textContent.toLowerCase().includes(wanted); });
    found = Uint8Array.from(scene.names, (name, id) => +(kinds[scene.kind[id]] || name.toLowerCase().includes(wanted)));
  }
  root.dataset.found = found ? found.reduce((sum, one) => sum + one, 0) : "";
  find(".scatter-found").textContent = root.dataset.found;
  paintSoon();
}

function choose(ids) {
  marks.chosen = ids;
  showChosen();
  tellOthers({ chosen: ids });
  const bytes = new Uint8Array(Uint32Array.from(ids).buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  report("lasso", { ids: btoa(text) });
  paintSoon();
}

function lassoed(polygon) {
  const scale = ratio(), faded = isolated !== null || found ? fadedPoints() : null, ids = [];
  for (let id = 0; id < scene.count; id++) {
    if (!faded?.[id] && within(polygon, screen.sx[id] / scale, screen.sy[id] / scale)) ids.push(id);
  }
  return ids;
}

// Zooms by `factor` so that what is at x, y (CSS pixels) stays there.
function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
  const next = Math.min(400, Math.max(0.4, view.zoom * factor)), scale = screen.scale / ratio();
  const change = (1 - view.zoom / next) / scale;
  view.x += (x - canvas.clientWidth / 2) * change;
  view.y -= (y - canvas.clientHeight / 2) * change;
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
    withPictures = !withPictures;
    button.setAttribute("aria-pressed", String(withPictures));
    paintSoon();
  },
  lasso: (button) => {
    lassoing = !lassoing;
    button.setAttribute("aria-pressed", String(lassoing));
    root.dataset.lassoing = String(lassoing);
  },
  clear: () => choose([]),
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
  if (event.key === "Enter" && found) choose([...found.keys()].filter((id) => found[id]));
});
canvas.addEventListener("keydown", (event) => {
  const step = 40, keys = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (!scene) return;
  if (keys[event.key]) drag(...keys[event.key]);
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") actions.reset();
  else return;
  event.preventDefault();
});

const pointers = new Map();
let moved = 0;
const spot = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};
canvas.addEventListener("pointerdown", (event) => {
  if (!scene || event.button) return;
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, spot(event));
  moved = 0;
  lasso = (lassoing || event.shiftKey) && pointers.size === 1 ? [spot(event)] : null;
});
canvas.addEventListener("pointermove", (event) => {
  if (!scene) return;
  const [x, y] = spot(event);
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
  if (polygon && moved > 12) return choose(lassoed(polygon));
  if (moved > 4 || pointers.size) return paintSoon();
  const id = hit(...spot(event));
  if (id >= 0) report("pick", { id });
}
canvas.addEventListener("pointerup", release);
canvas.addEventListener("pointercancel", release);
function hover(x, y) {
  const id = hit(x, y);
  canvas.style.cursor = lassoing ? "crosshair" : id < 0 ? "grab" : "pointer";
  if (id < 0) return hideCard();
  if (!card.hidden && Number(card.dataset.id) === id) return;
  hideCard();
  showCard(id, x, y);
  tellOthers({ hover: id });
  hoverTimer = setTimeout(() => trigger("hover", { id }), 150);
}

// The wheel scrolls the page until the visitor has pressed inside the plot (or holds Ctrl); then it zooms.
let wheelZooms = false;
root.addEventListener("pointerdown", () => { wheelZooms = true; });
root.addEventListener("pointerleave", () => { wheelZooms = false; hideCard(); });
canvas.addEventListener("wheel", (event) => {
  if (!scene || (!wheelZooms && !event.ctrlKey)) return;
  event.preventDefault();
  zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) / 350), ...spot(event));
}, { passive: false });

// For whoever measures or tests the map: the place of a point on the page, and the view.
root.placeOf = (id) => {
  const box = canvas.getBoundingClientRect();
  return [box.left + screen.sx[id] / ratio(), box.top + screen.sy[id] / ratio()];
};
root.look = (change) => { Object.assign(view, change); paintSoon(); };

const tell = (error) => { root.dataset.state = "failed"; console.error(error); };
const tried = (action) => () => { try { action(); } catch (error) { tell(error); } };
watch("value", tried(draw));
watch("marks", tried(() => scene && readMarks()));
new MutationObserver(() => { if (scene) { readTheme(); paintSoon(); } }).observe(document.body, { attributeFilter: ["class"] });
new ResizeObserver(paintSoon).observe(canvas);
trigger("ready");
tried(draw)();
