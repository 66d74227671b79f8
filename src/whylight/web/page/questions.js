// Asking: after a short pause, only what was not asked before, and older answers are cancelled.

import { Refused, askAbout, wasCancelled } from "./api.js";
import { afterPause, announce, fault } from "./dom.js";
import { decode } from "./grids.js";
import { sourceKey, state, whenChanged } from "./state.js";

const PAUSE = 180;
const KEPT = 400;

/** @type {Map<string, import("./grids.js").Answer>} */
const answers = new Map();
/** @type {Array<() => void>} */
const listeners = [];
/** @type {AbortController|null} */
let asking = null;

/** @param {() => void} listener when answers came, or began to be waited for */
export const whenAnswered = (listener) => listeners.push(listener);
const tell = () => listeners.forEach((listener) => listener());

const keyOf = (prompt, method = state.method) => JSON.stringify([sourceKey(), state.model, method, prompt]);

/** The answer to a prompt by a method, if it is there. @param {string} prompt @param {string} [method] */
export const answerTo = (prompt, method) => answers.get(keyOf(prompt.trim(), method));

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
  const body = { model: state.model, targets: missing, method, layers: method === "legrad", numbers: "base64" };
  const found = await askAbout("explain", state.source, body, { signal });
  found.targets.forEach((target, index) => {
    answers.set(keys.get(missing[index]), {
      name: target.name,
      score: target.score,
      logit: target.logit,
      scoreName: found.score_name,
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

/** All prompts at once; each alone where one of them is refused, so that the others are answered. */
async function fetchEach(prompts, signal) {
  try {
    return await fetchMaps(prompts, state.method, signal);
  } catch (error) {
    if (prompts.length < 2 || !(error instanceof Refused) || error.code !== "bad_input") throw error;
  }
  let refused = null;
  for (const prompt of prompts) {
    await fetchMaps([prompt], state.method, signal).catch((error) => {
      if (!(error instanceof Refused)) throw error;
      refused = error;
    });
  }
  if (refused) throw refused;
}

async function askNow() {
  asking?.abort();
  const own = new AbortController();
  const prompts = state.prompts.map((prompt) => prompt.trim()).filter(Boolean);
  if (!state.source || !state.model || !prompts.length) {
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
  const parts = prompts.slice(0, 5).map((prompt) => `${prompt}: ${scoreInWords(answerTo(prompt))}`);
  return `Answered. ${parts.join("; ")}`;
}

/** @param {import("./grids.js").Answer|undefined} answer */
export function scoreInWords(answer) {
  if (!answer) return "";
  return answer.scoreName === "probability" ? `${(100 * answer.score).toFixed(1)} %` : answer.score.toFixed(3);
}

whenChanged((changed) => {
  if (changed.has("prompts")) askSoon();
  else if (["source", "model", "method"].some((each) => changed.has(each))) askNow();
});
