// What the page shows, in one place, and who wants to know when it changes.

/**
 * @typedef {{kind: "scene", seed: number} | {kind: "own", id: string, file: Blob, name: string, range: [number, number]|null}} Source
 *   range: what is black and white in it, where that was said
 * @typedef {{
 *   model: string|null, source: Source|null, prompts: string[], chosen: number, method: string,
 *   view: "overlay"|"side"|"slider"|"all"|"wins"|"map", alpha: number, colormap: string, threshold: number,
 *   contour: boolean, grid: boolean, from: number, to: number|null, tab: string, patch: {row: number, column: number}|null,
 *   ratherThan: string, without: string, negative: boolean, like: Source|null, likePatch: {row: number, column: number}|null,
 *   wordsBy: "tower"|"adds", question: string, forced: string, rather: string, word: number, answerMethod: string
 * }} State
 */

/** @type {State} */
export const state = {
  model: null,
  source: null,
  prompts: [],
  chosen: 0,
  method: "legrad",
  view: "overlay",
  alpha: 0.85,
  colormap: "inferno",
  threshold: 0,
  contour: false,
  grid: false,
  from: 0,
  to: null,
  tab: "words",
  patch: null,
  ratherThan: "",
  without: "",
  negative: false,
  like: null,
  likePatch: null,
  wordsBy: "tower",
  question: "",
  forced: "",
  rather: "",
  word: 0,
  answerMethod: "keyflow",
};

/** @type {Array<(changed: Set<string>) => void>} */
const listeners = [];

/** @param {(changed: Set<string>) => void} listener */
export const whenChanged = (listener) => listeners.push(listener);

/**
 * Change some of it and tell everybody once.
 * @param {Partial<State>} changes
 */
export function change(changes) {
  const changed = new Set(Object.keys(changes).filter((key) => changes[key] !== state[key]));
  Object.assign(state, changes);
  if (changed.size) for (const listener of listeners) listener(changed);
}

/** A picture's name in answers that are kept. @param {Source|null} [source] */
export const sourceKey = (source = state.source) => (source ? (source.kind === "scene" ? `scene ${source.seed}` : source.id) : "");
