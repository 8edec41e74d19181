// Runs once when the plot appears (gr.HTML's js_on_load), after `raster.js`: the state of a plot and its updates from
// `props`. `paint.js`, `panels.js` and `interaction.js` follow in the same scope.
const find = (selector) => element.querySelector(selector);
const root = find(".scatter");
const frame = find(".scatter-frame");
const canvas = find(".scatter-plot");
const overlay = find(".scatter-pictures");
const card = find(".scatter-card");
const legend = find(".scatter-legend");
const search = find(".scatter-search");
const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
const TOP = 44; // pixels at the top that the controls cover
const MAX_NAMES = 40; // kinds whose names are written on the map
const MORPH = 450; // milliseconds from one map to the next
const HOME = { x: 0, y: 0, zoom: 1, yaw: 0.6, pitch: 0.35 };

let scene = null; // what `props.value` holds, its coordinates normalised
let screen = null; // where the points are now, in pixels of the canvas
let view = { ...HOME };
let marks = { rings: [], selected: [], query: null };
let isolated = null; // number of the only class in colour
let found = null; // Uint8Array of what the search leaves, or null
let linkedHover = -1;
let cursor = -1; // the point that the keyboard is on
let withThumbnails = true;
let lassoing = false;
let lasso = null; // the polygon being drawn
let tiles = [], side = 0; // thumbnails of the last paint
let sheets = [];
let queryImage = null;
let morph = null;
let pending = 0;
let theme = null;

const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const ratio = () => Math.min(2, window.devicePixelRatio || 1);

function readTheme() {
  const paper = css("--paper") || "#fff", ink = css("--ink") || "#222";
  theme = { paper, ink, accent: css("--accent") || "#0f766e" };
  if (scene) theme.shades = palette(scene.classes.map(({ colour }) => rgb(colour)), rgb(paper));
}

function draw() {
  if (!props.value) return;
  const value = JSON.parse(props.value);
  const before = scene;
  const points = decode(value.points, Float32Array);
  const { xyz, place, half } = normalised(points, value.count, value.dims);
  const sameSet = before && before.key === value.key && before.count === value.count;
  scene = { ...value, xyz, place, half, label: decode(value.label, Uint16Array),
    scattered: sameSet ? before.scattered : scattered(value.count) };
  screen = { sx: new Float32Array(value.count), sy: new Float32Array(value.count),
    depth: new Float32Array(value.count), order: Uint32Array.from({ length: value.count }, (_, i) => i) };
  if (!sameSet) {
    isolated = found = null;
    cursor = -1;
    marks.selected = [];
    broadcast({ asks: true });
    search.value = "";
    view = { ...HOME };
    sheets = scene.sprite.urls.map(load);
  } else if (before.dims !== value.dims) view = { ...HOME };
  else if (!reducedMotion.matches && !document.hidden) morph = { from: before.xyz, half: before.half, to: xyz, toHalf: half, start: performance.now() };
  root.dataset.state = "drawn";
  root.dataset.dims = value.dims;
  root.dataset.count = value.count;
  readTheme();
  hideCard();
  nameSearch();
  drawLegend();
  runSearch();
  readMarks();
}

function readMarks() {
  // The lasso is the page's own: an answer that was on its way when it was drawn must not take it back.
  marks = { rings: [], query: null, ...JSON.parse(props.marks || "{}"), selected: marks.selected };
  queryImage = marks.query && load(marks.query.url);
  root.dataset.guest = String(Boolean(marks.query));
  showSelection();
  paintSoon();
}

function showSelection() {
  root.dataset.chosen = marks.selected.length;
  root.querySelector(".scatter-tools [data-action=clear]").hidden = !marks.selected.length;
}

function load(url) {
  const image = new Image();
  image.onload = paintSoon;
  image.src = url;
  return image;
}
