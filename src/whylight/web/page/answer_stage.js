// The answer: its words to point at, the picture with the map of one of them, and what the model had read.

import { answer, chosenWord, contrast, isAnswering, whenHeard } from "./answers.js";
import { byId, make } from "./dom.js";
import { drawLines, overlay, pixelsOf } from "./paint.js";
import { picture, whenPicture } from "./picture.js";
import { canvasSize, colorBar, heatOf, whereInWords } from "./stage.js";
import { change, state, whenChanged } from "./state.js";

const SMALL = 220;
/** The word under the pointer, seen for as long as it is there. @type {number|null} */
let hovered = null;

/** Whether another word than the chosen one is under the pointer. */
const peeks = () => hovered !== null && hovered !== state.word;
const seenWord = () => (peeks() ? answer()?.words[hovered ?? 0] : undefined) ?? chosenWord();
/** What is drawn: the word under the pointer, else the chosen one, rather than another one where that was asked. */
const seenMap = () => (peeks() ? undefined : contrast()?.said) ?? seenWord();

const caption = () => {
  const word = seenWord();
  if (!word) return isAnswering() ? "the model reads" : "picture";
  return !peeks() && contrast() ? `${word.text}, rather than ${contrast()?.rather}` : word.text;
};

const percent = (share) => `${Math.round(100 * share)}\u00a0%`;

/** What a word owes to the picture, in words or in few. @param {import("./answers.js").SaidWord} word @param {boolean} [short] */
function toldOf(word, short = false) {
  const parts = [`p\u00a0${word.probability.toFixed(2)}`];
  if (word.share !== null && word.map) parts.push(short ? `picture\u00a0${percent(word.share)}` : `${percent(word.share)} of its relevance on the picture`);
  if (word.fromPicture !== null) parts.push(`log\u00a0p\u00a0${word.fromPicture < 0 ? "−" : "+"}${Math.abs(word.fromPicture).toFixed(2)}${short ? "" : " by seeing it"}`);
  if (word.follows) parts.push("follows from the text");
  return parts.join(" · ");
}

/** @param {import("./answers.js").SaidWord} word @param {number} index */
function button(word, index) {
  const choose = () => change({ word: index });
  const made = make("button", { type: "button", class: word.follows ? "said-word pale" : "said-word", "aria-pressed": String(index === state.word), tabIndex: index === state.word ? 0 : -1, title: toldOf(word), onclick: choose }, word.text);
  made.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && hover(index));
  made.addEventListener("pointerleave", () => hover(null));
  made.addEventListener("focus", choose);
  made.addEventListener("keydown", walk);
  return made;
}

function hover(index) {
  if (hovered === index) return;
  hovered = index;
  draw();
}

function walk(event) {
  const count = answer()?.words.length ?? 0;
  const to = { ArrowRight: state.word + 1, ArrowLeft: state.word - 1, Home: 0, End: count - 1 }[event.key];
  if (to === undefined || !count) return;
  event.preventDefault();
  change({ word: (to + count) % count });
  byId("said").querySelectorAll("button")[state.word]?.focus();
}

/** The sentence: words that have their map as buttons, the others as they are said. */
function writeSentence() {
  const place = byId("said");
  const said = answer();
  const focused = place.contains(document.activeElement);
  const letters = [...(said?.text ?? "")];
  const parts = [];
  let position = 0;
  (said?.words ?? []).forEach((word, index) => {
    parts.push(letters.slice(position, word.start).join(""), button(word, index));
    position = word.end;
  });
  parts.push(letters.slice(position).join("") + (said?.facts?.cut ? " …" : ""));
  if (isAnswering()) parts.push(make("span", { class: "caret", "aria-hidden": "true" }));
  place.replaceChildren(...parts);
  place.setAttribute("aria-busy", String(isAnswering()));
  if (focused) place.querySelectorAll("button")[state.word]?.focus();
}

/** What was chosen changes how words look, not which there are. */
function markWords() {
  byId("said").querySelectorAll("button").forEach((each, index) => {
    each.setAttribute("aria-pressed", String(index === state.word));
    each.tabIndex = index === state.word ? 0 : -1;
  });
}

/** Words of the question, and of the answer before this word, coloured by what it owes to them. */
function writeRead() {
  const [facts, word] = [answer()?.facts, seenMap()];
  if (!facts || !word) return byId("read").replaceChildren();
  const strongest = Math.max(...word.textRelevance.map((value) => Math.abs(value ?? 0))) || 1;
  const parts = facts.context.flatMap((text, index) => {
    const value = word.textRelevance[index];
    if (value === null) return [];
    const share = value / strongest;
    const part = make("span", { class: share < 0 ? "word against" : "word", title: `${(100 * share).toFixed(0)} % of the strongest` }, text);
    part.style.setProperty("--share", String(Math.abs(share) < 0.02 ? 0 : Math.abs(share)));
    return [index === facts.asked ? make("span", { class: "quiet" }, " → ") : " ", part];
  });
  byId("read").replaceChildren(...parts);
}

/** @param {import("./answers.js").SaidWord|undefined} word @param {number} longest @param {string} said */
function mapOf(word, longest, said) {
  const [width, height] = canvasSize(longest);
  const below = pixelsOf(picture(), width, height);
  const style = { alpha: state.alpha, colormap: state.colormap, threshold: state.threshold, contour: state.contour };
  const words = word?.map ? `Map of “${said}” by ${state.answerMethod}: ${whereInWords(word.map.values, word.map)}` : "The picture";
  const canvas = make("canvas", { width, height, role: "img", "aria-label": words });
  const context = canvas.getContext("2d");
  context.putImageData(word?.map ? overlay(below, heatOf(word.map, width, height), style) : below, 0, 0);
  if (word?.map) drawLines(context, word.map, { grid: state.grid && longest > SMALL, patch: null });
  return canvas;
}

let waiting = 0;
/** Draw once for all changes of one moment. */
function draw() {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(() => {
    writeRead();
    const word = seenMap();
    byId("told").textContent = word ? `${caption()}: ${toldOf(word)}` : "";
    if (!picture()) return;
    const cells = byId("answer-cells");
    cells.replaceChildren(make("figure", {}, mapOf(seenMap(), 640, caption()), make("figcaption", {}, caption())));
    cells.dataset.drawn = String(Number(cells.dataset.drawn ?? 0) + 1);
    colorBar(byId("answer-bar"));
  });
}

/** A map for each word that is no mark, small. */
function drawEvery() {
  const words = answer()?.words ?? [];
  if (!picture() || isAnswering()) return;
  const figures = words.flatMap((word, index) => {
    if (!word.map || !/[\p{L}\p{N}]/u.test(word.text)) return [];
    const choose = make("button", { type: "button", class: "map-button", "aria-label": `Look at “${word.text}”`, onclick: () => change({ word: index }) }, mapOf(word, SMALL, word.text));
    return make("figure", {}, choose, make("figcaption", {}, make("strong", {}, word.text), make("br"), toldOf(word, true)));
  });
  byId("every-word").replaceChildren(...figures);
}

export function setUpAnswerStage() {
  const looks = ["alpha", "colormap", "threshold", "contour", "grid"];
  whenHeard(() => {
    hovered = null;
    writeSentence();
    draw();
    drawEvery();
  });
  whenChanged((changed) => {
    if (changed.has("word")) markWords();
    if (["word", ...looks].some((each) => changed.has(each))) draw();
    if (looks.some((each) => changed.has(each))) drawEvery();
  });
  whenPicture(() => {
    draw();
    drawEvery();
  });
}
