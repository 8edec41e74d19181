// Runs once when the knobs appear (gr.HTML's js_on_load), after `latent_widgets.js`: a slider under each strip of pictures.
const list = find(".knobs");
const inputs = () => [...list.querySelectorAll("input")];
const tell = () => ask(inputs().map((input) => Number(input.value)));

// Saves a strip with pictures as large as in that of the way.
function saveStrip(strip, name) {
  const page = document.createElement("canvas"), pen = page.getContext("2d"), side = 128;
  page.height = side;
  page.width = (strip.naturalWidth / strip.naturalHeight) * side;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(strip, 0, 0, page.width, page.height);
  save(`${name}.png`, page.toDataURL("image/png"));
}

function begin() {
  list.replaceChildren(...scene.knobs.map((knob, number) => {
    const row = document.createElement("div"), strip = document.createElement("img"), input = document.createElement("input");
    const id = `${element.closest("[id]").id}-${number}`;
    row.className = "knob";
    row.innerHTML = '<div class="knob-head"><span></span><button type="button"></button></div>';
    const [name, saver] = row.firstChild.children;
    name.innerHTML = knob.name; // made on the server, in every language
    name.id = id;
    saver.innerHTML = find(".knob-save").innerHTML;
    saver.setAttribute("aria-describedby", id);
    saver.addEventListener("click", () => saveStrip(strip, knob.file));
    input.setAttribute("aria-labelledby", id);
    strip.src = knob.strip;
    strip.alt = "";
    Object.assign(input, { type: "range", min: knob.low, max: knob.high, step: 0.01, value: knob.at });
    input.dataset.number = number;
    // a press on a picture of the strip goes there
    strip.addEventListener("click", (event) => {
      const box = strip.getBoundingClientRect();
      input.value = knob.low + ((event.clientX - box.left) / box.width) * (knob.high - knob.low);
      tell();
    });
    row.append(strip, input);
    return row;
  }));
  find(".knobs-bars").innerHTML = scene.bars;
  tell();
}

list.addEventListener("input", tell);
root.addEventListener("click", (event) => {
  if (!scene || !event.target.closest(".key-reset")) return;
  inputs().forEach((input, number) => { input.value = scene.knobs[number].at; });
  tell();
});
watch("value", () => read(begin));
read(begin);
