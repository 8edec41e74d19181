// Runs once when the plot appears (gr.HTML's js_on_load): draws `props.value`, reports clicks and hovers.
const find = (selector) => element.querySelector(selector);
const root = find(".scatter");
const plot = find(".scatter-plot");
const overlay = find(".scatter-pictures");
const card = find(".scatter-card");
const legend = find(".scatter-legend");
const onTouch = window.matchMedia("(pointer: coarse)").matches;
const canDraw3d = Boolean(document.createElement("canvas").getContext("webgl"));

let Plotly = null;
let shown = null; // {figure, sprite, points}
let isolated = null; // name of the only class in colour
let withPictures = true;
let sheet = null; // the sprite as an Image
let hoverTimer = 0;
let paintTimer = 0;

function loadPlotly() {
  // Kept apart from window.Plotly, which gr.Plot overwrites with an older version.
  window.unlabeledPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = props.plotly;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly.js did not load"));
    document.head.append(script);
  });
  return window.unlabeledPlotly;
}

const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
const is3d = () => shown.figure.data.some((trace) => trace.type === "scatter3d");
const fades = (trace) => isolated !== null && trace.name !== isolated;

function styledTraces() {
  const edge = colour("--paper") || "#fff";
  return shown.figure.data.map((trace) => ({
    ...trace,
    hoverinfo: "none",
    hovertemplate: null,
    marker: { ...trace.marker, opacity: fades(trace) ? 0.1 : 0.9, line: { width: is3d() ? 0 : 1, color: edge } },
  }));
}

function markTraces() {
  // The picked point and its true neighbours: rings, and lines that show how far the map put them apart.
  const ids = JSON.parse(props.marks || "[]").filter((id) => shown.points.has(id));
  if (!ids.length) return [];
  const flat = !is3d();
  const at = (id) => shown.points.get(id);
  const coordinates = (list) => ({ x: list.map((p) => p?.x ?? null), y: list.map((p) => p?.y ?? null),
    ...(flat ? {} : { z: list.map((p) => p?.z ?? null) }) });
  const base = { type: flat ? "scatter" : "scatter3d", hoverinfo: "skip", showlegend: false };
  const ink = colour("--ink") || "#222";
  const spokes = ids.slice(1).flatMap((id) => [at(ids[0]), at(id), null]);
  return [
    { ...base, mode: "lines", ...coordinates(spokes), line: { color: ink, width: flat ? 1 : 2 }, opacity: 0.35 },
    { ...base, mode: "markers", ...coordinates(ids.map(at)), marker: { symbol: "circle-open", color: ink,
      size: ids.map((_, i) => (i ? 12 : 22)), opacity: 1, line: { color: ink, width: 2 } } },
  ];
}

function styledLayout() {
  const layout = { ...shown.figure.layout, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)", margin: is3d() ? { l: 0, r: 0, t: 0, b: 0 } : { l: 24, r: 24, t: 48, b: 24 }, autosize: true };
  if (is3d()) {
    const axis = { showbackground: false, showticklabels: false, title: { text: "" }, zeroline: false,
      showspikes: false, gridcolor: colour("--line") || "#ccc", linecolor: colour("--line") || "#ccc" };
    layout.scene = { ...layout.scene, xaxis: axis, yaxis: axis, zaxis: axis };
  } else {
    layout.dragmode = onTouch ? false : "pan"; // a finger must still be able to scroll the page
  }
  return layout;
}

async function draw() {
  if (!props.value) return;
  Plotly = await loadPlotly();
  const { figure, sprite, kinds } = JSON.parse(props.value);
  const points = new Map();
  for (const trace of figure.data) {
    trace.customdata.forEach((id, i) => points.set(id, { x: trace.x[i], y: trace.y[i], z: trace.z?.[i],
      file: trace.text[i], trace }));
  }
  const names = figure.data.map((trace) => trace.name);
  if (!names.includes(isolated)) isolated = null;
  shown = { figure, sprite, kinds, points };
  root.dataset.state = is3d() && !canDraw3d ? "no-3d" : "drawn";
  root.dataset.dims = is3d() ? "3" : "2";
  hideCard();
  drawLegend();
  loadSheet();
  if (root.dataset.state === "no-3d") return;
  await redraw();
}

async function redraw() {
  await Plotly.react(plot, [...styledTraces(), ...markTraces()], styledLayout(),
    { displayModeBar: false, displaylogo: false, showSendToCloud: false, responsive: true, scrollZoom: true,
      doubleClick: "reset" });
  if (!plot.dataset.bound) bind();
  paintSoon();
}

