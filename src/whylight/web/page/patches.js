// One patch: what each head attends to from there, and which patches are like it.

import { askAbout, wasCancelled } from "./api.js";
import { byId, fault, make } from "./dom.js";
import { enlarge, range, scaled } from "./grids.js";
import { drawLines, overlay, pixelsOf } from "./paint.js";
import { picture } from "./picture.js";
import { canvasSize, current } from "./stage.js";
import { newestOnly } from "./tabs.js";
import { state, whenChanged } from "./state.js";

const SMALL = 200;

/** @param {HTMLElement} panel */
export function buildPatches(panel) {
  const only = newestOnly();
  const hint = make("p", { class: "quiet" }, "Point at a patch of the picture, click to keep it, or reach it with the arrow keys: which patches are like it, and what does each head look at from there?");
  const layer = make("input", { type: "range", id: "patch-layer", min: 0, max: 0, step: 1 });
  const out = make("output");
  const place = make("div", { class: "small-cells", id: "patch-cells" });
  panel.append(hint, make("div", { class: "row wide" }, make("label", { for: "patch-layer" }, "Layer ", out), layer), place);
  let asked = "";
  let touched = false;
  let lastAnswer = null;

  const small = (caption, values, shape, style, between) => {
    const [width, height] = canvasSize(SMALL);
    const heat = scaled(enlarge(Float32Array.from(values), { ...lastAnswer, ...shape }, width, height), between);
    const image = overlay(pixelsOf(picture(), width, height), heat, { alpha: 0.9, threshold: 0, contour: false, ...style });
    const canvas = make("canvas", { width, height, role: "img", "aria-label": caption });
    canvas.getContext("2d").putImageData(image, 0, 0);
    drawLines(canvas.getContext("2d"), { ...lastAnswer, ...shape }, { grid: false, patch: state.patch });
    return make("figure", {}, canvas, make("figcaption", {}, caption));
  };

  const refresh = async () => {
    const own = current();
    if (state.tab !== "patches" || !state.patch || !own || !picture()) return;
    lastAnswer = own.answer;
    const count = own.answer.layers > 1 ? own.answer.layers : Number(layer.max) + 1;
    layer.max = String(count - 1);
    if (!touched) layer.value = String(count - 1);
    out.textContent = `${Number(layer.value) + 1}`;
    const body = { model: state.model, layer: count > 1 ? Number(layer.value) : -1, ...state.patch };
    const key = JSON.stringify([body, state.source?.kind === "scene" ? state.source.seed : state.source?.id]);
    if (key === asked) return;
    asked = key;
    try {
      const found = await only((signal) => askAbout("patch", state.source, body, { signal }));
      const shape = { rows: found.grid[0], columns: found.grid[1] };
      const [, most] = range(Float32Array.from(found.attention.flat()));
      const style = { colormap: state.colormap };
      hint.textContent = `Patch in row ${body.row + 1}, column ${body.column + 1}. Heads share one colour scale; the rest of their attention goes to tokens that are no patches.`;
      place.replaceChildren(
        small("patches like it", found.likeness, shape, style, [0, 1]),
        ...found.attention.map((values, head) =>
          small(`head ${head + 1}: ${Math.round(100 * (1 - found.elsewhere[head]))} % on patches`, values, shape, style, [0, most]),
        ),
      );
    } catch (error) {
      asked = "";
      if (!wasCancelled(error)) fault(error.message);
    }
  };
  layer.addEventListener("input", () => {
    touched = true;
    refresh();
  });
  whenChanged((changed) => {
    if (changed.has("model")) touched = false;
    if (["patch", "source", "model", "tab"].some((each) => changed.has(each))) refresh();
  });
  return refresh;
}
