// The step at the end of a tab: opens the next one and takes along the picture that this one shows.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-next]");
  if (!button) return;
  const { next, picture: selector, receiver } = button.dataset;
  picture = selector ? one(`${selector} img[src*='/file=']`, document) : null;
  if (receiver && isShown(picture)) send(receiver);
  else tabButtons()[names.indexOf(next)]?.click();
  window.scrollTo(0, 0);
});
