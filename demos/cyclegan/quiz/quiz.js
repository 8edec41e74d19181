// Hides a card after its exposure, and lets the arrow keys answer while a card is in view.
let timer = 0, shown = "";

function arm() {
  const card = element.querySelector("[data-card]");
  if (!card || card.dataset.card === shown) return;
  shown = card.dataset.card;
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
  const card = element.querySelector("[data-card]");
  if (!side || !card || !element.offsetParent || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = card.getBoundingClientRect();
  if (box.bottom < 0 || box.top > innerHeight) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  document.querySelector(`#cyclegan-quiz-${side}`)?.click();
}

document.addEventListener("keydown", onKey, true);
watch("value", () => requestAnimationFrame(arm));
