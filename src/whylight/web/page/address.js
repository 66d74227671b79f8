// The address bar: everything that makes the view, behind the "#", which never leaves the browser.

import { page } from "./pages.js";
import { change, state } from "./state.js";

const NUMBERS = { alpha: [0, 1], threshold: [0, 1], from: [0, 1000], to: [0, 1000], chosen: [0, 1000], word: [0, 1000] };
const ANSWERS = { q: "question", answer: "forced", rather: "rather", by: "answerMethod" };
const PICTURES = { than: "ratherThan", without: "without" };
/** What an address that does not name it means. */
const plain = Object.fromEntries(Object.entries(state).filter(([name]) => !["model", "source", "prompts", "question"].includes(name)));
const VIEWS = ["overlay", "side", "slider", "all", "wins", "map"];

/** The token that the server printed, taken out of the address and kept for this tab. */
export function takeToken() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const token = parts.get("token");
  if (token) {
    sessionStorage.setItem("whylight-token", token);
    parts.delete("token");
    history.replaceState(null, "", parts.size ? `#${parts}` : location.pathname);
  }
  return sessionStorage.getItem("whylight-token");
}

/** A scene's seed, where a text is one. @param {string|null} text */
function seedIn(text) {
  const seed = Number(text ?? "none");
  return Number.isSafeInteger(seed) && seed >= 0 ? seed : null;
}

/** @returns {Partial<import("./state.js").State>} what an address asks for; nothing of it is trusted */
export function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const found = {};
  const seed = seedIn(parts.get("scene"));
  if (seed !== null) found.source = { kind: "scene", seed };
  if (parts.has("p")) found.prompts = parts.getAll("p").slice(0, 40).map((prompt) => prompt.slice(0, 500));
  for (const name of ["model", "method", "colormap", "tab"]) if (parts.has(name)) found[name] = parts.get(name);
  for (const [short, name] of Object.entries({ ...ANSWERS, ...PICTURES })) if (parts.has(short)) found[name] = parts.get(short)?.slice(0, 2000);
  const like = seedIn(parts.get("like"));
  if (like !== null) found.like = { kind: "scene", seed: like };
  const patch = /^(\d{1,4}),(\d{1,4})$/.exec(parts.get("patch") ?? "");
  if (patch && found.like) found.likePatch = { row: Number(patch[1]), column: Number(patch[2]) };
  if (parts.get("words") === "adds") found.wordsBy = "adds";
  if (VIEWS.includes(parts.get("view") ?? "")) found.view = parts.get("view");
  for (const [name, [low, high]] of Object.entries(NUMBERS)) {
    const value = Number(parts.get(name));
    if (parts.has(name) && value >= low && value <= high) found[name] = value;
  }
  for (const name of ["contour", "grid", "negative"]) if (parts.has(name)) found[name] = parts.get(name) === "1";
  return found;
}

/** Write what is shown into the address. */
export function writeAddress() {
  const parts = new URLSearchParams();
  if (state.model) parts.set("model", state.model);
  if (state.source?.kind === "scene") parts.set("scene", String(state.source.seed));
  if (page() === "questions") {
    for (const [short, name] of Object.entries(ANSWERS)) if (state[name].trim()) parts.set(short, state[name].trim());
    if (state.word) parts.set("word", String(state.word));
  } else {
    for (const prompt of state.prompts) if (prompt.trim()) parts.append("p", prompt);
    parts.set("method", state.method);
    parts.set("view", state.view);
    if (state.chosen) parts.set("chosen", String(state.chosen));
    for (const [short, name] of Object.entries(PICTURES)) if (state[name].trim()) parts.set(short, state[name].trim());
    if (state.negative) parts.set("negative", "1");
    if (state.like?.kind === "scene") parts.set("like", String(state.like.seed));
    if (state.like?.kind === "scene" && state.likePatch) parts.set("patch", `${state.likePatch.row},${state.likePatch.column}`);
    if (state.wordsBy === "adds") parts.set("words", "adds");
  }
  if (state.colormap !== "inferno") parts.set("colormap", state.colormap);
  if (state.alpha !== 0.85) parts.set("alpha", String(state.alpha));
  if (state.threshold) parts.set("threshold", String(state.threshold));
  if (state.contour) parts.set("contour", "1");
  if (state.grid) parts.set("grid", "1");
  if (state.from) parts.set("from", String(state.from));
  if (state.to !== null) parts.set("to", String(state.to));
  if (state.tab !== "words") parts.set("tab", state.tab);
  history.replaceState(null, "", `#${parts}`);
}

/** A pasted address: what it names replaces what is shown. */
export function followAddress() {
  window.addEventListener("hashchange", () => change({ ...plain, ...readAddress() }));
}
