// Geometry and paint of the map, the first file of the plot's script; `scatter.js` goes on in the same scope.
// Points are written as pixels into one buffer: measured, that is faster than every WebGL layer where there is
// no graphics card, and no slower where there is one (see `scatter.py`).
const MAX_THUMBNAILS = 500; // thumbnails on the map at a time
const FOG = 6; // shades of depth in 3-D

const decode = (text, Kind) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
};

// Order in which points get a thumbnail: scattered, but the same every time.
const scattered = (count) => {
  const keys = Uint32Array.from({ length: count }, (_, id) => Math.imul(id + 1, 2654435761) >>> 0);
  return Uint32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]);
};

// Coordinates (count x dims) as x, y, z around 0, the farthest at 1; z is 0 on a flat map.
function normalised(points, count, dims) {
  const centre = [0, 0, 0], half = [0, 0, 0];
  for (let d = 0; d < dims; d++) {
    let low = Infinity, high = -Infinity;
    for (let i = d; i < count * dims; i += dims) { low = Math.min(low, points[i]); high = Math.max(high, points[i]); }
    centre[d] = (low + high) / 2;
    half[d] = (high - low) / 2;
  }
  const scale = dims === 3 ? Math.hypot(...half) || 1 : 1;
  const place = (point) => [0, 1, 2].map((d) => (d < dims ? (point[d] - centre[d]) / scale : 0));
  const xyz = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) xyz.set(place(points.subarray(i * dims, (i + 1) * dims)), i * 3);
  return { xyz, place, half: dims === 3 ? [1, 1] : [half[0] || 1, half[1] || 1] };
}

const rgb = (text) => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.fillStyle = text;
  pen.fillRect(0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data;
};
const mixed = (a, b, share) => [0, 1, 2].map((i) => Math.round(a[i] * (1 - share) + b[i] * share));
const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // as an RGBA pixel on little-endian

// A dot as offsets into the pixel buffer: the inside in the point's colour, its rim between that and the paper.
function stamp(radius, width) {
  const inside = [], rim = [], reach = Math.ceil(radius + 1);
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const distance = Math.hypot(x, y);
      if (distance <= radius - 0.5) inside.push(y * width + x);
      else if (distance <= radius + 0.5) rim.push(y * width + x);
    }
  }
  return { inside: Int32Array.from(inside), rim: Int32Array.from(rim), reach };
}

// Two shades of every class, near to far: what a dot is filled with, and its rim.
function palette(colours, paper) {
  return colours.map((colour) => Array.from({ length: FOG + 1 }, (_, depth) => {
    const fill = mixed(colour, paper, depth === FOG ? 0.82 : (0.6 * depth) / FOG); // the last one is a faded class
    return [packed(fill), packed(mixed(fill, paper, 0.6))];
  }));
}

// Where every point is on a screen of width x height pixels; `view` is {x, y, zoom, yaw, pitch, top}, `top` being the
// height of the controls, under which nothing lies at first.
function projected(scene, view, width, height, into) {
  const { xyz, half, dims, count } = scene, top = view.top ?? 0;
  const fill = dims === 3 ? 1.2 : 0.9; // a cloud hardly ever fills the ball around it
  const scale = fill * view.zoom * Math.min(width / 2 / half[0], (height - top) / 2 / half[1]);
  const [cy, sy, cp, sp] = [Math.cos(view.yaw), Math.sin(view.yaw), Math.cos(view.pitch), Math.sin(view.pitch)];
  const { sx, sy: screenY, depth } = into;
  for (let i = 0, j = 0; i < count; i++, j += 3) {
    let x = xyz[j], y = xyz[j + 1], z = 0;
    if (dims === 3) {
      const a = x * cy - y * sy, b = x * sy + y * cy, c = xyz[j + 2];
      x = a; y = c * cp - b * sp; z = c * sp + b * cp; // seen from the front, far is a large z
      const near = 2.6 / (2.6 + z);
      x *= near; y *= near;
    }
    sx[i] = width / 2 + (x - view.x) * scale;
    screenY[i] = (height + top) / 2 - (y - view.y) * scale;
    depth[i] = z;
  }
  return scale;
}

// Far points first, by counting sort: a comparison sort of 100,000 points takes longer than a frame.
function sortByDepth(order, depth) {
  const bins = 512, bin = (i) => bins - 1 - Math.max(0, Math.min(bins - 1, ((depth[i] + 1.2) / 2.4) * bins | 0));
  const starts = new Uint32Array(bins + 1);
  for (let i = 0; i < depth.length; i++) starts[bin(i) + 1]++;
  for (let b = 0; b < bins; b++) starts[b + 1] += starts[b];
  for (let i = 0; i < depth.length; i++) order[starts[bin(i)]++] = i;
}

// Writes all dots into `pixels`; those with `faded[i]` first, so that nothing hides the others. In 3-D far ones first.
function splat(pixels, width, height, scene, screen, shades, dots, faded) {
  const { count, label, dims } = scene;
  const { sx, sy, depth, order } = screen;
  const { inside, rim, reach } = dots;
  if (dims === 3) sortByDepth(order, depth);
  for (const pass of faded ? [1, 0] : [0]) {
    for (let n = 0; n < count; n++) {
      const i = dims === 3 ? order[n] : n;
      if (faded && faded[i] !== pass) continue;
      const x = Math.round(sx[i]), y = Math.round(sy[i]);
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      const shade = pass ? FOG : dims === 3 ? Math.max(0, Math.min(FOG - 1, ((depth[i] + 1) / 2) * FOG | 0)) : 0;
      const [fill, edge] = shades[label[i]][shade];
      const at = y * width + x;
      for (let k = 0; k < rim.length; k++) pixels[at + rim[k]] = edge;
      for (let k = 0; k < inside.length; k++) pixels[at + inside[k]] = fill;
    }
  }
}

// Which points get a thumbnail, as many as fit without covering each other, and how large these are.
function placeThumbnails(scene, screen, width, height, first, faded) {
  const { sx, sy } = screen;
  const inView = (id) => sx[id] >= 0 && sy[id] >= 0 && sx[id] <= width && sy[id] <= height;
  let visible = 0;
  for (let id = 0; id < scene.count; id++) visible += inView(id) && !faded?.[id];
  const room = Math.sqrt((width * height) / Math.max(1, visible)); // pixels of the screen a point has, per side
  const side = Math.min(64, Math.max(26, 0.8 * room));
  const columns = Math.ceil(width / side) + 2, taken = new Int32Array(columns * (Math.ceil(height / side) + 2)).fill(-1);
  const tiles = [];
  const claim = (id) => {
    const column = (sx[id] / side + 1) | 0, row = (sy[id] / side + 1) | 0;
    for (let r = Math.max(0, row - 1); r <= row + 1; r++) {
      for (let c = Math.max(0, column - 1); c <= column + 1; c++) {
        const other = taken[r * columns + c] ?? -1;
        if (other >= 0 && Math.abs(sx[other] - sx[id]) < side + 2 && Math.abs(sy[other] - sy[id]) < side + 2) return;
      }
    }
    taken[row * columns + column] = id;
    tiles.push(id);
  };
  for (const id of first) if (inView(id)) claim(id);
  if (room >= 8) { // far out there are only dots, and the marked ones
    for (let n = 0; n < scene.count && tiles.length < MAX_THUMBNAILS; n++) {
      const id = scene.scattered[n];
      if (inView(id) && !faded?.[id] && !first.includes(id)) claim(id);
    }
  }
  return { tiles, side };
}

const within = (polygon, x, y) => {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i], [bx, by] = polygon[j];
    if ((ay > y) !== (by > y) && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
};
