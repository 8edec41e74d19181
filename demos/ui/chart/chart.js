// Draws what a <data-chart> is told in `spec` (made by `chart_spec`), with uPlot; fetched by `element.js`.
const MAX_TICK_LABELS = 12;
const LOG_FROM = 100; // times that the largest value is more than the smallest

const isNumber = (value) => Number.isFinite(value);
const short = (value) => {
  if (!isNumber(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 1 ? 2 : 3;
  return size > 0 && size < 0.001 ? value.toExponential(1) : value.toFixed(digits);
};

function node(tag, className, html = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.innerHTML = html; // texts made on the server, in every language
  return made;
}

let made = 0;

export class Drawing {
  constructor(element) {
    this.element = element;
    this.looks = new MutationObserver(() => this.draw());
    this.looks.observe(document.body, { attributeFilter: ["class"] });
    this.sizes = new ResizeObserver(() => this.fit());
    this.onSlide = ({ target }) => {
      if (this.spec.slider && target.matches?.(this.spec.slider)) this.element.at = Number(target.value);
    };
    document.addEventListener("input", this.onSlide);
    this.show();
  }

  end() {
    this.looks.disconnect();
    this.sizes.disconnect();
    document.removeEventListener("input", this.onSlide);
    this.plot?.destroy();
  }

  get slider() { return this.spec.slider && document.querySelector(this.spec.slider); }

  // Builds everything, or only moves the lines of a chart that has grown.
  show() {
    const spec = this.element.spec, { x, series, ...rest } = spec;
    const key = JSON.stringify([rest, series.map(({ values, ...looks }) => looks)]);
    const grown = key === this.key && this.element.firstChild && this.plot;
    Object.assign(this, { key, spec, isOpen: this.table?.open });
    if (!grown) this.build();
    if (this.slider) this.element.at = Number(this.slider.value);
    const log = this.isLog();
    if (grown && log === this.log) {
      this.plot.setData(this.data());
      this.tell();
    } else {
      this.log = log;
      this.draw();
    }
    if (this.table.open) this.fillTable();
  }

  build() {
    const { title, hint, unit, xName, series, words } = this.spec;
    const figure = node("figure", "chart"), head = node("figcaption", "chart-head");
    head.id = `chart-${++made}`;
    head.append(node("span", "chart-title", title), ...series.map((one) => {
      const key = node("span", "chart-key", `<i></i><span>${one.name}</span> <output></output>`);
      Object.assign(key.dataset, { style: one.style, tone: one.tone });
      return key;
    }));
    this.unit = node("div", "chart-unit", unit);
    this.place = node("div", "chart-plot");
    this.place.setAttribute("role", "img");
    this.place.setAttribute("aria-labelledby", head.id);
    this.foot = node("div", "chart-foot", `<span>${xName}</span> <output></output>`);
    this.table = node("details", "chart-table", `<summary>${words.table}</summary><div tabindex="0"></div>`);
    this.table.open = this.isOpen ?? false;
    this.table.addEventListener("toggle", () => { if (this.table.open) this.fillTable(); });
    figure.append(head, this.unit, this.place, this.foot, ...(hint ? [node("p", "chart-hint", hint)] : []), this.table);
    this.plot?.destroy();
    this.plot = null;
    this.element.replaceChildren(figure);
    this.outputs = [...head.querySelectorAll("output")];
    this.sizes.disconnect();
    this.sizes.observe(this.place);
  }

  data() { return [this.spec.x, ...this.spec.series.map((one) => one.values.map((value) => (isNumber(value) ? value : null)))]; }

  isLog() {
    if (this.spec.range || this.spec.series.some((one) => one.style === "bars")) return false;
    const values = this.spec.series.flatMap((one) => one.values).filter(isNumber);
    return values.length > 1 && Math.min(...values) > 0 && Math.max(...values) > LOG_FROM * Math.min(...values);
  }

  fit() {
    const width = this.place.clientWidth, height = this.place.clientHeight;
    if (!width || !height) return;
    if (!this.plot) this.draw();
    else if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height });
  }

  colours() {
    const style = getComputedStyle(this.element.firstChild);
    const of = (name) => style.getPropertyValue(name).trim();
    const tones = ["first", "soft", "second", "quiet", "ink"].map((tone) => [tone, of(`--chart-${tone}`)]);
    return { ...Object.fromEntries(tones), text: of("--ink-soft"), grid: of("--line"), paper: of("--paper") };
  }

  draw() {
    this.plot?.destroy();
    this.plot = null;
    this.unit.innerHTML = [this.spec.unit, this.log ? this.spec.words.log : ""].filter(Boolean).join(" · ");
    if (!this.place.clientWidth) return;
    this.shades = this.colours();
    this.plot = new uPlot(this.options(), this.data(), this.place);
    this.plot.over.addEventListener("pointerdown", (event) => this.press(event));
    this.plot.over.addEventListener("pointermove", (event) => { if (event.buttons) this.press(event); });
    this.tell();
  }

  options() {
    const { shades, spec } = this, font = `12px ${getComputedStyle(this.element).fontFamily}`;
    const line = { stroke: shades.text, font, grid: { stroke: shades.grid, width: 1 }, ticks: { show: false } };
    return {
      width: this.place.clientWidth,
      height: this.place.clientHeight,
      legend: { show: false },
      padding: [8, 10, 0, 0],
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 7 },
        ...(spec.group ? { sync: { key: spec.group } } : {}),
      },
      scales: {
        x: { time: false, range: (_, low, high) => this.across(low, high) },
        y: { distr: this.log ? 3 : 1, range: (_, low, high) => this.upright(low, high) },
      },
      axes: [
        { ...line, grid: { show: false }, size: 26, gap: 4, space: 44, ...this.ticks() },
        { ...line, gap: 4, space: 22, size: (_, labels) => 12 + 6.6 * Math.max(3, ...(labels ?? []).map((one) => String(one ?? "").length)) },
      ],
      series: [{}, ...spec.series.map((one) => this.line(one))],
      hooks: { setCursor: [() => this.tell()], draw: [() => this.marks()] },
    };
  }

  line({ style, tone }) {
    const stroke = this.shades[tone];
    if (style === "bars") return { stroke, fill: stroke, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.8, 60] }) };
    if (style === "points") return { stroke, width: 2, paths: () => null, points: { show: true, size: 11, width: 2 } };
    const few = this.spec.x.length <= 2 * MAX_TICK_LABELS;
    return { stroke, width: 2, spanGaps: true, dash: style === "dashed" ? [6, 5] : [], points: { show: few, size: 5, fill: stroke } };
  }

  ticks() {
    const { x, xLabels } = this.spec;
    if (!xLabels.length || xLabels.length > MAX_TICK_LABELS) return { incrs: [1, 2, 5].flatMap((n) => [...Array(9).keys()].map((e) => n * 10 ** e)).sort((a, b) => a - b) };
    return { splits: () => x, values: () => xLabels };
  }

  across(low, high) {
    const bars = this.spec.series.some((one) => one.style === "bars");
    const margin = bars ? 0.5 : this.spec.xLabels.length ? 0.25 : 0;
    const [first, last] = this.spec.xRange ?? [low, high];
    const least = Math.min(low, first), most = Math.max(high, last);
    return [least - margin, (most > least ? most : least + 1) + margin];
  }

  upright(low, high) {
    const { range, guide, series } = this.spec;
    const known = [low, high, ...(range ?? []), guide].filter(isNumber);
    if (series.some((one) => one.style === "bars")) known.push(0);
    if (this.log) return uPlot.rangeLog(Math.min(...known), Math.max(...known), 10, false);
    const [least, most] = [Math.min(...known), Math.max(...known)], room = (most - least || Math.abs(most) || 1) * 0.05;
    const roundBelow = least === 0 || (range && least === range[0]), roundAbove = range && most === range[1];
    return [roundBelow ? least : least - room, roundAbove ? most : most + room];
  }

  // The dashed guide, and the veil over what lies after the moment that is shown.
  marks() {
    const { plot, shades, spec } = this, { left, top, width, height } = plot.bbox, pen = plot.ctx, { at } = this.element;
    pen.save();
    if (isNumber(spec.guide)) this.stroke([[left, plot.valToPos(spec.guide, "y", true)], [left + width, plot.valToPos(spec.guide, "y", true)]], shades.text, [4, 4]);
    if (isNumber(at)) {
      const x = Math.min(left + width, Math.max(left, plot.valToPos(at, "x", true)));
      if (!spec.xLabels.length) {
        pen.globalAlpha = 0.75;
        pen.fillStyle = shades.paper;
        pen.fillRect(x, top, left + width - x + 2 * devicePixelRatio, height);
        pen.globalAlpha = 1;
      }
      this.stroke([[x, top], [x, top + height]], shades.ink, []);
    }
    pen.restore();
  }

  stroke([from, to], colour, dash) {
    const pen = this.plot.ctx;
    pen.strokeStyle = colour;
    pen.lineWidth = devicePixelRatio;
    pen.setLineDash(dash.map((each) => each * devicePixelRatio));
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  }

  moved() {
    this.plot?.redraw(false, false);
    this.tell();
  }

  // Says the values under the pointer; without one those of the moment that is shown, or the last.
  tell() {
    if (!this.outputs) return;
    const { x, xLabels, xName, series } = this.spec, { at } = this.element;
    const pointed = this.plot?.cursor.idx;
    const shown = isNumber(at) ? x.findLastIndex((one) => one <= at + 1e-9) : x.length - 1;
    const index = pointed ?? shown;
    const quiet = pointed == null && !isNumber(at);
    series.forEach((one, place) => {
      const value = pointed == null ? one.values.slice(0, shown + 1).findLast(isNumber) : one.values[index];
      const silent = one.style === "bars" && (quiet || !isNumber(value));
      this.outputs[place].textContent = silent || (quiet && xLabels.length) ? "" : short(value);
    });
    const name = index < 0 || quiet ? "" : xLabels[index] ?? short(x[index]);
    this.foot.querySelector("output").textContent = name;
    this.foot.hidden = !xName;
  }

  press(event) {
    const { x, xLabels, slider } = this.spec;
    const place = this.plot.posToVal(event.clientX - this.plot.over.getBoundingClientRect().left, "x");
    const at = Math.min(x[x.length - 1], Math.max(x[0], xLabels.length ? Math.round(place) : place));
    this.element.dispatchEvent(new CustomEvent("seek", { detail: at, bubbles: true }));
    if (!slider || !this.slider) return;
    this.slider.value = at;
    this.slider.dispatchEvent(new Event("input", { bubbles: true }));
  }

  fillTable() {
    const { x, xLabels, xName, title, series } = this.spec, table = document.createElement("table");
    const head = table.createTHead().insertRow(), body = table.createTBody();
    for (const name of [xName, ...series.map((one) => one.name || title)]) {
      const cell = node("th", "", name);
      cell.scope = "col";
      head.append(cell);
    }
    x.forEach((value, row) => {
      const cells = body.insertRow();
      cells.append(Object.assign(node("th", ""), { scope: "row", textContent: xLabels[row] ?? value }));
      for (const { values } of series) cells.insertCell().textContent = isNumber(values[row]) ? values[row] : "";
    });
    this.table.lastChild.replaceChildren(table);
  }
}
