// The map by keyboard: arrows go from point to point, Enter picks, and a live region says where one is.
const said = find(".scatter-said");
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The nearest point that lies in a direction (at most 45° beside it) of a place in pixels of the canvas, or -1.
function nearestPoint([x, y], [right, down]) {
  const faded = fadedPoints();
  let best = -1, least = Infinity;
  for (let id = 0; id < scene.count; id++) {
    const dx = screen.sx[id] - x, dy = screen.sy[id] - y, along = dx * right + dy * down;
    const beside = Math.abs(dx * down) + Math.abs(dy * right), distance = Math.hypot(dx, dy);
    if (id !== cursor && !faded?.[id] && along >= beside && distance < least) { least = distance; best = id; }
  }
  return best;
}

// Where the keys begin: at the picked point, or nearest to the middle.
function firstPoint() {
  const faded = fadedPoints(), [picked] = marks.rings;
  if (picked !== undefined && !faded?.[picked]) return picked;
  const fromMiddle = (id) => Math.hypot(screen.sx[id] - canvas.width / 2, screen.sy[id] - canvas.height / 2);
  let best = -1;
  for (let id = 0; id < scene.count; id++) if (!faded?.[id] && (best < 0 || fromMiddle(id) < fromMiddle(best))) best = id;
  return best;
}

function moveCursor(direction) {
  const next = cursor < 0 ? firstPoint() : nearestPoint([screen.sx[cursor], screen.sy[cursor]], direction);
  if (next >= 0) standOn(next);
}

function standOn(id) {
  cursor = id;
  if (scene.dims === 2) bringIntoView(id);
  const [x, y] = [screen.sx[id] / ratio(), screen.sy[id] / ratio()];
  hideCard();
  showCard(id, x, y);
  broadcast({ hover: id });
  const label = document.createElement("b");
  setLabel(label, scene.classes[scene.label[id]]);
  said.replaceChildren(label, ` ${scene.names[id]}`);
  root.dataset.cursor = id;
  paintSoon();
}

function bringIntoView(id) {
  const { sx, sy, scale } = screen, margin = 24 * ratio();
  if (sx[id] >= margin && sy[id] >= margin && sx[id] <= canvas.width - margin && sy[id] <= canvas.height - margin) return;
  view.x += (sx[id] - canvas.width / 2) / scale;
  view.y -= (sy[id] - canvas.height / 2) / scale;
  projected(scene, view, canvas.width, canvas.height, screen);
}

function leave() {
  cursor = -1;
  delete root.dataset.cursor;
  hideCard();
  paintSoon();
}

canvas.addEventListener("keydown", (event) => {
  if (!scene || event.altKey || event.ctrlKey || event.metaKey) return;
  const arrow = ARROWS[event.key];
  if (arrow && event.shiftKey) drag(-40 * arrow[0], -40 * arrow[1]);
  else if (arrow) moveCursor(arrow);
  else if ((event.key === "Enter" || event.key === " ") && cursor < 0) moveCursor([0, 0]);
  else if (event.key === "Enter" || event.key === " ") report("pick", { id: cursor });
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") actions.reset();
  else if (event.key === "Escape" && cursor >= 0) leave();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
canvas.addEventListener("blur", leave);
