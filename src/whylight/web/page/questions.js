// Asking: after a short pause, only what was not asked before, and older answers are cancelled.

import { Refused, askAbout, wasCancelled } from "./api.js";
import { ASKED, asksLike, beyond, beyondKey, likeKey, targets, wanted } from "./asked.js";
import { afterPause, announce, fault } from "./dom.js";
import { decode } from "./grids.js";
import { model } from "./models.js";
import { sourceKey, state, whenChanged } from "./state.js";

const PAUSE = 180;
const KEPT = 400;

/** @type {Map<string, import("./grids.js").Answer>} */
const answers = new Map();
/** Classes that the model does not have, with the server's line. @type {Map<string, string>} */
const refusals = new Map();
/** @type {Array<() => void>} */
const listeners = [];
/** @type {AbortController|null} */
let asking = null;

/** @param {() => void} listener when answers came, or began to be waited for */
export const whenAnswered = (listener) => listeners.push(listener);
const tell = () => listeners.forEach((listener) => listener());

const keyOf = (prompt, method = state.method) => JSON.stringify([sourceKey(), state.model, method, prompt, beyondKey(), asksLike() && likeKey()]);

/** The answer to a prompt by a method, if it is there. @param {string} prompt @param {string} [method] */
export const answerTo = (prompt, method) => answers.get(keyOf(prompt.trim(), method));

/** Why there is no answer to a class, where it is known by now. @param {string} prompt */
export const refusalOf = (prompt) => refusals.get(keyOf(prompt.trim()));

/** Whether an answer is being waited for. */
export const isAsking = () => asking !== null;

/**
 * Ask for maps that are not there yet.
 * @param {string[]} prompts @param {string} method @param {AbortSignal} signal
 */
export async function fetchMaps(prompts, method, signal) {
  const missing = [...new Set(prompts)].filter((prompt) => !answers.has(keyOf(prompt, method)));
  if (!missing.length || !state.source || !state.model) return;
  const keys = new Map(missing.map((prompt) => [prompt, keyOf(prompt, method)]));
  const body = { model: state.model, targets: targets(missing), method, layers: method === "legrad", numbers: "base64", ...beyond() };
  const found = await askAbout("explain", state.source, body, { signal });
  found.targets.forEach((target, index) => {
    answers.set(keys.get(missing[index]), {
      name: target.name,
      score: target.score,
      logit: target.logit,
      scores: found.scores,
      rows: found.grid[0],
      columns: found.grid[1],
      layers: found.layers ?? 1,
      values: decode(target.layers ?? target.relevance),
      box: found.seen_left_top_right_bottom,
      picture: found.picture_size,
      seconds: found.seconds,
      forward: found.forward_seconds,
    });
  });
  while (answers.size > KEPT) answers.delete(answers.keys().next().value);
}

/**
 * All prompts at once; each alone where one of them is refused, so that the others are answered. What is no class is said
 * beside it, and is no fault: it may be half a word.
 */
async function fetchEach(prompts, signal) {
  const isClass = (error) => error instanceof Refused && error.code === "unknown_class";
  const asked = prompts.filter((prompt) => !refusalOf(prompt));
  try {
    return await fetchMaps(asked, state.method, signal);
  } catch (error) {
    if (!isClass(error) && (asked.length < 2 || !(error instanceof Refused) || error.code !== "bad_input")) throw error;
  }
  let refused = null;
  for (const prompt of asked) {
    const key = keyOf(prompt);
    await fetchMaps([prompt], state.method, signal).catch((error) => {
      if (isClass(error)) return refusals.set(key, error.message);
      if (!(error instanceof Refused)) throw error;
      refused = error;
    });
  }
  if (refused) throw refused;
}

/** Ask what is not there yet. */
export async function askNow() {
  asking?.abort();
  const own = new AbortController();
  const prompts = wanted().map((each) => each.prompt);
  if (!state.source || !state.model || !prompts.length || model()?.reads !== "pictures" || model().asks === "questions") {
    asking = null;
    return tell();
  }
  asking = own;
  tell();
  try {
    await fetchEach(prompts, own.signal);
    if (asking !== own) return;
    fault();
    announce(spoken(prompts));
  } catch (error) {
    if (wasCancelled(error) || asking !== own) return;
    fault(error.message);
  }
  asking = null;
  tell();
}

const askSoon = afterPause(askNow, PAUSE);

/** Answers in words. @param {string[]} prompts */
function spoken(prompts) {
  const parts = prompts.filter((prompt) => answerTo(prompt)).slice(0, 5).map((prompt) => `${prompt}: ${scoreInWords(answerTo(prompt))}`);
  return parts.length ? `Answered. ${parts.join("; ")}` : "";
}

/**
 * A score in its unit: probabilities in percent, cosines and a regression's values as they are.
 * @param {{score: number, scores: string}|undefined} answer @param {number} [digits] of a percentage
 */
export function scoreInWords(answer, digits = 1) {
  if (!answer) return "";
  const isShare = answer.scores === "softmax" || answer.scores === "sigmoid";
  return isShare ? `${(100 * answer.score).toFixed(digits)} %` : answer.score.toFixed(3);
}

whenChanged((changed) => {
  if (["prompts", "ratherThan", "without"].some((each) => changed.has(each))) askSoon();
  else if (["source", "model", "method", ...ASKED].some((each) => changed.has(each))) askNow();
});
