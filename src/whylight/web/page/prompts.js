// The question: a row for each prompt or class, with its colour, its score, and what the model does not know of it.

import { PROMPT_COLORS } from "./colormaps.js";
import { byId, make } from "./dom.js";
import { call, askAbout } from "./api.js";
import { model, unknownWords } from "./models.js";
import { answerTo, isAsking, scoreInWords, whenAnswered } from "./questions.js";
import { change, state, whenChanged } from "./state.js";

/** @param {number} index */
function row(index) {
  const input = make("input", { type: "text", value: state.prompts[index], spellcheck: false, autocomplete: "off", maxLength: 500 });
  const noun = model()?.asks === "classes" ? "Class" : "Prompt";
  input.setAttribute("aria-label", `${noun} ${index + 1}`);
  input.setAttribute("aria-describedby", `unknown-${index}`);
  if (model()?.asks === "classes") input.setAttribute("list", "class-names");
  input.placeholder = model()?.asks === "classes" ? "a class" : "a red star";
  input.addEventListener("input", () => {
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
  return make("li", {}, swatch, input, score, remove, unknown);
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
    const unknown = unknownWords(prompt);
    item.querySelector(".unknown").textContent = unknown.length ? `not known to this model: ${unknown.join(", ")}` : "";
    item.classList.toggle("chosen", index === state.chosen);
    item.querySelector(".swatch").setAttribute("aria-pressed", String(index === state.chosen));
  });
}

async function showTopClasses() {
  const place = byId("top-classes");
  if (model()?.asks !== "classes" || model()?.reads !== "pictures" || !state.source) return place.replaceChildren();
  const source = state.source;
  const { top } = await askAbout("predict", source, { model: state.model }).catch(() => ({ top: [] }));
  if (state.source !== source) return;
  place.replaceChildren(
    ...top.map((each) => {
      const ask = () => change({ prompts: [...new Set([...state.prompts.filter((p) => p.trim()), each.name])] });
      return make("button", { type: "button", class: "chip", onclick: ask }, `${each.name} ${(100 * each.probability).toFixed(0)} %`);
    }),
  );
  if (!state.prompts.some((prompt) => prompt.trim()) && top.length) change({ prompts: [top[0].name], chosen: 0 });
}

/** What can be asked of a model that was opened. */
export async function setUpQuestion(facts) {
  const { classes } = facts.asks === "classes" ? await call(`classes?model=${encodeURIComponent(facts.name)}`) : { classes: [] };
  byId("class-names").replaceChildren(...classes.map((name) => make("option", { value: name })));
  byId("h-ask").textContent = facts.asks === "classes" ? "Classes" : "Ask";
  byId("add-prompt").textContent = facts.asks === "classes" ? "Add a class" : "Add a prompt";
  byId("suggestions").hidden = facts.asks === "classes";
  if (facts.asks === "classes" && state.prompts.some((each) => each.trim() && !classes.includes(each))) change({ prompts: [""], chosen: 0 });
  byId("prompts").replaceChildren();
  refresh();
  await showTopClasses();
}

export function setUpPrompts() {
  byId("add-prompt").addEventListener("click", add);
  whenAnswered(refresh);
  whenChanged((changed) => {
    if (["prompts", "chosen", "model", "method", "source"].some((each) => changed.has(each))) refresh();
    if (changed.has("source")) showTopClasses();
  });
}
