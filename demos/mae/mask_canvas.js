// Runs once when the canvas appears (gr.HTML's js_on_load): draws `props.value`, lets cells be painted away or picked,
// and reports strokes, picks and requested ratios: the latest of each is in `root.dataset`, as JSON. See
// `mask_canvas.py`.
const root = element.querySelector(".mask-canvas");
const canvas = root.querySelector("canvas");
const announcement = root.querySelector(".mask-said");
const use = root.dataset.use;
const TONE = "#cccccc"; // of hidden patches, as in the images beside it
const STEP = 5; // percent a turn of the wheel or a key adds
const KEPT = 60; // masks that can be undone
const tools = Object.fromEntries([...root.querySelectorAll("[data-tool]")].map((button) => [button.dataset.tool, button]));

let scene = null; // what `props.value` holds, the cells unpacked
let image = null;
let cells = null; // Uint8Array, 1 where hidden
let history = [];
let stroke = null; // {paints, at, before} while the pointer is down
let cursor = -1; // cell of the keyboard
let wheelCounts = false;
let pending = 0;

const fingers = window.matchMedia("(pointer: coarse)"); // there, a finger scrolls the page until "Paint" is pressed
const pressed = (name) => tools[name].getAttribute("aria-pressed") === "true";
const differs = (a, b) => a.some((hidden, i) => hidden !== b[i]);
const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const accent = () => getComputedStyle(root).getPropertyValue("--accent").trim() || "#0f766e";

function unpacked(text) {
  const [side, bits] = text.split(".");
  const bytes = bytesOf(bits.replaceAll("-", "+").replaceAll("_", "/"));
  return { side: Number(side), cells: Uint8Array.from({ length: side * side }, (_, i) => (bytes[i >> 3] >> (7 - (i & 7))) & 1) };
}

