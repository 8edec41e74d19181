// Runs once when the view of a run appears (gr.HTML's js_on_load): draws what `props.value` tells of a run, lets a
// finished one be played again, and asks for the whole story when a part of it did not arrive.
const find = (selector) => element.querySelector(selector);
const root = find(".run");
const slider = find(".run-slider");
const play = find(".run-play");
const MAX_HEIGHT = 460; // pixels of a sheet

let run = null; // {id, live, total, start, rows, frames, remarks, charts}
let at = 0; // the step shown
const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
let playing = 0; // id of the next animation frame, 0 while still
let speed = 30;

const lastStep = () => (run.rows.length ? run.rows[run.rows.length - 1].step : 0);
const clockOf = (row) => row.time - run.start;

function take(value) {
  const told = JSON.parse(value);
  if (told.stale) return void trigger("stale", {});
  if (told.unlisted) return void trigger("unlisted", {});
  if (!told.id) return void (root.hidden = true);
  root.hidden = false;
  if (told.after > 0) {
    if (!run || run.id !== told.id || lastStep() !== told.after) return void trigger("stale", {});
    const followed = at >= lastStep();
    run.rows.push(...told.rows);
    run.frames.push(...told.frames);
    run.remarks.push(...told.remarks);
    Object.assign(run, { head: told.head, live: told.live });
    if (followed) at = lastStep();
  } else {
    stop();
    run = told;
    run.start = run.rows.length ? run.rows[0].time : 0;
    at = lastStep();
    build();
  }
  drawCharts();
  draw();
}

function build() {
  find(".run-charts").replaceChildren(...run.charts.map(() => document.createElement("data-chart")));
}

const chartElements = () => [...find(".run-charts").children];

// The charts have all rows that have arrived; `draw` moves the moment up to which they are shown.
function drawCharts() {
  const x = run.rows.map((row) => row.step);
  run.charts.forEach(({ names, ...spec }, place) => {
    const series = spec.series.map((one, number) => ({ ...one, values: run.rows.map((row) => row[names[number]]) }));
    chartElements()[place].spec = { ...spec, x, series };
  });
}

function drawFrame() {
  const frame = [...run.frames].reverse().find((one) => one.step <= at) ?? run.frames[0];
  const sheet = find(".run-sheet");
  const image = sheet.querySelector("img");
  find(".run-samples").hidden = !frame;
  if (!frame) return;
  // One sheet of a strip of `of` sheets, the `place`-th from the top.
  if (image.getAttribute("src") !== frame.url) image.src = frame.url;
  sheet.style.aspectRatio = frame.ratio;
  sheet.style.maxWidth = `${MAX_HEIGHT * frame.ratio}px`;
  image.style.height = `${100 * frame.of}%`;
  image.style.top = `${-100 * frame.place}%`;
  find(".run-frame-step").textContent = frame.step;
  for (const button of find(".run-film").children) button.ariaCurrent = String(Number(button.dataset.step) === frame.step);
}

function drawFilm() {
  const film = find(".run-film");
  const stride = Math.max(1, Math.ceil(run.frames.length / 12));
  const shown = run.frames.filter((_, place) => (run.frames.length - 1 - place) % stride === 0);
  const key = shown.map((frame) => frame.step).join() + run.id;
  if (film.dataset.key === key) return;
  film.dataset.key = key;
  film.replaceChildren(...shown.map((frame) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.step = frame.step;
    button.innerHTML = `<span class="run-crop" style="aspect-ratio:${frame.ratio}"><img alt="" src="${frame.url}"
      style="height:${100 * frame.of}%;top:${-100 * frame.place}%"></span><small>${frame.step}</small>`;
    return button;
  }));
}

function draw() {
  find(".run-head").innerHTML = run.head;
  root.dataset.state = run.live ? "live" : "finished";
  slider.max = Math.max(lastStep(), 1);
  slider.value = at;
  find(".run-step").textContent = `${Math.round(at)} / ${run.total}`;
  drawFilm();
  drawFrame();
  for (const chart of chartElements()) chart.at = at;
  const remark = [...run.remarks].reverse().find((one) => one.step <= at);
  const words = find(".run-remark");
  if (words.dataset.html !== (remark?.html ?? "")) {
    words.dataset.html = remark?.html ?? "";
    words.innerHTML = words.dataset.html;
  }
}

function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  play.dataset.playing = "false";
}

function start() {
  // The story runs as the clock did, only faster; from the beginning if it stands at its end.
  if (!run || run.rows.length < 2) return;
  if (at >= lastStep()) at = 0;
  if (reducedMotion.matches) { // one frame further instead
    at = (run.frames.find((frame) => frame.step > at) ?? run.frames.at(-1))?.step ?? lastStep();
    return draw();
  }
  const first = run.rows.find((row) => row.step >= at) ?? run.rows[0];
  const from = clockOf(first);
  const began = performance.now();
  play.dataset.playing = "true";
  const tick = (now) => {
    const clock = from + ((now - began) / 1000) * speed;
    const after = run.rows.findIndex((row) => clockOf(row) >= clock);
    if (after < 0) {
      at = lastStep();
      stop();
      return draw();
    }
    const [a, b] = [run.rows[Math.max(0, after - 1)], run.rows[after]];
    const share = b === a ? 1 : (clock - clockOf(a)) / Math.max(1e-6, clockOf(b) - clockOf(a));
    at = a.step + (b.step - a.step) * Math.min(1, Math.max(0, share));
    draw();
    playing = requestAnimationFrame(tick);
  };
  playing = requestAnimationFrame(tick);
}

play.addEventListener("click", () => (playing ? stop() : start()));
slider.addEventListener("input", () => {
  stop();
  at = Number(slider.value);
  if (run) draw();
});
find(".run-charts").addEventListener("seek", ({ detail }) => {
  stop();
  at = detail;
  draw();
});
find(".run-film").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  stop();
  at = Number(button.dataset.step);
  draw();
});
for (const button of element.querySelectorAll(".run-speed button")) {
  button.addEventListener("click", () => {
    speed = Number(button.dataset.speed);
    for (const other of element.querySelectorAll(".run-speed button")) other.ariaPressed = String(other === button);
    if (playing) {
      stop();
      start();
    }
  });
}

watch("value", () => take(props.value || "{}"));
take(props.value || "{}");
// After the rest of the page is up, so that what the browser remembers of its visitor has been read.
requestAnimationFrame(() => setTimeout(() => trigger("ready", {})));
