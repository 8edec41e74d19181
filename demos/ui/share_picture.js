// Draws what a tab shows as one picture when the button of `share_picture.py` is pressed, and hands it on or saves it.
const SHARED = { width: 1200, height: 600, pad: 40, gap: 20, code: 116 };
const SHARED_FONT = 'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Noto Sans CJK SC", sans-serif';
const SHARED_COLOURS = { paper: "#fbfaf8", ink: "#1f1d1b", soft: "#6b6660", accent: "#0f766e" };

const STRIP = 4; // how often as wide as high an image is that is called a strip

// The text of a node in the reader's language alone.
function readable(node) {
  const other = document.documentElement.lang.startsWith("zh") ? "en" : "zh";
  const copy = document.createElement("div");
  copy.append(node.content?.cloneNode(true) ?? node.cloneNode(true));
  for (const part of copy.querySelectorAll(`style, [lang="${other}"]:not([translate])`)) part.remove();
  for (const end of copy.querySelectorAll("br, p, b, div")) end.after(" ");
  return copy.textContent.replace(/\s+/g, " ").replace(/ ([,.;:，。；：])/g, "$1").trim();
}

const loaded = (url) =>
  new Promise((done) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => done(null);
    image.src = url;
  });

const isCut = (layer) => getComputedStyle(layer).objectFit === "cover"; // the page shows a part of the image
const breadth = (layer) =>
  isCut(layer) ? layer.clientWidth / layer.clientHeight : (layer.naturalWidth || layer.width) / (layer.naturalHeight || layer.height);

// Words, or characters where a language has no spaces, in as many lines as there may be; what is left ends in "…".
function wrapped(pen, text, room, most) {
  const lines = [""];
  for (const piece of text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s+/g) ?? []) {
    if (pen.measureText(lines.at(-1) + piece).width <= room) lines[lines.length - 1] += piece;
    else if (lines.length < most) lines.push(piece.trimStart());
    else {
      while (pen.measureText(`${lines[most - 1]} …`).width > room) lines[most - 1] = lines[most - 1].slice(0, -1).trimEnd();
      lines[most - 1] += " …";
      break;
    }
  }
  return lines;
}

function drawLayer(pen, layer, x, y, width, height) {
  if (!isCut(layer)) return pen.drawImage(layer, x, y, width, height);
  const { naturalWidth, naturalHeight } = layer, ratio = width / height;
  const [across, down] = getComputedStyle(layer).objectPosition.split(" ").map((share) => parseFloat(share) / 100);
  const cut = [Math.min(naturalWidth, naturalHeight * ratio), Math.min(naturalHeight, naturalWidth / ratio)];
  pen.drawImage(layer, across * (naturalWidth - cut[0]), down * (naturalHeight - cut[1]), ...cut, x, y, width, height);
}

// Side by side, or one below the other where each is a long strip.
function drawImages(pen, images, top, bottom) {
  const { width, pad, gap } = SHARED, ratios = images.map(([first]) => breadth(first));
  const rows = Math.min(...ratios) > STRIP ? images.map((each) => [each]) : [images];
  const room = (bottom - top - gap * (rows.length - 1)) / rows.length;
  rows.forEach((row, place) => {
    const sum = row.reduce((all, [first]) => all + breadth(first), 0);
    const height = Math.min((width - 2 * pad - gap * (row.length - 1)) / sum, room);
    let x = (width - height * sum - gap * (row.length - 1)) / 2;
    const y = top + place * (room + gap) + (room - height) / 2;
    for (const layers of row) {
      for (const layer of layers) drawLayer(pen, layer, x, y, height * breadth(layers[0]), height);
      x += height * breadth(layers[0]) + gap;
    }
  });
}

// Name, address and code of the view, where another device could open it.
async function drawAddress(pen, note) {
  const { width, height, pad, code } = SHARED, { ink, soft } = SHARED_COLOURS, { hostname, host, pathname, href } = window.location;
  const own = /^(localhost|.*\.localhost|127\..*|\[::1\]|0\.0\.0\.0)$/.test(hostname);
  const drawn = own ? null : await loaded(`qr.png?text=${encodeURIComponent(href)}`);
  const right = width - pad - (drawn ? code + 16 : 0), lines = [["Unlabeled", `600 26px ${SHARED_FONT}`, ink]];
  if (!own) lines.push([host + pathname.replace(/\/$/, ""), `20px ${SHARED_FONT}`, soft], [note, `17px ${SHARED_FONT}`, soft]);
  if (drawn) pen.drawImage(drawn, width - pad - code, height - pad - code, code, code);
  pen.textAlign = "right";
  lines.forEach(([text, font, colour], number) => {
    pen.font = font;
    pen.fillStyle = colour;
    pen.fillText(text, right, height - pad - 30 * (lines.length - 1 - number) - 6);
  });
  return right - Math.max(...lines.map(([text, font]) => ((pen.font = font), pen.measureText(text).width)));
}

async function sharedPicture(images, text, fact) {
  const page = document.createElement("canvas"), { width, height, pad, code } = SHARED;
  [page.width, page.height] = [width, height];
  const pen = page.getContext("2d");
  pen.fillStyle = SHARED_COLOURS.paper;
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  drawImages(pen, images, pad + 64, height - pad - code - 20);
  const end = await drawAddress(pen, text("link"));
  pen.textAlign = "left";
  pen.fillStyle = SHARED_COLOURS.ink;
  pen.font = `700 40px ${SHARED_FONT}`;
  pen.fillText(wrapped(pen, text("title"), width - 2 * pad, 1)[0], pad, pad + 34);
  pen.fillStyle = SHARED_COLOURS.accent;
  pen.font = `600 28px ${SHARED_FONT}`;
  const lines = wrapped(pen, fact, end - 2 * pad, 3);
  lines.forEach((line, number) => pen.fillText(line, pad, height - pad - 36 * (lines.length - 1 - number) - 6));
  return new Promise((done) => page.toBlob(done, "image/png"));
}

async function handOn(blob, name, title) {
  const file = new File([blob], name, { type: blob.type });
  if (window.matchMedia("(pointer: coarse)").matches && navigator.canShare?.({ files: [file] })) {
    try {
      return void (await navigator.share({ files: [file], title }));
    } catch (error) {
      if (error.name === "AbortError") return; // the visitor thought better of it
    }
  }
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function sharePicture(button) {
  const whole = button.closest(".share-row"), text = (name) => readable(one(`[data-text=${name}]`, whole));
  const layers = JSON.parse(button.dataset.share).map((slot) => slot.map((each) => one(each, document)));
  const images = layers.filter((slot) => slot.every((each) => isShown(each) && breadth(each) > 0));
  const line = button.dataset.fact && one(button.dataset.fact, document);
  window.unlabeled.write(); // the address of the view itself
  if (images.length) {
    const blob = await sharedPicture(images, text, line ? readable(line) : text("fact"));
    await handOn(blob, `unlabeled-${openTab()}.png`, text("title"));
  }
  one(".share-told", whole).textContent = text(images.length ? "saved" : "nothing");
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-share]");
  if (button) sharePicture(button);
});
