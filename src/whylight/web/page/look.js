// What is done with grids that are there: colours, opacity, threshold, layers, method.

import { colormaps } from "./colormaps.js";
import { aboutMethod, byId, make } from "./dom.js";
import { methods } from "./models.js";
import { whenAnswered } from "./questions.js";
import { current } from "./stage.js";
import { change, state, whenChanged } from "./state.js";

const STEP = 450;
let playing = 0;

const layerCount = () => current()?.answer.layers ?? 1;

function setLayers(from, to) {
  const last = layerCount() - 1;
  if (byId("alone").checked) from = to;
  change({ from: Math.min(from, to), to: to >= last && from === 0 ? null : to });
}

function stop() {
  clearInterval(playing);
  playing = 0;
  byId("play").setAttribute("aria-pressed", "false");
  byId("play").textContent = "Play";
}

function play() {
  if (playing) return stop();
  byId("play").setAttribute("aria-pressed", "true");
  byId("play").textContent = "Stop";
  let layer = 0;
  const show = () => {
    if (layer >= layerCount()) {
      stop();
      return change({ from: 0, to: null });
    }
    change({ from: byId("alone").checked ? layer : 0, to: layer });
    layer += 1;
  };
  show();
  playing = window.setInterval(show, STEP);
}

function refresh() {
  byId("colormap").value = state.colormap;
  for (const name of ["alpha", "threshold"]) {
    byId(name).value = String(state[name]);
    byId(`${name}-out`).textContent = `${Math.round(100 * state[name])} %`;
  }
  byId("contour").checked = state.contour;
  byId("grid").checked = state.grid;
  const count = layerCount();
  byId("layers").disabled = count < 2;
  const last = state.to ?? count - 1;
  for (const [name, value] of [["from", state.from], ["to", last]]) {
    byId(name).max = String(count - 1);
    byId(name).value = String(value);
    byId(name).setAttribute("aria-valuetext", `layer ${Number(value) + 1} of ${count}`);
  }
  byId("layers-out").textContent = count < 2 ? "in one" : state.from === last ? `${last + 1} alone` : `${state.from + 1} to ${last + 1} of ${count}`;
  if (methods().length && !byId("method").childElementCount) {
    byId("method").replaceChildren(...methods().map((each) => make("option", { value: each.name }, each.name)));
  }
  byId("method").value = state.method;
  const about = methods().find((each) => each.name === state.method);
  byId("method-summary").textContent = aboutMethod(about);
}

export function setUpLook() {
  byId("colormap").append(...colormaps.map((each) => make("option", { value: each.name }, each.label)));
  byId("colormap").addEventListener("change", () => change({ colormap: byId("colormap").value }));
  byId("method").addEventListener("change", () => change({ method: byId("method").value, from: 0, to: null }));
  for (const name of ["alpha", "threshold"]) byId(name).addEventListener("input", () => change({ [name]: Number(byId(name).value) }));
  for (const name of ["contour", "grid"]) byId(name).addEventListener("change", () => change({ [name]: byId(name).checked }));
  byId("contour").addEventListener("change", () => byId("contour").checked && !state.threshold && change({ threshold: 0.5 }));
  byId("from").addEventListener("input", () => setLayers(Number(byId("from").value), Math.max(Number(byId("from").value), state.to ?? layerCount() - 1)));
  byId("to").addEventListener("input", () => setLayers(Math.min(state.from, Number(byId("to").value)), Number(byId("to").value)));
  byId("alone").addEventListener("change", () => setLayers(byId("alone").checked ? state.to ?? layerCount() - 1 : 0, state.to ?? layerCount() - 1));
  byId("all-layers").addEventListener("click", () => {
    stop();
    byId("alone").checked = false;
    change({ from: 0, to: null });
  });
  byId("play").addEventListener("click", play);
  whenChanged(refresh);
  whenAnswered(refresh);
}
