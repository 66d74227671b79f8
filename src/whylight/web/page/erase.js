// Is it true? Take away what the map calls relevant, and see whether the answer goes.

import { askAbout } from "./api.js";
import { asksLike, beyond, isPlain } from "./asked.js";
import { make } from "./dom.js";
import { pooled, sumOfLayers } from "./grids.js";
import { model } from "./models.js";
import { pixelsOf } from "./paint.js";
import { picture } from "./picture.js";
import { sweep } from "./curve.js";
import { canvasSize, current } from "./stage.js";
import { sourceKey, state } from "./state.js";

/** Values of the words of the last prompt that was swept. */
let wordsOf = { key: "", values: [] };

async function wordValues(prompt, signal) {
  const key = JSON.stringify([prompt, sourceKey(), state.model]);
  if (wordsOf.key !== key) {
    const found = await askAbout("words", state.source, { model: state.model, prompt }, { signal });
    wordsOf = { key, values: found.targets[0].words.map((value) => value ?? 0) };
  }
  return wordsOf.values;
}

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
    (share, least, signal) => {
      const own = asked();
      const target = asksLike() ? {} : { target: own.prompt };
      const body = { model: state.model, ...target, grid: inRows(gridOf(own.answer), shapeOf(own.answer)[1], least), share, ...beyond() };
      return askAbout("erase", state.source, body, { signal }).then((point) => ({ ...point, against: state.negative }));
    },
    (_, share, least) => showErased(seen, asked().answer, share, least),
  );
  const sentence = make("p", { class: "colored" });
  words.append(make("h3", {}, "The same for the words of the prompt"));
  sweep(
    words,
    "Take out words",
    async (share, least, signal) => {
      const { prompt } = asked();
      const values = await wordValues(prompt, signal);
      return askAbout("words/erase", state.source, { model: state.model, prompt, values: values.map((value) => (least ? -value : value)), share }, { signal });
    },
    (point) => (sentence.textContent = `“${point.text}”`),
  );
  words.append(sentence);
  return () => (words.hidden = !isPlain() || (current()?.answer.scores ?? "cosine") !== "cosine");
}

/** Rows and columns of patches; of maps that go down to pixels too. */
const shapeOf = (answer) => (answer.columns > 64 ? model().grid : [answer.rows, answer.columns]);

/** What the chosen layers say of each patch. */
const gridOf = (answer) => pooled(sumOfLayers(answer, state.from, state.to), [answer.rows, answer.columns], shapeOf(answer));

function inRows(grid, columns, least) {
  const rows = [];
  for (let at = 0; at < grid.length; at += columns) rows.push(Array.from(grid.slice(at, at + columns), (value) => (least ? -value : value)));
  return rows;
}

function showErased(canvas, answer, share, least) {
  const [rows, columns] = shapeOf(answer);
  const grid = gridOf(answer);
  const order = [...grid.keys()].sort((a, b) => (least ? grid[a] - grid[b] : grid[b] - grid[a]));
  const [width, height] = canvasSize(300);
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.putImageData(pixelsOf(picture(), width, height), 0, 0);
  const [tall, wide] = answer.picture;
  const [x, y] = [width / wide, height / tall];
  const [left, top, right, bottom] = answer.box;
  const [stepX, stepY] = [((right - left) * x) / columns, ((bottom - top) * y) / rows];
  context.fillStyle = "#000";
  for (const at of order.slice(0, Math.ceil(share * grid.length))) {
    context.fillRect(left * x + (at % columns) * stepX - 0.3, top * y + Math.floor(at / columns) * stepY - 0.3, stepX + 0.6, stepY + 0.6);
  }
  canvas.setAttribute("aria-label", `The picture with ${Math.round(100 * share)} % of its patches erased`);
}