function bind() {
  plot.dataset.bound = "yes";
  plot.on("plotly_click", (event) => {
    const id = event.points[0].customdata;
    if (Number.isInteger(id)) trigger("pick", { id });
  });
  plot.on("plotly_hover", (event) => {
    const point = event.points[0];
    if (!Number.isInteger(point.customdata)) return;
    showCard(point.customdata, event);
    clearTimeout(hoverTimer);
    hoverTimer = setTimeout(() => trigger("hover", { id: point.customdata }), 150);
  });
  plot.on("plotly_unhover", () => { clearTimeout(hoverTimer); hideCard(); });
  for (const name of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) plot.on(name, paintSoon);
}

function cut(target, id) {
  const { url, columns, rows } = shown.sprite;
  const share = (place, all) => (all > 1 ? (100 * place) / (all - 1) : 0);
  target.style.backgroundImage = `url("${url}")`;
  target.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  target.style.backgroundPosition = `${share(id % columns, columns)}% ${share(Math.floor(id / columns), rows)}%`;
}

function nameOf(target, label) {
  // Built-in labels come as HTML in every language, made on the server; a visitor's own are plain text.
  if (shown.kinds?.[label]) target.innerHTML = shown.kinds[label];
  else target.textContent = label.replaceAll("_", " ");
}

function showCard(id, event) {
  const point = shown.points.get(id);
  const frame = root.getBoundingClientRect();
  const pointer = event.event;
  const x = pointer.clientX - frame.left, y = pointer.clientY - frame.top;
  cut(find(".scatter-thumbnail"), id);
  nameOf(find(".scatter-kind"), point.trace.name);
  find(".scatter-kind").style.setProperty("--dot", point.trace.marker.color);
  find(".scatter-file").textContent = point.file;
  card.hidden = false;
  const gap = 18, { offsetWidth: width, offsetHeight: height } = card;
  const left = x + gap + width > frame.width ? x - gap - width : x + gap;
  card.style.left = `${Math.max(0, left)}px`;
  card.style.top = `${Math.min(Math.max(0, y - height / 2), frame.height - height)}px`;
}

function hideCard() {
  card.hidden = true;
}

function drawLegend() {
  legend.replaceChildren(...shown.figure.data.filter((trace) => trace.showlegend !== false).map((trace) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "scatter-chip";
    chip.style.setProperty("--dot", trace.marker.color);
    chip.setAttribute("aria-pressed", String(isolated === trace.name));
    chip.dataset.faded = String(fades(trace));
    const label = document.createElement("span");
    nameOf(label, trace.name);
    const count = document.createElement("small");
    count.textContent = trace.x.length;
    chip.append(label, count);
    chip.onclick = () => {
      isolated = isolated === trace.name ? null : trace.name;
      drawLegend();
      redraw();
    };
    return chip;
  }));
}

function loadSheet() {
  if (sheet?.dataset.url === shown.sprite.url) return;
  sheet = new Image();
  sheet.dataset.url = shown.sprite.url;
  sheet.onload = paintSoon;
  sheet.src = shown.sprite.url;
}

function paintSoon() {
  cancelAnimationFrame(paintTimer);
  paintTimer = requestAnimationFrame(() => {
    const ratio = window.devicePixelRatio || 1;
    overlay.width = plot.clientWidth * ratio;
    overlay.height = plot.clientHeight * ratio;
    paintPictures(overlay.getContext("2d"), ratio);
  });
}

// As many thumbnails as fit without covering each other; the rest stay dots until one zooms in.
function paintPictures(pen, ratio) {
  if (!withPictures || !sheet?.complete || !sheet.naturalWidth || !plot._fullLayout || is3d()) return;
  const { xaxis, yaxis } = plot._fullLayout;
  const place = (axis, value, flip) => {
    const [from, to] = axis.range;
    const share = (value - from) / (to - from);
    return axis._offset + axis._length * (flip ? 1 - share : share);
  };
  const within = (axis, at) => at >= axis._offset && at <= axis._offset + axis._length;
  const marked = JSON.parse(props.marks || "[]");
  const inView = [];
  for (const [id, point] of shown.points) {
    const x = place(xaxis, point.x, false), y = place(yaxis, point.y, true);
    if (!within(xaxis, x) || !within(yaxis, y) || fades(point.trace)) continue;
    inView.push({ id, x, y, colour: point.trace.marker.color });
  }
  const order = (id) => (marked.includes(id) ? marked.indexOf(id) - 1e10 : Math.imul(id + 1, 2654435761) >>> 0);
  inView.sort((a, b) => order(a.id) - order(b.id));
  const room = Math.sqrt((plot.clientWidth * plot.clientHeight) / Math.max(1, inView.length));
  const side = Math.min(56, Math.max(26, 0.8 * room));
  const taken = new Map();
  const { cell, columns } = shown.sprite;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const { id, x, y, colour: edge } of inView) {
    if (!claim(taken, x, y, side)) continue;
    const size = id === marked[0] ? side * 1.35 : side;
    const box = [x - size / 2, y - size / 2, size, size];
    pen.save();
    pen.beginPath();
    pen.roundRect(...box, 5);
    pen.clip();
    pen.drawImage(sheet, (id % columns) * cell, Math.floor(id / columns) * cell, cell, cell, ...box);
    pen.restore();
    pen.lineWidth = marked.includes(id) ? 3 : 2;
    pen.strokeStyle = marked.includes(id) ? colour("--ink") : edge;
    pen.beginPath();
    pen.roundRect(...box, 5);
    pen.stroke();
  }
}

