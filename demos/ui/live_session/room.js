// Runs once when the screen of a room appears (gr.HTML's js_on_load): keys and buttons, the counts of phones and answers,
// and restoring the room after a reload of the page.
const INTERVAL = 1500; // milliseconds
const PATH = "{{path}}"; // first part of the addresses of rooms
const STORED = `unlabeled-${PATH}`;
const root = () => element.querySelector(".room");
const base = window.location.pathname.replace(/\/?$/, "/");
let timer = 0;
let version = 0; // of the screen: a response to a request from before its last change is out of date

// A page inside another site's may have no storage, and is not restored.
function storage() {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

function update() {
  clearTimeout(timer);
  version += 1;
  const room = root();
  if (room?.dataset.key) storage()?.setItem(STORED, room.dataset.key);
  else storage()?.removeItem(STORED);
  room?.scrollTo(0, 0);
  if (room?.dataset.room) poll(room, version);
}

async function poll(room, requested) {
  try {
    const response = await fetch(`${base}${PATH}/${room.dataset.room}/state`, { cache: "no-store" });
    const state = await response.json();
    if (requested !== version) return;
    if (response.status === 404) return trigger("refresh", { key: room.dataset.key });
    if (response.ok) draw(room, state);
  } catch {
    // the server may be back at the next request
  }
  if (requested === version) timer = setTimeout(poll, INTERVAL, room, requested);
}

function draw(room, state) {
  // another window of the same presenter has advanced the room
  const advanced = state.phase !== room.dataset.phase || String(state.number) !== room.dataset.number;
  if (advanced) return trigger("refresh", { key: room.dataset.key });
  for (const count of room.querySelectorAll(".count b")) count.textContent = state.here;
  for (const count of room.querySelectorAll(".answered b")) count.textContent = state.answered;
  const all = Math.max(state.here, state.answered, 1);
  room.querySelector(".bar.live")?.style.setProperty("--share", `${(100 * state.answered) / all}%`);
}

function advance() {
  const { key, phase, number } = root().dataset;
  trigger("advance", { key, phase, number: Number(number) }); // a second click names a phase that has passed, without effect
}

function onKey(event) {
  if (!element.isConnected) return window.removeEventListener("keydown", onKey, true);
  const room = root();
  if (!room?.checkVisibility() || event.altKey || event.ctrlKey || event.metaKey) return;
  if (!["ArrowLeft", "ArrowRight", "PageDown", "PageUp"].includes(event.key)) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // what lies below uses these keys too
  if (!["ArrowRight", "PageDown"].includes(event.key) || event.repeat) return;
  if (room.querySelector("[data-do=advance]")) advance();
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  if (button.dataset.do === "advance") advance();
  else trigger("close", { key: root().dataset.key ?? "" });
});
window.addEventListener("keydown", onKey, true); // before the listeners of the document
watch("value", () => requestAnimationFrame(update));
const key = storage()?.getItem(STORED);
if (key) requestAnimationFrame(() => setTimeout(() => trigger("refresh", { key }))); // after the rest of the page is up
