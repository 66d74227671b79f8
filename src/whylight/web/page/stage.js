// The stage: the picture and its maps, as one overlay, side by side, behind a slider, all at once, or who wins where.

import { ASKED, asksLike, isPlain, wanted } from "./asked.js";
import { PROMPT_COLORS, colors } from "./colormaps.js";
import { afterPause, byId, make } from "./dom.js";
import { enlarge, peak, scaled, sumOfLayers, winners } from "./grids.js";
import { drawLines, overlay, patchAt, pixelsOf, winnersOver } from "./paint.js";
import { picture, whenPicture } from "./picture.js";
import { answerTo, whenAnswered } from "./questions.js";
import { change, state, whenChanged } from "./state.js";

const VIEWS = { overlay: "Overlay", side: "Side by side", slider: "Slider", all: "All prompts", wins: "Which wins", map: "Map alone" };
const LONGEST = 640;
const FOLLOW_PAUSE = 150;
let split = 0.5;
let pinned = false;
/** @type {{row: number, column: number}|null} */
let hovered = null;

/**
 * What is asked and has an answer, with it, and what to call it.
 * @returns {{prompt: string, index: number, label: string, answer: import("./grids.js").Answer}[]}
 */
export function answered() {
  return wanted()
    .map((each) => ({ ...each, answer: answerTo(each.prompt) }))
    .filter((each) => each.answer)
    .map((each) => ({ ...each, label: asksLike() ? `${state.negative ? "against " : ""}${each.prompt}` : isPlain() ? each.prompt : each.answer.name }));
}

/** The prompt that is looked at. */
export const current = () => answered().find((each) => each.index === state.chosen) ?? answered()[0];

