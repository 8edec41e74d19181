// Runs once when the head of the page appears (gr.HTML's js_on_load): keys, the link to what is shown, the way of a
// picture to another tab, the large view for a talk, and the tour. Texts stand in the markup, in every language.
const one = (selector, from = element) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const isShown = (node) => Boolean(node && node.checkVisibility());
const tabButtons = () => all("#tabs > .tab-wrapper [role=tab]").filter((tab) => !tab.closest("[aria-hidden=true]"));
const names = JSON.parse(one(".tools").dataset.tabs);
const openTab = () => names.find((name) => isShown(document.getElementById(`tab-${name}`))) ?? names[0];

// --- The address: `tab` and `present` belong to the page, everything else to the tab that is open -----------------

const PAGES_OWN = (name) => name === "tab" || name === "present" || name.startsWith("__");
const states = {}; // tab -> {name: text}, what differs from how the tab opens
let waiting = 0;

function write(how = "replaceState") {
  const address = new URL(window.location);
  for (const name of [...address.searchParams.keys()]) if (!PAGES_OWN(name)) address.searchParams.delete(name);
  const tab = window.unlabeledChosen ?? address.searchParams.get("tab") ?? names[0];
  for (const [name, text] of Object.entries(states[tab] ?? {})) address.searchParams.set(name, text);
  if (address.href !== window.location.href) window.history[how](window.history.state, "", address);
}

function note(tab, name, value, usual) {
  states[tab] ??= {};
  const text = typeof value === "boolean" ? String(Number(value)) : String(value ?? "");
  if (text === "" || text === usual) delete states[tab][name];
  else states[tab][name] = text;
  window.clearTimeout(waiting);
  waiting = window.setTimeout(write, 150); // browsers allow few changes a second, and a dragged slider makes many
}

// A card that opens or closes is a step that Back takes back.
function noteCard(tab, name) {
  states[tab] ??= {};
  if (name) states[tab].open = name;
  else delete states[tab].open;
  if (openTab() === tab) write("pushState");
}

function showCard(tab, name) {
  document.dispatchEvent(new CustomEvent("unlabeled-card", { detail: { tab, name } }));
}

function onHistory() {
  const { searchParams } = new URL(window.location), tab = searchParams.get("tab") ?? names[0];
  if (!names.includes(tab)) return;
  const name = searchParams.get("open") ?? "";
  states[tab] ??= {};
  if (name) states[tab].open = name;
  else delete states[tab].open;
  window.unlabeledChosen = tab;
  if (openTab() !== tab) tabButtons()[names.indexOf(tab)]?.click();
  showCard(tab, name);
  write(); // everything else stays as it is shown
}

const cardOf = (tab) => states[tab]?.open ?? "";
window.unlabeled = { note, noteCard, cardOf, write, bring, bringTab, arrived, take, sent: null };

function openLinkedState() {
  const address = new URL(window.location);
  const tab = address.searchParams.get("tab") ?? names[0];
  const state = Object.fromEntries([...address.searchParams].filter(([name]) => !PAGES_OWN(name)));
  if (!names.includes(tab) || Object.keys(state).length === 0) return;
  states[tab] = { ...state };
  if (state.open) showCard(tab, state.open);
  if (Object.keys(state).some((name) => name !== "open")) bringTab(tab).then(() => trigger(`link_${tab}`, { state }));
}

// --- A picture travels -------------------------------------------------------------------------------------------

const sender = one(".send");
const menu = one(".send-menu");
let picture = null; // the image that the button stands on

function offerToSend(event) {
  const holder = event.target.closest?.(".picture, .sendable");
  const image = holder && one("img[src*='/file=']", holder);
  if (!isShown(image) || !menu.hidden) return;
  picture = image;
  const frame = image.getBoundingClientRect();
  sender.style.left = `${frame.left + 8}px`;
  sender.style.top = `${frame.top + 8}px`;
  sender.hidden = false;
}

function withdraw(event) {
  const towards = event.relatedTarget;
  if (menu.hidden && !towards?.closest?.(".picture, .sendable, .send")) sender.hidden = true;
}