function claim(taken, x, y, side) {
  const column = Math.floor(x / side), row = Math.floor(y / side);
  for (let dx = -1; dx <= 1; dx++) {
    for (let dy = -1; dy <= 1; dy++) {
      const other = taken.get(`${column + dx} ${row + dy}`);
      if (other && Math.abs(other.x - x) < side + 2 && Math.abs(other.y - y) < side + 2) return false;
    }
  }
  taken.set(`${column} ${row}`, { x, y });
  return true;
}

function zoom(factor) {
  if (is3d()) {
    const eye = plot._fullLayout.scene._scene.getCamera().eye;
    const scaled = Object.fromEntries(Object.entries(eye).map(([axis, value]) => [axis, value * factor]));
    return Plotly.relayout(plot, { "scene.camera.eye": scaled });
  }
  const ranges = {};
  for (const name of ["xaxis", "yaxis"]) {
    const [from, to] = plot._fullLayout[name].range;
    const centre = (from + to) / 2, half = ((to - from) / 2) * factor;
    ranges[`${name}.range`] = [centre - half, centre + half];
  }
  return Plotly.relayout(plot, ranges);
}

function resetView() {
  if (is3d()) return Plotly.relayout(plot, { "scene.camera": shown.figure.layout.scene?.camera ?? null });
  return Plotly.relayout(plot, { "xaxis.autorange": true, "yaxis.autorange": true });
}

async function savePicture() {
  const scale = 2, width = plot.clientWidth, height = plot.clientHeight;
  const drawing = new Image();
  drawing.src = await Plotly.toImage(plot, { format: "png", width, height, scale });
  await drawing.decode();
  const page = document.createElement("canvas");
  page.width = width * scale;
  page.height = height * scale;
  const pen = page.getContext("2d");
  pen.fillStyle = colour("--paper") || "#fff";
  pen.fillRect(0, 0, page.width, page.height);
  pen.drawImage(drawing, 0, 0);
  paintPictures(pen, scale);
  const link = document.createElement("a");
  link.download = "map.png";
  link.href = page.toDataURL("image/png");
  link.click();
}

const actions = {
  in: () => zoom(1 / 1.5),
  out: () => zoom(1.5),
  reset: resetView,
  save: savePicture,
  pictures: (button) => {
    withPictures = !withPictures;
    button.setAttribute("aria-pressed", String(withPictures));
    paintSoon();
  },
};
find(".scatter-tools").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && shown && root.dataset.state === "drawn") actions[button.dataset.action](button);
});

// The wheel scrolls the page until the visitor has pressed inside the plot (or holds Ctrl); then it zooms.
let wheelZooms = false;
root.addEventListener("pointerdown", () => { wheelZooms = true; });
root.addEventListener("pointerleave", () => { wheelZooms = false; hideCard(); });
root.addEventListener("wheel", (event) => {
  if (!wheelZooms && !event.ctrlKey) event.stopPropagation();
}, { capture: true, passive: true });

const tell = (error) => { root.dataset.state = "failed"; console.error(error); };
watch("value", () => draw().catch(tell));
watch("marks", () => shown && root.dataset.state === "drawn" && redraw().catch(tell));
new MutationObserver(() => shown && root.dataset.state === "drawn" && redraw().catch(tell))
  .observe(document.body, { attributeFilter: ["class"] });
new ResizeObserver(() => shown && plot.clientWidth && plot.dataset.bound && Plotly.Plots.resize(plot)).observe(plot);

loadPlotly().catch(tell);
trigger("ready");
draw().catch(tell);
