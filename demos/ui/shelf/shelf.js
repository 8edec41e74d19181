// Runs once when the shelf appears (gr.HTML's js_on_load): opens one panel at a time. What is open is the accordions'
// own state, which Python may change as well; the cards, the head of the panel and the address follow it.
const shelf = element.querySelector(".shelf");
const head = element.querySelector(".panel-head");
const title = head.querySelector("h2");
const tab = shelf.dataset.tab;
const block = document.getElementById(`${tab}-shelf`);
const place = document.getElementById(`tab-${tab}`) ?? block; // where `data-open` counts
const panels = () => [...block.querySelectorAll(":scope > .card-panel")];
const header = (panel) => panel.querySelector(":scope > .label-wrap");
const isOpen = (panel) => header(panel)?.classList.contains("open") ?? false;
const nameOf = (panel) => panel.id.slice(`${tab}-panel-`.length);

let shown = ""; // name of the open panel
let wanted = window.unlabeled?.cardOf(tab) ?? ""; // by the address, until its panel is there
let timer = 0;
let opener = null; // what a visitor opened it by: the focus goes to the panel, and back afterwards

function show(name) {
  wanted = "";
  for (const panel of panels()) if (isOpen(panel) !== (nameOf(panel) === name)) header(panel)?.click();
}

// Shows a panel now, or as soon as it is there: a card may be clicked before that.
function openCard(name) {
  show(name);
  wanted = name;
  showWantedSoon();
}

function sync() {
  const open = panels().filter(isOpen).map(nameOf);
  const now = open.find((name) => name !== shown) ?? open[0] ?? "";
  if (now === shown) return;
  shown = now;
  if (open.length > 1) show(now);
  draw();
  window.unlabeled?.noteCard(tab, now);
}

// An accordion that has just appeared may not listen yet, and one that was clicked opens a moment later.
function showWanted() {
  timer = 0;
  const panel = panels().find((each) => nameOf(each) === wanted);
  if (!panel) return;
  if (isOpen(panel)) return void (wanted = "");
  header(panel)?.click();
  showWantedSoon();
}

function showWantedSoon() {
  if (wanted) timer ||= window.setTimeout(showWanted, 50);
}

function draw() {
  const panel = document.getElementById(`${tab}-panel-${shown}`);
  block.dataset.showing = shown;
  for (const button of place.querySelectorAll("[data-open]"))
    button.setAttribute("aria-expanded", String(button.dataset.open === shown));
  head.hidden = !panel;
  window.dispatchEvent(new Event("resize")); // canvases take their new size
  if (!panel) return void (opener?.focus({ preventScroll: true }), (opener = null));
  title.textContent = header(panel).querySelector("span").textContent;
  panel.setAttribute("role", "region");
  panel.setAttribute("aria-labelledby", title.id);
  title.focus({ preventScroll: true });
  const { top } = head.getBoundingClientRect();
  if (top < 0 || top > window.innerHeight / 3) head.scrollIntoView({ block: "start", behavior: "instant" });
}

function onClick(event) {
  const button = event.target.closest?.("[data-open]");
  if (!button) return;
  opener = button;
  openCard(button.dataset.open === shown ? "" : button.dataset.open);
}

function onCard({ detail }) {
  if (!element.isConnected) return document.removeEventListener("unlabeled-card", onCard);
  if (detail.tab !== tab) return;
  openCard(detail.name);
}

place.addEventListener("click", onClick);
head.querySelector("[data-close]").addEventListener("click", () => show(""));
document.addEventListener("unlabeled-card", onCard); // Back and Forward
new MutationObserver(() => (showWantedSoon(), sync())).observe(block, {
  subtree: true, childList: true, attributeFilter: ["class"],
});
showWantedSoon();