function openMenu() {
  if (!isShown(picture)) return;
  const frame = picture.getBoundingClientRect();
  menu.hidden = false;
  const left = Math.min(frame.left + 8, document.documentElement.clientWidth - menu.offsetWidth - 8);
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, frame.top + 8)}px`;
  one("button", menu).focus();
}

function closeMenu() {
  menu.hidden = sender.hidden = true;
}

function send(target) {
  const url = new URL(picture.currentSrc || picture.src);
  const path = decodeURIComponent(url.pathname.split("/file=")[1]);
  const data = { path, url: url.href, orig_name: path.split("/").pop(), meta: { _type: "gradio.FileData" } };
  window.unlabeled.sent = data;
  closeMenu();
  const [tab, photo] = RECEIVERS[target];
  note(tab, photo, "", ""); // what was sent is in no link
  bringTab(tab).then(() => trigger(`send_${target}`, {}));
}

// --- The tour ----------------------------------------------------------------------------------------------------

const card = one(".tour-card");
let steps = []; // of the open tab: {target, html}
let step = 0;
let toured = ""; // the tab

// Waits until all selectors find something, at most three seconds: what a part brings is drawn piece by piece.
async function drawn(selectors) {
  const latest = performance.now() + 3000;
  while (!selectors.every((each) => document.querySelector(each)) && performance.now() < latest)
    await new Promise(requestAnimationFrame);
}

async function startTour() {
  toured = openTab();
  const stops = all("[data-at]", one(`template[data-tour="${toured}"]`).content);
  await bringTab(toured).then(() => drawn(stops.map((stop) => stop.dataset.at)));
  steps = stops.map((stop) => ({ target: stop.dataset.at, html: stop.innerHTML }));
  steps = steps.filter(({ target }) => document.querySelector(target));
  if (steps.length) showStep(0);
}

function endTour() {
  showStep(-1);
  window.scrollTo({ top: 0, behavior: "instant" });
  [one(".tools [data-do=tour]"), one(".tools-more")].find(isShown)?.focus({ preventScroll: true });
}

function showStep(number) {
  all(".tour-target").forEach((node) => node.classList.remove("tour-target"));
  step = number;
  if (number < 0 || number >= steps.length) return void (card.hidden = true);
  const target = document.querySelector(steps[number].target);
  for (let fold = target.closest(".block.options, .block.aside, .block.card-panel"); fold; fold = null) {
    if (fold !== target && !isShown(target)) one(".label-wrap", fold)?.click();
  }
  target.classList.add("tour-target");
  one(".tour-text", card).innerHTML = steps[number].html;
  one(".tour-count", card).textContent = `${number + 1} / ${steps.length}`;
  one("[data-do=tour-back]", card).disabled = number === 0;
  all("[data-last]", card).forEach((text) => (text.hidden = (text.dataset.last === "1") !== (number === steps.length - 1)));
  card.hidden = false;
  showTarget();
  one("[data-do=tour-on]", card).focus({ preventScroll: true });
}

// The card is docked at the foot of the window: what it tells of stands in the room above it.
function showTarget() {
  const target = one(".tour-target", document);
  if (!target) return;
  target.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" }); // also within a row to swipe
  const frame = target.getBoundingClientRect(), room = window.innerHeight - card.offsetHeight - 32;
  const above = Math.max(12, (room - frame.height) / 2);
  window.scrollBy({ top: frame.top - above, behavior: "instant" });
}

// --- What the buttons and the keys do ----------------------------------------------------------------------------

const help = one("dialog");

function present(on) {
  document.documentElement.classList.toggle("present", on);
  const address = new URL(window.location);
  on ? address.searchParams.set("present", "1") : address.searchParams.delete("present");
  window.history.replaceState(window.history.state, "", address);
  window.scrollTo(0, 0);
  window.dispatchEvent(new Event("resize")); // canvases take their new size
}

async function copyLink() {
  write();
  const told = one(".tools-told");
  let how = "copied";
  try {
    await navigator.clipboard.writeText(window.location.href);
  } catch {
    how = "shown"; // no clipboard over plain http: the address bar has it
  }
  all("[data-told]", told).forEach((text) => (text.hidden = text.dataset.told !== how));
  told.hidden = false;
  window.setTimeout(() => (told.hidden = true), 4000);
}

function stepExample(by) {
  const focused = document.activeElement.closest(".strip"), strips = focused ? [focused] : all(`#tab-${openTab()} .strip`);
  const strip = strips.find((each) => one(".gallery-item", each)?.closest(".hide") === null);
  const items = strip ? all(".gallery-item", strip) : [];
  if (!items.length) return false;
  const next = (Number(strip.dataset.at ?? 0) + by + items.length) % items.length; // a tab opens on its first example
  strip.dataset.at = next;
  items[next].click();
  if (focused) items[next].focus();
  return true;
}

