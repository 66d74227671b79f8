// Answers in words: asked once, heard word by word, then the maps as they come; older questions are cancelled.

import { askAbout, call, wasCancelled } from "./api.js";
import { announce, fault } from "./dom.js";
import { decode } from "./grids.js";
import { model } from "./models.js";
import { change, sourceKey, state, whenChanged } from "./state.js";

/**
 * @typedef {{text: string, start: number, end: number, probability: number, share: number|null, fromPicture: number|null,
 *   follows: boolean, textRelevance: (number|null)[], map: import("./grids.js").Answer|null}} SaidWord
 *   start, end: characters of the answer; share: of its relevance on the picture; fromPicture: log p gained by seeing it
 * @typedef {{text: string, words: SaidWord[], facts: any, unknown: string[], done: boolean}} Said
 *   facts: what holds for all words; unknown: words of the question that the model does not know
 */

const KEPT = 60;
/** @type {Map<string, Said>} */
const kept = new Map();
/** @type {Array<() => void>} */
const listeners = [];
/** @type {(AbortController & {key?: string})|null} */
let asking = null;
/** @type {AbortController|null} */
let contrasting = null;
/** @type {Said|null} */
let shown = null;
/** @type {{word: number, rather: string, said: SaidWord}|null} */
let against = null;

/** @param {() => void} listener when another word has come, or something else about the answer has changed */
export const whenHeard = (listener) => listeners.push(listener);
const tell = () => listeners.forEach((listener) => listener());

/** The answer as far as it has come. */
export const answer = () => shown;
/** Whether more of it is to come. */
export const isAnswering = () => asking !== null;
/** The chosen word rather than another one, where that was asked and is there. */
export const contrast = () => (against && against.word === state.word && against.rather === state.rather.trim() ? against : null);
/** The word that is looked at. */
export const chosenWord = () => shown?.words[Math.min(state.word, shown.words.length - 1)];

/** Ask about the picture; a model without eyes about nothing but the text. */
const ask = (path, body, how) => (model()?.reads === "text" ? call(path, { ...how, body }) : askAbout(path, state.source, body, how));

/** What the whole answer is asked with. */
export function wholeQuestion() {
  const body = { model: state.model, question: state.question.trim(), method: state.answerMethod };
  return state.forced.trim() ? { ...body, answer: state.forced.trim() } : body;
}

/** A file of the answer, or of one of its words rather than another. @param {string} form @returns {Promise<Blob>} */
export const fileOf = (form) => ask(`ask/save/${form}`, contrast() ? contrastQuestion() : wholeQuestion(), { as: "blob" });

const contrastQuestion = () => ({ ...wholeQuestion(), answer: shown?.text, words: [state.word], rather_than: state.rather.trim() });

const ready = () => model()?.asks === "questions" && state.question.trim() && (model().reads === "text" || state.source);

/** Ask what stands there, if it is not being asked. */
export async function askNow() {
  const key = JSON.stringify([sourceKey(), wholeQuestion()]);
  if (asking?.key === key) return;
  asking?.abort();
  asking = null;
  if (!ready()) return tell();
  shown = kept.get(key) ?? null;
  against = null;
  if (shown) return heardAll();
  const own = (asking = Object.assign(new AbortController(), { key }));
  /** @type {Said} */
  const said = { text: "", words: [], facts: null, unknown: [], done: false };
  shown = said;
  tell();
  try {
    await ask("ask", { ...wholeQuestion(), numbers: "base64" }, { signal: own.signal, line: (line) => asking === own && take(said, line) });
    if (asking !== own) return;
    keep(key, said);
    fault();
    asking = null;
    heardAll();
  } catch (error) {
    if (asking !== own) return;
    asking = null;
    if (!wasCancelled(error)) fault(error.message);
    tell();
  }
}

/** Stop a model that is speaking: what it has said stays. */
export function stopAsking() {
  asking?.abort();
  asking = null;
  announce("Stopped");
  tell();
}

function keep(key, said) {
  kept.set(key, said);
  while (kept.size > KEPT) kept.delete(kept.keys().next().value ?? "");
}

function heardAll() {
  if (shown && state.word >= shown.words.length) change({ word: 0 });
  tell();
  const from = shown?.words.filter((word) => word.follows).length ?? 0;
  announce(`Answer: ${shown?.text}${from ? `; ${from} words follow from the text` : ""}`);
  askContrast();
}

/** One line of the stream. @param {Said} said @param {any} line */
function take(said, line) {
  if (line.unknown) said.unknown = line.unknown;
  if (line.said !== undefined) said.text = line.said;
  if (line.answer) [said.facts, said.text] = [line.answer, line.answer.answer];
  if (line.words) said.words.push(...line.words.map((word) => saidWord(word, said.facts)));
  if (line.done) said.done = true;
  tell();
}

/** @returns {SaidWord} */
function saidWord(word, facts) {
  const map = word.relevance === undefined ? null : {
    name: word.word, score: word.probability, logit: NaN, scores: "softmax", seconds: 0, forward: 0, layers: 1,
    rows: word.grid[0], columns: word.grid[1], values: decode(word.relevance),
    box: word.seen_left_top_right_bottom, picture: facts.picture_size,
  };
  return {
    text: word.word, start: word.start, end: word.end, probability: word.probability, share: word.picture_share,
    fromPicture: word.from_picture, follows: word.follows, textRelevance: word.text_relevance, map,
  };
}

/** The chosen word rather than another one, where one is named and the answer is there. */
export async function askContrast() {
  contrasting?.abort();
  const [word, rather] = [state.word, state.rather.trim()];
  if (!rather || !shown?.done || contrast()) return tell();
  const own = (contrasting = new AbortController());
  let facts = null;
  try {
    await ask("ask", { ...contrastQuestion(), numbers: "base64" }, {
      signal: own.signal,
      line: (line) => {
        facts = line.answer ?? facts;
        if (line.words) against = { word, rather, said: saidWord(line.words[0], facts) };
      },
    });
    fault();
    announce(`Map of ${shown.words[word]?.text} rather than ${rather}`);
  } catch (error) {
    if (!wasCancelled(error)) fault(error.message);
  }
  if (contrasting === own) tell();
}

whenChanged((changed) => {
  if (["source", "model", "answerMethod", "question", "forced"].some((each) => changed.has(each))) askNow();
  else if (changed.has("word") || changed.has("rather")) askContrast();
});
