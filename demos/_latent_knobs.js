// Runs once when the knobs appear (gr.HTML's js_on_load), after `_latent_ask.js`: a slider under each strip of pictures.
const list = find(".knobs");
const inputs = () => [...list.querySelectorAll("input")];
const tell = () => ask(inputs().map((input) => Number(input.value)));

function begin() {
  list.replaceChildren(...scene.knobs.map((knob, number) => {
    const row = document.createElement("label"), strip = document.createElement("img"), input = document.createElement("input");
    row.className = "knob";
    row.innerHTML = `<span class="knob-name">${knob.name}</span>`; // made on the server, in every language
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
