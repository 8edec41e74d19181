// Goes on from page.js: names for what Gradio leaves without one, and keys for handles that only a pointer could move.

const say = (word, values = {}) => {
  const language = document.documentElement.matches(":lang(zh)") ? "zh" : "en";
  const text = one(`[data-word=${word}] [lang=${language}]`, one(".access-words").content).textContent;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
};
const change = (node, name, value) => node.getAttribute(name) !== String(value) && node.setAttribute(name, value);
const captionOf = (block) => one("[data-testid=block-label]", block)?.textContent.trim() ?? "";

function namePictures() {
  for (const block of all(".picture")) {
    const images = all(".image-container img", block), caption = captionOf(block);
    images.forEach((image, at) => change(image, "alt", images.length > 1 ? `${caption} (${at + 1} / ${images.length})` : caption));
    // Of a picture's stops for the Tab key its tools remain.
    all(".image-container > button, a.download-link", block).forEach((node) => change(node, "tabindex", -1));
  }
}

function nameFigures() {
  for (const caption of all("figure > figcaption")) {
    const images = all("img:not([aria-labelledby])", caption.parentElement).filter((image) => !image.closest("button"));
    images.forEach((image) => change(image, "alt", caption.innerText.trim()));
  }
}

// A strip of examples is one stop for the Tab key; the arrow keys go on from there.
function nameExamples() {
  for (const strip of all(".strip")) {
    const items = all(".gallery-item", strip), at = Number(strip.dataset.at ?? 0);
    items.forEach((item, place) => {
      change(item, "tabindex", place === at ? 0 : -1);
      all("img", item).forEach((image) => change(image, "alt", say("example", { number: place + 1, count: items.length })));
    });
  }
}

const folds = new MutationObserver((changes) => changes.forEach(({ target }) => nameFold(target)));

function nameFold(button) {
  if (!button.hasAttribute("aria-expanded")) folds.observe(button, { attributeFilter: ["class"] });
  change(button, "aria-expanded", button.classList.contains("open"));
}

// --- Handles over two pictures ------------------------------------------------------------------------------------

const HANDLE = ".before-after [data-testid=slider]";
const HANDLE_KEYS = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -20, PageUp: 20, Home: -100, End: 100 };
const cut = (handle) => one("img.fixed", handle.closest(".picture")); // the picture that is cut off at the handle
const percentOf = (handle) => Math.round(Number(/([\d.]+)%\)$/.exec(cut(handle)?.style.clipPath ?? "")?.[1] ?? 50));

// Gradio moves a handle by itself, too: then the picture is cut elsewhere.
const cuts = new MutationObserver((changes) => {
  for (const { target } of changes) all("[data-testid=slider]", target.closest(".picture") ?? target).forEach(nameHandle);
});

function nameHandle(handle) {
  if (cut(handle)) cuts.observe(cut(handle), { attributeFilter: ["style"] });
  const values = { role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": percentOf(handle) };
  for (const [name, value] of Object.entries({ ...values, "aria-label": captionOf(handle.closest(".picture")) })) change(handle, name, value);
}

// Moves a handle as a mouse does: Gradio keeps its place to itself.
function moveHandle(handle, by) {
  const frame = cut(handle).getBoundingClientRect(), clientY = frame.top + frame.height / 2;
  const share = Math.min(100, Math.max(0, percentOf(handle) + by)) / 100;
  const mouse = (kind, target) => target.dispatchEvent(new MouseEvent(kind,
    { bubbles: true, cancelable: true, view: window, clientX: frame.left + share * frame.width, clientY }));
  mouse("mousedown", handle);
  mouse("mousemove", window);
  mouse("mouseup", window);
}

function onHandleKey(event) {
  const handle = event.target.closest?.(HANDLE), by = handle && HANDLE_KEYS[event.key];
  if (!by || !cut(handle)) return;
  event.preventDefault();
  moveHandle(handle, by);
}

// A finger that goes up or down scrolls the page: the handle, which would keep it, must not hear of it.
let swipe = null; // {x, y, scrolls} of the finger on a handle
document.addEventListener("touchstart", ({ target, touches }) => {
  swipe = target.closest?.(HANDLE) ? { x: touches[0].clientX, y: touches[0].clientY, scrolls: null } : null;
}, { capture: true, passive: true });
document.addEventListener("touchmove", (event) => {
  if (!swipe) return;
  const [across, along] = [event.touches[0].clientX - swipe.x, event.touches[0].clientY - swipe.y].map(Math.abs);
  swipe.scrolls ??= along > across;
  if (swipe.scrolls) event.stopPropagation();
}, { capture: true, passive: true });

// --- The whole page -----------------------------------------------------------------------------------------------

// On a phone the tools stand behind one button.
function showTools(open) {
  one(".tools").classList.toggle("open", open);
  one(".tools-more").setAttribute("aria-expanded", String(open));
}

let naming = 0;

function nameAll() {
  naming = 0;
  namePictures();
  nameFigures();
  nameExamples();
  all(".label-wrap:not([aria-expanded])").forEach(nameFold);
  all(HANDLE).forEach(nameHandle);
  // What scrolls sideways and holds nothing to press is a stop of its own.
  all("#tabs ol").filter((list) => list.scrollWidth > list.clientWidth).forEach((list) => change(list, "tabindex", 0));
}

function skip(event) {
  event.preventDefault(); // the address stays
  const panel = document.getElementById(`tab-${openTab()}`);
  panel.tabIndex = -1;
  panel.focus();
}

const nameSoon = () => { naming ||= requestAnimationFrame(nameAll); };
window.addEventListener("resize", nameSoon); // what scrolls sideways is another list then
new MutationObserver(nameSoon).observe(container, { childList: true, subtree: true });
container.prepend(one(".skip"));
one(".skip", container).addEventListener("click", skip);
container.addEventListener("focusin", ({ target }) => target.matches(HANDLE) && nameHandle(target));
container.addEventListener("click", ({ target }) => target.closest(".strip") && nameExamples());
document.addEventListener("keydown", onHandleKey, true);
nameAll();