/** Width and height of a canvas for the picture. @param {number} [longest] */
export function canvasSize(longest = LONGEST) {
  const { width, height } = picture();
  const ratio = Math.min(longest / Math.max(width, height), 1 + Math.max(0, longest / Math.max(width, height) - 1));
  return [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
}

/** The map of an answer at a canvas's size, in [0, 1]. */
export const heatOf = (answer, width, height) => scaled(enlarge(sumOfLayers(answer, state.from, state.to), answer, width, height));

/** In words, for who does not see it. */
export const mapInWords = ({ label, answer }) => `Map of “${label}” by ${state.method}: ${whereInWords(sumOfLayers(answer, state.from, state.to), answer)}`;

/** Where a grid is greatest, in words. @param {Float32Array} grid @param {{rows: number, columns: number}} of */
export function whereInWords(grid, { rows, columns }) {
  const at = peak(grid, columns);
  const [v, h] = [(at.row + 0.5) / rows, (at.column + 0.5) / columns];
  const where = [v < 1 / 3 ? "top" : v > 2 / 3 ? "bottom" : "middle", h < 1 / 3 ? "left" : h > 2 / 3 ? "right" : "centre"].join(" ");
  return `most relevant at the ${where}, row ${at.row + 1} of ${rows}, column ${at.column + 1} of ${columns}`;
}

/**
 * A canvas under a caption.
 * @param {string} caption @param {string} words @param {ImageData} image @param {any} [answer] @param {boolean} [lines]
 */
function cell(caption, words, image, answer, lines = true) {
  const canvas = make("canvas", { width: image.width, height: image.height, role: "img", "aria-label": words });
  const context = canvas.getContext("2d");
  context.putImageData(image, 0, 0);
  if (answer && lines) drawLines(context, answer, state);
  if (answer) {
    canvas.tabIndex = 0;
    canvas.addEventListener("pointermove", (event) => point(event, canvas, answer));
    canvas.addEventListener("pointerleave", () => read(null));
    canvas.addEventListener("click", (event) => pin(under(event, canvas, answer)));
    canvas.addEventListener("keydown", (event) => step(event, answer));
  }
  return make("figure", {}, canvas, make("figcaption", {}, caption));
}

function under(event, canvas, answer) {
  const box = canvas.getBoundingClientRect();
  return patchAt(answer, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}

/** A patch that is clicked stays chosen until it is clicked again; else it is the one under the pointer. */
function pin(patch) {
  const again = pinned && patch && state.patch?.row === patch.row && state.patch.column === patch.column;
  pinned = Boolean(patch) && !again;
  change({ patch: again ? null : patch });
}

const follow = afterPause(() => {
  if (!pinned && state.tab === "patches" && hovered) change({ patch: hovered });
}, FOLLOW_PAUSE);

function point(event, canvas, answer) {
  hovered = under(event, canvas, answer);
  read(hovered, answer);
  follow();
  if (state.view === "slider" && event.buttons) {
    const box = canvas.getBoundingClientRect();
    byId("wipe").value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
    byId("wipe").dispatchEvent(new Event("input"));
  }
}

/** Values under the pointer. */
function read(at, answer) {
  const place = byId("readout");
  if (!at) return void (place.textContent = place.dataset.plain ??= place.textContent);
  place.dataset.plain ??= place.textContent;
  const values = answered().filter((each) => each.answer.columns === answer.columns).map(({ label, answer: own }) => {
    const grid = sumOfLayers(own, state.from, state.to);
    const value = grid[at.row * own.columns + at.column];
    return `${label} ${(100 * value / (peak(grid, own.columns).value || 1)).toFixed(0)} % (${value.toExponential(2)})`;
  });
  place.textContent = `row ${at.row + 1}, column ${at.column + 1}: ${values.join(" · ")}`;
}

function step(event, answer) {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (event.key === "Escape") pin(null);
  if (!(event.key in moves)) return;
  event.preventDefault();
  const from = state.patch ?? peak(sumOfLayers(answer, state.from, state.to), answer.columns);
  const [down, right] = state.patch ? moves[event.key] : [0, 0];
  const patch = {
    row: Math.min(Math.max(from.row + down, 0), answer.rows - 1),
    column: Math.min(Math.max(from.column + right, 0), answer.columns - 1),
  };
  pinned = true;
  change({ patch });
  read(patch, answer);
  byId("cells").querySelector("canvas[tabindex]")?.focus();
}

function cellsOfView() {
  const own = current();
  const many = state.view === "all";
  const [width, height] = canvasSize(many ? 360 : LONGEST);
  const below = pixelsOf(picture(), width, height);
  const plain = () => cell("picture", "The picture", below, own?.answer, false);
  if (!own) return [plain()];
  const style = { alpha: state.alpha, colormap: state.colormap, threshold: state.threshold, contour: state.contour };
  const mapped = (each, more = {}) =>
    cell(each.label, mapInWords(each), overlay(below, heatOf(each.answer, width, height), { ...style, ...more }), each.answer);
  if (state.view === "side") return [plain(), mapped(own)];
  if (state.view === "slider") return [mapped(own, { split })];
  if (state.view === "map") return [mapped(own, { mapOnly: true })];
  if (many) return [plain(), ...answered().map((each) => mapped(each))];
  if (state.view === "wins") {
    const all = answered();
    const won = winners(all.map((each) => heatOf(each.answer, width, height)));
    const palette = all.map((each) => PROMPT_COLORS[each.index % PROMPT_COLORS.length]);
    return [cell("which prompt is strongest, each on its own scale", "Which prompt wins where", winnersOver(below, won, palette, style), own.answer)];
  }
  return [mapped(own)];
}

let waiting = 0;
/** Draw once for all changes of one moment. */
export function draw() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => {
    if (!picture()) return;
    const focused = document.activeElement?.tagName === "CANVAS" && byId("cells").contains(document.activeElement);
    const cells = byId("cells");
    cells.dataset.view = state.view;
    cells.replaceChildren(...cellsOfView());
    if (focused) cells.querySelector("canvas[tabindex]")?.focus();
    cells.dataset.drawn = String(Number(cells.dataset.drawn ?? 0) + 1);
    byId("wipe-row").hidden = state.view !== "slider";
    byId("bar").hidden = state.view === "wins";
    byId("legend").hidden = state.view !== "wins";
    const dots = answered().map((each) => {
      const dot = make("span", { class: "dot" });
      dot.style.setProperty("--own", PROMPT_COLORS[each.index % PROMPT_COLORS.length]);
      return make("li", {}, dot, each.label);
    });
    byId("legend").replaceChildren(...dots);
    colorBar(byId("bar"));
  });
}

/** The colours from least to most. @param {HTMLElement} bar */
export function colorBar(bar) {
  const context = bar.querySelector("canvas").getContext("2d");
  const table = colors(state.colormap);
  const image = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) image.data.set([table[3 * i], table[3 * i + 1], table[3 * i + 2], 255], 4 * i);
  context.putImageData(image, 0, 0);
}

export function setUpStage() {
  const choices = Object.entries(VIEWS).map(([name, label]) => {
    const input = make("input", { type: "radio", name: "view", value: name, checked: name === state.view, onchange: () => change({ view: name }) });
    return make("label", {}, input, make("span", {}, label));
  });
  byId("views").append(...choices);
  byId("wipe").addEventListener("input", () => {
    split = Number(byId("wipe").value) / 100;
    draw();
  });
  const parts = ["view", "alpha", "colormap", "threshold", "contour", "grid", "from", "to", "patch", "chosen", "prompts", "method", "source", ...ASKED];
  whenChanged((changed) => {
    if (parts.some((each) => changed.has(each))) draw();
    if (changed.has("view")) for (const input of byId("views").querySelectorAll("input")) input.checked = input.value === state.view;
  });
  whenPicture(draw);
  whenAnswered(draw);
}
