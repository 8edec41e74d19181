// Shared by the components that move in a flat of the latent space, and put before their own script: asks Python for
// the picture at some coordinates, one question at a time; of those that come up meanwhile only the last is asked.
const find = (selector) => element.querySelector(selector);
const root = element.firstElementChild;
let scene = null; // what `props.value` holds
let asking = false, waiting = null;

async function ask(coordinates) {
  if (asking) { waiting = coordinates; return; }
  asking = true;
  const key = scene.key;
  try {
    const answer = await server.decode([key, coordinates]);
    if (!answer) return; // the server could not be reached, and Gradio has said so
    if (answer.gone) { if (key === scene.key) trigger("stale"); }
    else if (key === scene.key) await seen(answer, coordinates);
  } finally {
    asking = false;
    const next = waiting;
    waiting = null;
    if (next) ask(next);
  }
}

async function seen(answer, coordinates) {
  const image = new Image();
  image.src = answer.image;
  await image.decode();
  const page = find(".flat-seen canvas"), pen = page.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, page.width, page.height);
  root.dataset.place = answer.place;
  root.dataset.seen = coordinates.map((number) => number.toFixed(3)).join(" ");
  const share = Math.round(answer.share * 100), words = share > 99 ? "> 99%" : share < 1 ? "< 1%" : `${share}%`;
  root.querySelectorAll(".share").forEach((each) => { each.textContent = words; });
  scene.answer = { model: scene.model, coordinates, share_nearer_to_the_centre: answer.share, place: answer.place };
}

function save(name, url) {
  const link = document.createElement("a");
  link.download = name;
  link.href = url;
  link.click();
}

const saving = {
  picture: () => save("latent.png", find(".flat-seen canvas").toDataURL("image/png")),
  numbers: () => save("latent.json", "data:application/json," + encodeURIComponent(JSON.stringify(scene.answer, null, 2))),
};
root.addEventListener("click", (event) => {
  const action = event.target.closest("button")?.dataset.save;
  if (action && scene?.answer) saving[action]();
});

function read(begin) {
  const value = props.value ? JSON.parse(props.value) : {};
  scene = value.key ? value : null;
  root.dataset.state = scene ? "drawn" : value.sorry ? "sorry" : "empty";
  find(".flat-sorry").innerHTML = value.sorry || "";
  if (scene) begin();
}