function packed() {
  const bytes = new Uint8Array(Math.ceil(cells.length / 8));
  cells.forEach((hidden, i) => { bytes[i >> 3] |= hidden << (7 - (i & 7)); });
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `${scene.side}.${btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

function draw() {
  if (!props.value) {
    root.dataset.state = "empty";
    scene = cells = stroke = null;
    return;
  }
  const value = JSON.parse(props.value), next = unpacked(value.mask);
  const same = scene && scene.url === value.url && scene.side === next.side;
  if (!same) history = [];
  else if (differs(cells, next.cells)) remember(cells);
  scene = { ...value, side: next.side, heat: value.heat && bytesOf(value.heat) };
  if (!same || !stroke) cells = next.cells; // a stroke that is being drawn is newer than any answer
  if (!same) {
    stroke = null;
    cursor = -1;
    image = new Image();
    image.onload = paintSoon;
    image.src = value.url;
    root.dataset.stroke = JSON.stringify(packed()); // what was painted on another image is not for this one
  }
  root.dataset.state = "drawn";
  update();
}

// The event carries nothing: Gradio may answer it late, and then would send what an earlier event carried.
function send(name, value) {
  root.dataset[name] = JSON.stringify(value);
  trigger(name, {});
}

function update() {
  root.dataset.cells = cells.length;
  root.dataset.hidden = cells.reduce((sum, hidden) => sum + hidden, 0);
  root.dataset.percent = scene.percent;
  root.dataset.target = scene.target;
  tools.undo.disabled = !history.length;
  tools.clear.disabled = root.dataset.hidden === "0";
  paintSoon();
}

function remember(before) {
  history = [...history, Uint8Array.from(before)].slice(-KEPT);
}

function paintSoon() {
  if (!pending) pending = requestAnimationFrame(paint);
}

function paint() {
  pending = 0;
  if (!scene || !canvas.clientWidth || !image.complete) return;
  const ratio = Math.min(2, window.devicePixelRatio || 1), width = Math.round(canvas.clientWidth * ratio);
  if (canvas.width !== width) canvas.width = canvas.height = width;
  const context = canvas.getContext("2d"), { side, grid, heat } = scene;
  const edge = (n, count) => Math.round((n * width) / count);
  const fill = (cell, grow = 0) => {
    const row = Math.floor(cell / side), column = cell % side, left = edge(column, side), top = edge(row, side);
    return [left - grow, top - grow, edge(column + 1, side) - left + 2 * grow, edge(row + 1, side) - top + 2 * grow];
  };
  context.drawImage(image, 0, 0, width, width);
  for (let cell = 0; cell < cells.length; cell++) {
    context.fillStyle = cells[cell] ? (use === "pixels" ? accent() : TONE) : "#ffffff";
    context.globalAlpha = cells[cell] ? (use === "pixels" ? 0.85 : 1) : heat ? 0.85 * (1 - heat[cell] / 255) : 0;
    if (context.globalAlpha) context.fillRect(...fill(cell));
  }
  context.globalAlpha = 0.16;
  context.fillStyle = "#000000";
  for (let line = 1; line < grid; line++) {
    context.fillRect(edge(line, grid), 0, 1, width);
    context.fillRect(0, edge(line, grid), width, 1);
  }
  context.globalAlpha = 1;
  context.lineWidth = 3 * ratio;
  if (scene.target >= 0) {
    context.strokeStyle = accent();
    context.strokeRect(...fill(scene.target, ratio));
  }
  if (cursor >= 0 && document.activeElement === canvas) {
    for (const [colour, grow] of [["#ffffff", 2 * ratio], ["#000000", -ratio]]) {
      context.strokeStyle = colour;
      context.strokeRect(...fill(cursor, grow));
    }
  }
  root.dataset.paints = Number(root.dataset.paints || 0) + 1;
}

// Sets the cells around a place; of patches one always stays visible, since the model needs an input.
function touch(x, y, hides) {
  const { side } = scene, wide = pressed("wide");
  const radius = use === "pixels" ? (wide ? 3.2 : 1.2) * (side / 128) : wide ? 1.2 : 0;
  const middle = [Math.floor(x), Math.floor(y)];
  let left = use === "patches" ? cells.reduce((sum, hidden) => sum + 1 - hidden, 0) : Infinity;
  for (let row = Math.floor(y - radius); row <= y + radius; row++) {
    for (let column = Math.floor(x - radius); column <= x + radius; column++) {
      const here = row === middle[1] && column === middle[0];
      if (row < 0 || column < 0 || row >= side || column >= side) continue;
      if (!here && Math.hypot(column + 0.5 - x, row + 0.5 - y) > radius) continue;
      const cell = row * side + column;
      if (cells[cell] === hides || (hides && left <= 1)) continue;
      cells[cell] = hides;
      left -= hides ? 1 : -1;
    }
  }
}

function report(before) {
  if (before && !differs(cells, before)) return;
  if (before) remember(before);
  scene.heat = null;
  scene.target = -1;
  if (use === "patches") scene.percent = (100 * cells.reduce((sum, hidden) => sum + hidden, 0)) / cells.length;
  update();
  send("stroke", packed());
}

function changeWith(action) {
  if (!scene) return;
  const before = Uint8Array.from(cells);
  action();
  report(before);
}

const spot = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top].map((place) => (place * scene.side) / box.width);
};
const cellAt = ([x, y]) => (Math.min(x, y) < 0 || Math.max(x, y) >= scene.side ? -1 : Math.floor(y) * scene.side + Math.floor(x));

canvas.addEventListener("pointerdown", (event) => {
  if (!scene || stroke || !event.isPrimary) return;
  wheelCounts = true;
  cursor = -1;
  if (use === "pick" || (fingers.matches && event.pointerType !== "mouse" && !pressed("paint"))) return;
  canvas.setPointerCapture(event.pointerId);
  const shows = event.button > 0 || event.shiftKey || pressed("show"); // the right button, or the eraser of a pen
  stroke = { hides: shows ? 0 : 1, at: spot(event), before: Uint8Array.from(cells) };
  touch(...stroke.at, stroke.hides);
  paintSoon();
});
canvas.addEventListener("pointermove", (event) => {
  if (!stroke) return;
  const moves = event.getCoalescedEvents?.() ?? []; // where the pointer was between two frames
  for (const move of moves.length ? moves : [event]) {
    const [fromX, fromY] = stroke.at, [x, y] = spot(move), steps = Math.ceil(2 * Math.hypot(x - fromX, y - fromY));
    for (let n = 1; n <= steps; n++) touch(fromX + ((x - fromX) * n) / steps, fromY + ((y - fromY) * n) / steps, stroke.hides);
    stroke.at = [x, y];
  }
  paintSoon();
});
function finish() {
  if (!stroke) return;
  const { before } = stroke;
  stroke = null;
  report(before);
}
canvas.addEventListener("pointerup", finish);
canvas.addEventListener("pointercancel", finish);
canvas.addEventListener("contextmenu", (event) => event.preventDefault());
canvas.addEventListener("click", (event) => {
  if (scene && use === "pick" && event.detail) pick(cellAt(spot(event)));
});
function pick(cell) {
  if (cell < 0) return;
  scene.target = cell;
  update();
  send("pick", cell);
}

// The wheel scrolls the page until the visitor has pressed inside the image (or holds Ctrl); then it hides more or less.
canvas.addEventListener("pointerleave", () => { wheelCounts = false; });
canvas.addEventListener("wheel", (event) => {
  if (!scene || use !== "patches" || stroke || !event.deltaY || (!wheelCounts && !event.ctrlKey)) return;
  event.preventDefault();
  hideMore(event.deltaY < 0 ? STEP : -STEP);
}, { passive: false });
function hideMore(by) {
  const percent = Math.min(95, Math.max(0, STEP * Math.round((scene.percent + by) / STEP)));
  if (percent === scene.percent) return;
  scene.percent = percent;
  update();
  send("ratio", percent);
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function moveCursor([right, down]) {
  const { side, grid } = scene, step = Math.max(1, Math.round(side / grid));
  const limit = (place) => Math.min(side - 1, Math.max(0, place));
  const [row, column] = cursor < 0 ? [Math.floor(side / 2), Math.floor(side / 2)] : [Math.floor(cursor / side), cursor % side];
  cursor = cursor < 0 ? row * side + column : limit(row + down * step) * side + limit(column + right * step);
  announce();
}
function announce() {
  const words = root.querySelector(`[data-say="${cells[cursor] ? "hidden" : "visible"}"]`).innerHTML;
  announcement.innerHTML = words.replaceAll("{row}", Math.floor(cursor / scene.side) + 1).replaceAll("{column}", (cursor % scene.side) + 1);
}
function press() {
  if (cursor < 0) return moveCursor([0, 0]);
  if (use === "pick") return pick(cursor);
  const [row, column] = [Math.floor(cursor / scene.side), cursor % scene.side];
  changeWith(() => touch(column + 0.5, row + 0.5, cells[cursor] ? 0 : 1));
  announce();
}
canvas.addEventListener("keydown", (event) => {
  if (!scene || event.altKey || (event.ctrlKey || event.metaKey) !== (event.key === "z" && !event.shiftKey && use !== "pick")) return;
  if (MOVES[event.key]) moveCursor(MOVES[event.key]);
  else if (event.key === " " || event.key === "Enter") press();
  else if (event.key === "z") undo();
  else if (use === "patches" && (event.key === "[" || event.key === "]")) hideMore(event.key === "]" ? STEP : -STEP);
  else return;
  event.preventDefault();
  event.stopPropagation();
  paintSoon();
});
canvas.addEventListener("focus", paintSoon);
canvas.addEventListener("blur", paintSoon);

function undo() {
  if (!scene || !history.length) return;
  cells = history.pop();
  report();
}
const setPressed = (name, value) => tools[name].setAttribute("aria-pressed", String(value));
const choose = (tool) => ["hide", "show"].forEach((name) => setPressed(name, name === tool));
const actions = {
  paint: () => {
    setPressed("paint", !pressed("paint"));
    root.dataset.painting = pressed("paint");
  },
  hide: () => choose("hide"),
  show: () => choose("show"),
  wide: () => setPressed("wide", !pressed("wide")),
  undo,
  clear: () => changeWith(() => { cells = new Uint8Array(cells.length); }),
};
for (const [name, button] of Object.entries(tools)) button.addEventListener("click", actions[name]);

// Used by tests: the centre of a cell in the window.
root.placeOf = (cell) => {
  const box = canvas.getBoundingClientRect(), size = box.width / scene.side;
  return [box.left + ((cell % scene.side) + 0.5) * size, box.top + (Math.floor(cell / scene.side) + 0.5) * size];
};

watch("value", draw);
new ResizeObserver(paintSoon).observe(canvas);
new MutationObserver(paintSoon).observe(document.body, { attributeFilter: ["class"] });
draw();