function pressIn(kind) {
  const button = all(`#tab-${openTab()} .${kind}`).find((each) => !each.disabled && each.closest(".hide") === null);
  (button?.matches("button") ? button : button && one("button", button))?.click();
  return Boolean(button);
}

function closeCard() {
  if (document.querySelector(".block.fullscreen")) return false; // Gradio's own Esc
  const button = all(`#tab-${openTab()} [data-close]`).find(isShown);
  button?.click();
  return Boolean(button);
}

const DO = {
  tour: startTour,
  "tour-on": () => (step + 1 < steps.length ? showStep(step + 1) : endTour()),
  "tour-back": () => showStep(step - 1),
  "tour-end": () => endTour(),
  link: copyLink,
  present: () => present(!document.documentElement.classList.contains("present")),
  more: () => showTools(one(".tools-more").getAttribute("aria-expanded") === "false"),
  help: () => (help.open ? help.close() : help.showModal()),
  send: openMenu,
};

const KEYS = {
  ArrowLeft: () => stepExample(-1),
  ArrowRight: () => stepExample(1),
  " ": () => pressIn("key-again"),
  r: () => pressIn("key-reset"),
  p: () => DO.present(),
  s: () => openMenu(),
  l: () => copyLink(),
  t: () => startTour(),
  "?": () => DO.help(),
};

function onKey(event) {
  if (event.key === "Escape") {
    if (!menu.hidden) closeMenu();
    else if (one(".tools.open")) showTools(false);
    else if (!card.hidden) endTour();
    else if (!event.target.matches?.("[aria-expanded=true][role=listbox]") && closeCard()) event.preventDefault();
    else if (document.documentElement.classList.contains("present")) present(false);
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  // Whoever types, or has chosen something that has a use for the key itself, keeps it.
  const typing = "input, textarea, select, [contenteditable=true], canvas, [role=application], [role=grid], [role=grid] *";
  const pressing = event.key === " " || event.key === "Enter" ? ", button, a, summary, [role=tab]" : ", [role=tab], [role=slider]";
  if (event.target.matches?.(typing + pressing) || help.open) return;
  const place = "1234567890".indexOf(event.key);
  if (event.key.length === 1 && place >= 0 && place < names.length) return void tabButtons()[place]?.click();
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act && act() !== false) event.preventDefault();
}

function onButton(event) {
  const button = event.target.closest("[data-do], [data-to]");
  if (!button) return;
  event.stopPropagation();
  if (button.dataset.do !== "more") showTools(false);
  if (button.dataset.to) send(button.dataset.to);
  else DO[button.dataset.do]();
}

const floating = one(".floating");
const container = document.querySelector(".gradio-container");
container.append(floating); // it floats over the whole page, not in its head
// A result that arrives above moves what the tour points at; a tour ends where another tab opens.
new ResizeObserver(() => card.hidden || (openTab() === toured ? showTarget() : showStep(-1))).observe(container);
for (const root of [element, floating]) root.addEventListener("click", onButton);
document.addEventListener("click", (event) => {
  if (!menu.hidden && !menu.contains(event.target)) closeMenu();
  if (one(".tools.open")) showTools(false);
  const item = event.target.closest?.(".strip .gallery-item"); // the arrow keys go on from what was clicked
  if (item) item.closest(".strip").dataset.at = all(".gallery-item", item.closest(".strip")).indexOf(item);
});
document.addEventListener("pointerover", offerToSend);
document.addEventListener("focusin", offerToSend);
document.addEventListener("pointerout", withdraw);
document.addEventListener("keydown", onKey);
window.addEventListener("popstate", onHistory);
document.addEventListener("scroll", closeMenu, { capture: true, passive: true });
if (new URL(window.location).searchParams.get("present")) document.documentElement.classList.add("present");
if (window.unlabeledChosen) bringTab(window.unlabeledChosen); // by a visitor who was quicker than this script
openLinkedState();
