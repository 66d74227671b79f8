// Is it true? Take away what the map calls relevant, and see whether the answer goes.

import { askAbout } from "./api.js";
import { make } from "./dom.js";
import { sumOfLayers } from "./grids.js";
import { drawLines, pixelsOf } from "./paint.js";
import { picture } from "./picture.js";
import { sweep } from "./curve.js";
import { canvasSize, current } from "./stage.js";
import { state } from "./state.js";

/** @param {HTMLElement} panel */
export function buildErase(panel) {
  const about = make("p", { class: "quiet" }, "If the map is true, the score falls faster when the most relevant patches go than when patches go at random.");
  const left = make("div", { class: "erase" });
  const seen = make("canvas", { role: "img", id: "erased", "aria-label": "The picture with patches erased" });
  const words = make("section", {});
  panel.append(about, make("div", { class: "pair-wide" }, left, make("figure", {}, seen, make("figcaption", {}, "what the model still sees"))), words);
  const asked = () => {
    const own = current();
    if (!own) throw new Error("ask something first");
    return own;
  };
  sweep(
    left,
    "Erase patches",
    (share, least, signal) => askAbout("erase", state.source, { model: state.model, targets: [asked().prompt], method: state.method, share, least }, { signal }),
    (_, share, least) => showErased(seen, asked().answer, share, least),
  );
  const sentence = make("p", { class: "colored" });
  words.append(make("h3", {}, "The same for the words of the prompt"));
  sweep(
    words,
    "Take out words",
    (share, least, signal) => askAbout("words/erase", state.source, { model: state.model, prompt: asked().prompt, share, least }, { signal }),
    (point) => (sentence.textContent = `“${point.text}”`),
  );
  words.append(sentence);
  return () => (words.hidden = current()?.answer.scoreName === "probability");
}

function showErased(canvas, answer, share, least) {
  const grid = sumOfLayers(answer, 0, null);
  const order = [...grid.keys()].sort((a, b) => (least ? grid[a] - grid[b] : grid[b] - grid[a]));
  const [width, height] = canvasSize(300);
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.putImageData(pixelsOf(picture(), width, height), 0, 0);
  const [tall, wide] = answer.picture;
  const [x, y] = [width / wide, height / tall];
  const [left, top, right, bottom] = answer.box;
  const [stepX, stepY] = [((right - left) * x) / answer.columns, ((bottom - top) * y) / answer.rows];
  context.fillStyle = "#000";
  for (const at of order.slice(0, Math.ceil(share * grid.length))) {
    context.fillRect(left * x + (at % answer.columns) * stepX - 0.3, top * y + Math.floor(at / answer.columns) * stepY - 0.3, stepX + 0.6, stepY + 0.6);
  }
  drawLines(context, answer, { grid: false, patch: null });
}
