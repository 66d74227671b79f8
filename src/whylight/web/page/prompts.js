// The question: a row for each prompt or class, with its colour, its score, and what the model does not know of it.

import { PROMPT_COLORS } from "./colormaps.js";
import { afterPause, announce, byId, make } from "./dom.js";
import { call, askAbout } from "./api.js";
import { ASKED } from "./asked.js";
import { model, unknownWords } from "./models.js";
import { answerTo, askNow, isAsking, refusalOf, scoreInWords, whenAnswered } from "./questions.js";
import { change, state, whenChanged } from "./state.js";

/** After so long without a key, what stands in a row is meant. */
const SETTLED = 1000;
const NEAR = 4;
/** Names of the model's classes. @type {string[]} */
let classNames = [];
/** The row that is being typed in. @type {number|null} */
let typing = null;
const settleSoon = afterPause(settle, SETTLED);

function settle() {
  typing = null;
  refresh();
  const refusal = refusalOf(state.prompts[state.chosen] ?? "");
  if (refusal) announce(refusal);
}

/** Classes whose names hold what was typed, those that begin with it first. @param {string} typed */
function nearClasses(typed) {
  const part = typed.trim().toLowerCase();
  if (!part || model()?.asks !== "classes") return [];
  const found = classNames.filter((name) => name.toLowerCase().includes(part) && name !== typed.trim());
  return found.sort((a, b) => Number(b.toLowerCase().startsWith(part)) - Number(a.toLowerCase().startsWith(part))).slice(0, NEAR);
}

/** @param {number} index */
function row(index) {
  const input = make("input", { type: "text", value: state.prompts[index], spellcheck: false, autocomplete: "off", maxLength: 500 });
  const noun = model()?.asks === "classes" ? "Class" : "Prompt";
  input.setAttribute("aria-label", `${noun} ${index + 1}`);
  input.setAttribute("aria-describedby", `unknown-${index}`);
  if (model()?.asks === "classes") input.setAttribute("list", "class-names");
  input.placeholder = model()?.asks === "classes" ? "a class" : "a red star";
  input.addEventListener("blur", () => typing === index && settle());
  input.addEventListener("input", () => {
    typing = index;
    settleSoon();
    change({ prompts: state.prompts.map((each, i) => (i === index ? input.value : each)), chosen: index });
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.value.trim()) add();
  });
  input.addEventListener("focus", () => change({ chosen: index }));
  const swatch = make("button", { type: "button", class: "swatch", onclick: () => change({ chosen: index }) });
  swatch.style.setProperty("--own", PROMPT_COLORS[index % PROMPT_COLORS.length]);
  swatch.setAttribute("aria-label", `Show the map of ${noun.toLowerCase()} ${index + 1}`);
  const remove = make("button", { type: "button", class: "remove", "aria-label": `Remove ${noun.toLowerCase()} ${index + 1}`, onclick: () => drop(index) }, "×");
  const score = make("output", { class: "score" });
  const unknown = make("p", { class: "unknown", id: `unknown-${index}` });
  const near = make("div", { class: "chips near", role: "group", "aria-label": "Classes of a like name" });
  return make("li", {}, swatch, input, score, remove, unknown, near);
}

function add() {
  change({ prompts: [...state.prompts, ""], chosen: state.prompts.length });
  byId("prompts").querySelector("li:last-child input").focus();
}

function drop(index) {
  const prompts = state.prompts.filter((_, i) => i !== index);
  change({ prompts: prompts.length ? prompts : [""], chosen: Math.max(0, Math.min(state.chosen, prompts.length - 1)) });
  byId("prompts").querySelectorAll("input")[state.chosen]?.focus();
}

/** Rows that are typed in are left alone: only what stands beside the words changes. */
function refresh() {
  const list = byId("prompts");
  const inputs = [...list.querySelectorAll("input")];
  if (inputs.length !== state.prompts.length) list.replaceChildren(...state.prompts.map((_, index) => row(index)));
  [...list.children].forEach((item, index) => {
    const prompt = state.prompts[index];
    const input = item.querySelector("input");
    if (input.value !== prompt) input.value = prompt;
    const answer = prompt.trim() ? answerTo(prompt) : undefined;
    const score = item.querySelector(".score");
    score.textContent = answer ? scoreInWords(answer) : prompt.trim() && isAsking() ? "…" : "";
    score.title = answer ? `logit ${answer.logit.toFixed(2)}` : "";
    item.querySelector(".unknown").textContent = typing === index ? "" : whyNot(prompt);
    const near = !answer && refusalOf(prompt) ? nearClasses(prompt) : [];
    const take = (name) => change({ prompts: state.prompts.map((each, i) => (i === index ? name : each)), chosen: index });
    item.querySelector(".near").replaceChildren(...near.map((name) => make("button", { type: "button", class: "chip", onclick: () => take(name) }, name)));
    item.classList.toggle("chosen", index === state.chosen);
    item.querySelector(".swatch").setAttribute("aria-pressed", String(index === state.chosen));
  });
}

/** What the model does not know of it. @param {string} prompt */
function whyNot(prompt) {
  const unknown = unknownWords(prompt);
  return unknown.length ? `not known to this model: ${unknown.join(", ")}` : refusalOf(prompt) ?? "";
}

async function showTopClasses() {
  const place = byId("top-classes");
  if (model()?.asks !== "classes" || model()?.reads !== "pictures" || !state.source) return place.replaceChildren();
  const source = state.source;
  const { top, scores } = await askAbout("predict", source, { model: state.model }).catch(() => ({ top: [], scores: "" }));
  if (state.source !== source) return;
  place.replaceChildren(
    ...top.map((each) => {
      const ask = () => change({ prompts: [...new Set([...state.prompts.filter((p) => p.trim()), each.name])] });
      return make("button", { type: "button", class: "chip", onclick: ask }, `${each.name} ${scoreInWords({ ...each, scores }, 0)}`);
    }),
  );
  if (!state.prompts.some((prompt) => prompt.trim()) && top.length) change({ prompts: [top[0].name], chosen: 0 });
}

/** What can be asked of a model that was opened. */
export async function setUpQuestion(facts) {
  const { classes } = facts.asks === "classes" ? await call(`classes?model=${encodeURIComponent(facts.name)}`) : { classes: [] };
  classNames = classes;
  byId("class-names").replaceChildren(...classes.map((name) => make("option", { value: name })));
  byId("h-ask").textContent = facts.asks === "classes" ? "Classes" : "Prompts";
  byId("add-prompt").textContent = facts.asks === "classes" ? "Add a class" : "Add a prompt";
  byId("suggestions").hidden = facts.asks === "classes";
  if (facts.asks === "classes" && state.prompts.some((each) => each.trim() && !classes.includes(each))) change({ prompts: [""], chosen: 0 });
  byId("prompts").replaceChildren();
  refresh();
  if (!isAsking()) askNow();
  await showTopClasses();
}

export function setUpPrompts() {
  byId("add-prompt").addEventListener("click", add);
  whenAnswered(refresh);
  whenChanged((changed) => {
    if (["prompts", "chosen", "model", "method", "source", ...ASKED].some((each) => changed.has(each))) refresh();
    if (changed.has("source")) showTopClasses();
  });
}
