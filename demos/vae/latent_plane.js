// Runs once when the map appears (gr.HTML's js_on_load), after `latent_widgets.js`: draws the plane, and follows pointer and keys.
const map = find(".plane-map");
const STEP = 1 / 24; // of the side, a press of an arrow
let at = [0, 0]; // where the visitor is, -1 to 1 on both axes, up is positive
let mosaic = null, thumbnails = [], pending = 0;

const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();

function begin() {
  mosaic = load(scene.mosaic);
  thumbnails = scene.points.map((point) => load(point.url));
  go(scene.at);
}

function load(url) {
  const image = new Image();
  image.onload = paintSoon;
  image.src = url;
  return image;
}

function go([x, y]) {
  at = [Math.max(-1, Math.min(1, x)), Math.max(-1, Math.min(1, y))];
  paintSoon();
  ask(at.map((share) => share * scene.half));
}

function paintSoon() { if (!pending) pending = requestAnimationFrame(paint); }

// The veil over what is no usual distance from the centre: opaque where pictures hardly ever lie.
function veil() {
  const page = document.createElement("canvas"), density = Uint8Array.from(atob(scene.density), (c) => c.charCodeAt(0));
  const cells = Math.sqrt(density.length), [r, g, b] = css("--veil").split(",").map(Number);
  page.width = page.height = cells;
  const image = page.getContext("2d").createImageData(cells, cells);
  density.forEach((value, place) => image.data.set([r, g, b, 0.78 * (255 - value)], 4 * place));
  page.getContext("2d").putImageData(image, 0, 0);
  return page;
}

function paint() {
  pending = 0;
  if (!scene || !map.clientWidth) return;
  const scale = Math.min(2, window.devicePixelRatio || 1), side = Math.round(map.clientWidth * scale);
  if (map.width !== side) map.width = map.height = side;
  const pen = map.getContext("2d");
  const place = ([x, y]) => [((x + 1) / 2) * side, ((1 - y) / 2) * side];
  pen.clearRect(0, 0, side, side);
  pen.imageSmoothingQuality = "high";
  if (mosaic.complete && mosaic.naturalWidth) pen.drawImage(mosaic, 0, 0, side, side);
  pen.drawImage(veil(), 0, 0, side, side);
  const size = 44 * scale, ink = css("--ink"), accent = css("--accent");
  scene.points.forEach((point, number) => {
    const [x, y] = place(point.at), image = thumbnails[number];
    if (image.complete && image.naturalWidth) pen.drawImage(image, x - size / 2, y - size / 2, size, size);
    pen.lineWidth = 2 * scale;
    pen.strokeStyle = ink;
    pen.strokeRect(x - size / 2, y - size / 2, size, size);
    if (!point.name) return;
    pen.font = `600 ${13 * scale}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.lineWidth = 4 * scale;
    pen.strokeStyle = css("--paper");
    pen.strokeText(point.name, x, y + size / 2 + 15 * scale);
    pen.fillStyle = ink;
    pen.fillText(point.name, x, y + size / 2 + 15 * scale);
  });
  const [x, y] = place(at);
  for (const [radius, width, colour] of [[12, 7, "#fff"], [12, 4, accent]]) {
    pen.beginPath();
    pen.arc(x, y, radius * scale, 0, 7);
    pen.lineWidth = width * scale;
    pen.strokeStyle = colour;
    pen.stroke();
  }
}

const spot = (event) => {
  const box = map.getBoundingClientRect();
  return [(2 * (event.clientX - box.left)) / box.width - 1, 1 - (2 * (event.clientY - box.top)) / box.height];
};
map.addEventListener("pointerdown", (event) => {
  if (!scene || event.button) return;
  map.setPointerCapture(event.pointerId);
  go(spot(event));
});
map.addEventListener("pointermove", (event) => { if (scene && map.hasPointerCapture(event.pointerId)) go(spot(event)); });
map.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 4 * STEP : STEP;
  const keys = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  if (!scene) return;
  if (keys[event.key]) go([at[0] + keys[event.key][0], at[1] + keys[event.key][1]]);
  else if (event.key === "Home") go(scene.at);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
root.addEventListener("click", (event) => { if (scene && event.target.closest(".key-reset")) go(scene.at); });

watch("value", () => read(begin));
new MutationObserver(paintSoon).observe(document.body, { attributeFilter: ["class"] });
new ResizeObserver(paintSoon).observe(map);
read(begin);
