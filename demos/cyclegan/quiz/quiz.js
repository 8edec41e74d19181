// Hides a card after its exposure; from Start to the last answer the arrow keys belong to the quiz.
let timer = 0, shown = "";
const START = "#cyclegan-quiz-start"; // its data-waiting: a deck is being made

function arm() {
  const card = element.querySelector("[data-card]");
  if (!card || card.dataset.card === shown) return;
  shown = card.dataset.card;
  delete document.querySelector(START).dataset.waiting;
  if (card.dataset.number === "1") {
    card.tabIndex = -1;
    card.focus({ preventScroll: true });
  }
  card.scrollIntoView({ block: "center" });
  clearTimeout(timer);
  const time = Number(card.dataset.exposure), image = card.querySelector("img");
  if (!time) return;
  image.decode().then(() => {
    timer = setTimeout(() => { image.style.visibility = "hidden"; }, time);
  });
}

function onKey(event) {
  if (!element.isConnected) return document.removeEventListener("keydown", onKey, true);
  const side = { ArrowLeft: "real", ArrowRight: "fake" }[event.key];
  const card = element.querySelector("[data-card]"), start = document.querySelector(START);
  if (!side || !element.offsetParent || !start || !(card || start.dataset.waiting)) return;
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!card || start.dataset.waiting) return;
  const box = card.getBoundingClientRect();
  if (box.bottom < 0 || box.top > innerHeight) card.scrollIntoView({ block: "center" }); // seen before it is answered
  else document.querySelector(`#cyclegan-quiz-${side}`)?.click();
}

document.addEventListener("keydown", onKey, true);
watch("value", () => requestAnimationFrame(arm));
