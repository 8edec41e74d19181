// What lies around the points: hover card, legend, search, selection, and the link to other plots.

function setThumbnail(target, id) {
  const { urls, columns, capacity } = scene.sprite;
  const { sheet, column, row } = cellOf(id);
  const rows = Math.ceil(Math.min(capacity, scene.count - sheet * capacity) / columns);
  const share = (place, all) => (all > 1 ? (100 * place) / (all - 1) : 0);
  target.style.backgroundImage = `url("${urls[sheet]}")`;
  target.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  target.style.backgroundPosition = `${share(column, columns)}% ${share(row, rows)}%`;
}

function setLabel(target, category) {
  // Built-in labels come as HTML in every language, made on the server; a visitor's own are plain text.
  if (category.html) target.innerHTML = category.html;
  else target.textContent = category.name.replaceAll("_", " ");
}

// The same as one text, in the reader's language.
function labelText(category) {
  const label = document.createElement("span"), language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  setLabel(label, category);
  return (label.querySelector(`[lang=${language}]`) ?? label).textContent;
}

function showCard(id, x, y) {
  const category = scene.classes[scene.label[id]];
  setThumbnail(find(".scatter-thumbnail"), id);
  setLabel(find(".scatter-kind"), category);
  find(".scatter-kind").style.setProperty("--dot", category.colour);
  find(".scatter-file").textContent = scene.names[id];
  card.dataset.id = id;
  card.hidden = false;
  const gap = 18 + side / 2 / ratio(), { offsetWidth: width, offsetHeight: height } = card;
  const left = x + gap + width > frame.clientWidth ? x - gap - width : x + gap;
  card.style.left = `${Math.max(0, left)}px`;
  card.style.top = `${frame.offsetTop + Math.min(Math.max(0, y - height / 2), frame.clientHeight - height)}px`;
}

function hideCard() {
  if (card.hidden) return;
  card.hidden = true;
  broadcast({ hover: -1 });
}

// Maps of the same link show each other's hovers and lassos.
const broadcast = (message) =>
  document.dispatchEvent(new CustomEvent("scatter-link", { detail: { link: root.dataset.link, key: scene?.key, from: element, ...message } }));
document.addEventListener("scatter-link", ({ detail }) => {
  if (!root.dataset.link || detail.link !== root.dataset.link || detail.from === element || detail.key !== scene?.key) return;
  if (detail.asks && marks.selected.length) broadcast({ selected: marks.selected });
  if (detail.hover !== undefined) linkedHover = detail.hover;
  if (detail.selected) { marks.selected = detail.selected.filter((id) => id < scene.count); showSelection(); }
  paintSoon();
});

function drawLegend() {
  const counts = new Uint32Array(scene.classes.length);
  for (const category of scene.label) counts[category]++;
  legend.replaceChildren(...scene.classes.map((category, number) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "scatter-chip";
    chip.style.setProperty("--dot", category.colour);
    chip.setAttribute("aria-pressed", String(isolated === number));
    chip.dataset.faded = String(isolated !== null && isolated !== number);
    const label = document.createElement("span");
    setLabel(label, category);
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

// A placeholder has one language: the reader's.
function nameSearch() {
  const language = document.documentElement.matches(":lang(zh)") ? "zh" : "en";
  const text = find(".scatter-placeholder").content.querySelector(`[lang=${language}]`).textContent;
  search.placeholder = text.replace("{count}", scene.count.toLocaleString(language));
}

// By file name or label, in any of the page's languages.
function runSearch() {
  const wanted = search.value.trim().toLowerCase();
  found = null;
  if (wanted) {
    const label = document.createElement("span");
    const matching = scene.classes.map((category) => { setLabel(label, category); return label.textContent.toLowerCase().includes(wanted); });
    found = Uint8Array.from(scene.names, (name, id) => +(matching[scene.label[id]] || name.toLowerCase().includes(wanted)));
  }
  root.dataset.found = found ? found.reduce((sum, one) => sum + one, 0) : "";
  find(".scatter-found").textContent = root.dataset.found;
  paintSoon();
}

function select(ids) {
  marks.selected = ids;
  showSelection();
  broadcast({ selected: ids });
  const bytes = new Uint8Array(Uint32Array.from(ids).buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  report("lasso", { ids: btoa(text) });
  paintSoon();
}
