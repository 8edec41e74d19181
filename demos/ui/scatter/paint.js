// Paints the points, thumbnails and marks of a plot.

// Where a thumbnail lies: its sheet, and its column and row there.
function cellOf(id) {
  const { columns, capacity } = scene.sprite;
  const place = id % capacity;
  return { sheet: Math.floor(id / capacity), column: place % columns, row: Math.floor(place / columns) };
}

function fadedPoints() {
  if (isolated === null && !found && !marks.selected.length) return null;
  const faded = new Uint8Array(scene.count);
  const chosen = marks.selected.length ? new Uint8Array(scene.count) : null;
  for (const id of marks.selected) chosen[id] = 1;
  for (let id = 0; id < scene.count; id++) {
    faded[id] = +((isolated !== null && scene.label[id] !== isolated) || (found && !found[id]) || (chosen && !chosen[id]));
  }
  return faded;
}

function paintSoon() {
  if (!pending) pending = requestAnimationFrame(paint);
}

function advanceMorph() {
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
  advanceMorph();
  const scale = ratio(), width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
  if (canvas.width !== width || canvas.height !== height) {
    for (const layer of [canvas, overlay]) { layer.width = width; layer.height = height; }
  }
  view.top = TOP * scale;
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
  paintThumbnails(brush, width, height, scale, faded);
  paintNames(brush, scale);
  paintMarks(brush, scale);
  root.dataset.paints = Number(root.dataset.paints || 0) + 1;
}

function paintThumbnails(brush, width, height, scale, faded) {
  const wanted = withThumbnails && scene.dims === 2;
  const found = placeThumbnails(scene, screen, width, height, marks.rings, faded);
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
    brush.strokeStyle = marks.rings.includes(id) ? theme.ink : scene.classes[scene.label[id]].colour;
    brush.strokeRect(x, y, size, size);
  }
}

// The name of each kind in the middle of its points, the largest kind first, and none over another.
function paintNames(brush, scale) {
  if (scene.classes.length < 2 || scene.classes.length > MAX_NAMES) return;
  const taken = [], spots = middles();
  brush.font = `600 ${13 * scale}px system-ui, sans-serif`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  brush.lineWidth = 4 * scale;
  brush.lineJoin = "round";
  for (const { number, x, y } of spots) {
    const text = labelText(scene.classes[number]), across = brush.measureText(text).width / 2 + 3 * scale, down = 10 * scale;
    if (isolated !== null && isolated !== number) continue;
    if (taken.some((box) => Math.abs(box.x - x) < box.across + across && Math.abs(box.y - y) < 2 * down)) continue;
    taken.push({ x, y, across });
    brush.strokeStyle = theme.paper;
    brush.strokeText(text, x, y);
    brush.fillStyle = theme.ink;
    brush.fillText(text, x, y);
  }
}

// Where half of the points of a kind lie to each side, on the screen; of the large kinds only some points count.
function middles() {
  const points = scene.classes.map(() => []);
  for (let id = 0; id < scene.count; id++) points[scene.label[id]].push(id);
  const middle = (values) => Float32Array.from(values).sort()[values.length >> 1];
  return points
    .map((all, number) => {
      const some = all.filter((_, place) => place % Math.ceil(all.length / 200) === 0);
      return { number, count: all.length, x: middle(some.map((id) => screen.sx[id])), y: middle(some.map((id) => screen.sy[id])) };
    })
    .sort((a, b) => b.count - a.count);
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
  if (cursor >= 0 && cursor < scene.count) for (const [colour, radius] of [[theme.paper, 14], [theme.accent, 17]]) ring(at(cursor), radius, colour, 4);
  if (linkedHover >= 0 && linkedHover < scene.count) ring(at(linkedHover), 16, theme.accent, 3);
  if (marks.query) paintQuery(brush, scale, spokes);
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

function paintQuery(brush, scale, spokes) {
  const spot = { ...scene, xyz: Float32Array.from(scene.place(marks.query.at)), count: 1 };
  const there = { sx: [0], sy: [0], depth: [0] };
  projected(spot, view, overlay.width, overlay.height, there);
  const [x, y, size] = [there.sx[0], there.sy[0], 64 * scale];
  spokes([x, y], marks.query.near);
  if (queryImage.complete && queryImage.naturalWidth) brush.drawImage(queryImage, x - size / 2, y - size / 2, size, size);
  brush.lineWidth = 4 * scale;
  brush.strokeStyle = theme.accent;
  brush.strokeRect(x - size / 2, y - size / 2, size, size);
}
