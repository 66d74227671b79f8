// Methods side by side, each with its time, and how far they agree.

import { wasCancelled } from "./api.js";
import { ASKED } from "./asked.js";
import { fault, inWords, make } from "./dom.js";
import { enlarge, pooled, range, rankCorrelation, scaled, sumOfLayers } from "./grids.js";
import { methods } from "./models.js";
import { overlay, pixelsOf } from "./paint.js";
import { picture } from "./picture.js";
import { answerTo, fetchMaps } from "./questions.js";
import { canvasSize, current } from "./stage.js";
import { newestOnly } from "./tabs.js";
import { state, whenChanged } from "./state.js";

const SMALL = 220;

/** @param {HTMLElement} panel */
export function buildMethods(panel) {
  const only = newestOnly();
  const chosen = new Set(["legrad", "chefercam", "grad_eclip"]);
  const choices = make("div", { class: "chips", role: "group", "aria-label": "Methods to compare" });
  const same = make("input", { type: "checkbox", id: "same-scale" });
  const cells = make("div", { class: "small-cells", id: "method-cells" });
  const table = make("div", { id: "agreement", class: "scroll" });
  panel.append(choices, make("label", {}, same, " One colour scale for all"), cells, table);
  const refusedBy = new Map();

  const fill = () => {
    if (choices.childElementCount || !methods().length) return;
    for (const { name, summary } of methods()) {
      const toggle = (event) => {
        chosen.has(name) ? chosen.delete(name) : chosen.add(name);
        event.currentTarget.setAttribute("aria-pressed", String(chosen.has(name)));
        refresh();
      };
      choices.append(make("button", { type: "button", class: "chip", title: summary, "aria-pressed": String(chosen.has(name)), onclick: toggle }, name));
    }
  };

  const show = (prompt) => {
    const names = methods().map((each) => each.name).filter((name) => chosen.has(name));
    const found = names.map((name) => ({ name, answer: answerTo(prompt, name) })).filter((each) => each.answer);
    const grids = found.map((each) => sumOfLayers(each.answer, 0, null));
    const all = range(Float32Array.from(grids.flatMap((grid) => [...range(grid)])));
    const [width, height] = canvasSize(SMALL);
    const below = pixelsOf(picture(), width, height);
    const figures = found.map(({ name, answer }, index) => {
      const heat = scaled(enlarge(grids[index], answer, width, height), same.checked ? all : undefined);
      const canvas = make("canvas", { width, height, role: "img", "aria-label": `Map of “${current()?.label ?? prompt}” by ${name}` });
      canvas.getContext("2d").putImageData(overlay(below, heat, { alpha: state.alpha, colormap: state.colormap, threshold: 0, contour: false }), 0, 0);
      const cost = `${inWords(answer.seconds)}, ${(answer.seconds / answer.forward).toFixed(1)} × a forward pass`;
      return make("figure", {}, canvas, make("figcaption", {}, make("strong", {}, name), make("br"), cost));
    });
    const missing = names.filter((name) => refusedBy.has(name) && !found.some((each) => each.name === name));
    cells.replaceChildren(...figures, ...missing.map((name) => make("p", { class: "quiet" }, `without ${name}: ${refusedBy.get(name)}`)));
    table.replaceChildren(...(found.length > 1 ? [agreement(found, grids)] : []));
  };

  const refresh = async () => {
    fill();
    const own = current();
    if (state.tab !== "methods" || !own || !picture()) return;
    const prompt = own.prompt;
    show(prompt);
    try {
      await only(async (signal) => {
        for (const name of methods().map((each) => each.name).filter((each) => chosen.has(each))) {
          try {
            await fetchMaps([prompt], name, signal);
            refusedBy.delete(name);
          } catch (error) {
            if (wasCancelled(error)) throw error;
            refusedBy.set(name, error.message);
          }
          signal.throwIfAborted();
          show(prompt);
        }
      });
    } catch (error) {
      if (!wasCancelled(error)) fault(error.message);
    }
  };
  same.addEventListener("change", refresh);
  whenChanged((changed) => {
    if (["tab", "chosen", "source", "model", "colormap", "alpha", ...ASKED].some((each) => changed.has(each))) refresh();
  });
  return refresh;
}

/** Rank correlation of every pair. */
function agreement(found, grids) {
  const smallest = found.reduce((a, b) => (a.answer.rows * a.answer.columns <= b.answer.rows * b.answer.columns ? a : b)).answer;
  const same = grids.map((grid, i) => pooled(grid, [found[i].answer.rows, found[i].answer.columns], [smallest.rows, smallest.columns]));
  const head = make("tr", {}, make("td"), ...found.map((each) => make("th", { scope: "col" }, each.name)));
  const rows = found.map((each, i) => {
    const row = same.map((other, j) => {
      const value = i === j ? 1 : rankCorrelation(same[i], other);
      const box = make("td", {}, Number.isNaN(value) ? "–" : value.toFixed(2));
      box.style.setProperty("--share", String(Math.max(0, value) || 0));
      return box;
    });
    return make("tr", {}, make("th", { scope: "row" }, each.name), ...row);
  });
  const caption = make("caption", {}, "Agreement: rank correlation of the maps");
  return make("table", { class: "matrix" }, caption, make("thead", {}, head), make("tbody", {}, ...rows));
}
