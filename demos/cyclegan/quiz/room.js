// Runs once when the stage of a room appears (gr.HTML's js_on_load): keys and buttons, the counts of phones and answers,
// and the way back to a room after the page was loaded anew.
const EVERY = 1500; // milliseconds
const KEPT = "unlabeled-room";
const root = () => element.querySelector(".room");
const base = window.location.pathname.replace(/\/?$/, "/");
let timer = 0;
let shown = 0; // how often the screen has changed: what was asked before it did is out of date

// The key of the room in the storage of this window; a page inside another site's may have none, and goes without.
function keep(key) {
  try {
    if (key) window.sessionStorage.setItem(KEPT, key);
    else window.sessionStorage.removeItem(KEPT);
  } catch {}
}

function kept() {
  try {
    return window.sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function take() {
  clearTimeout(timer);
  shown += 1;
  const room = root();
  keep(room?.dataset.key);
  room?.scrollTo(0, 0);
  if (room?.dataset.room) poll(room, shown);
}

async function poll(room, asked) {
  try {
    const answer = await fetch(`${base}room/${room.dataset.room}/state`, { cache: "no-store" });
    const state = await answer.json();
    if (asked !== shown) return;
    if (answer.status === 404) return trigger("look", { key: room.dataset.key });
    if (answer.ok) draw(room, state);
  } catch {
    // a server that is away for a moment; the next question tells
  }
  if (asked === shown) timer = setTimeout(poll, EVERY, room, asked);
}

function draw(room, state) {
  // another window of the same presenter has moved on
  const elsewhere = state.phase !== room.dataset.phase || String(state.number) !== room.dataset.number;
  if (elsewhere) return trigger("look", { key: room.dataset.key });
  for (const count of room.querySelectorAll(".count b")) count.textContent = state.here;
  for (const count of room.querySelectorAll(".answered b")) count.textContent = state.answered;
  const all = Math.max(state.here, state.answered, 1);
  room.querySelector(".bar.live")?.style.setProperty("--share", `${(100 * state.answered) / all}%`);
}

function forward() {
  const { key, phase, number } = root().dataset;
  trigger("forward", { key, phase, number: Number(number) }); // a second click finds the room elsewhere and changes nothing
}

function onKey(event) {
  if (!element.isConnected) return window.removeEventListener("keydown", onKey, true);
  const room = root();
  if (!room?.checkVisibility() || event.altKey || event.ctrlKey || event.metaKey) return;
  if (!["ArrowLeft", "ArrowRight", "PageDown", "PageUp"].includes(event.key)) return;
  event.preventDefault();
  event.stopImmediatePropagation(); // what lies under the stage has uses of its own for these keys
  if (!["ArrowRight", "PageDown"].includes(event.key) || event.repeat) return;
  if (room.querySelector("[data-do=on]")) forward();
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  if (button.dataset.do === "on") forward();
  else trigger("shut", { key: root().dataset.key ?? "" });
});
window.addEventListener("keydown", onKey, true); // before the listeners of the document
watch("value", () => requestAnimationFrame(take));
const key = kept();
if (key) requestAnimationFrame(() => setTimeout(() => trigger("look", { key }))); // after the rest of the page is up
