// Models: which there are, how far each is loaded, what runs.

import { call } from "./api.js";
import { announce, byId, fault, make } from "./dom.js";
import { offer, pageOf, showPage } from "./pages.js";
import { change, state, whenChanged } from "./state.js";

/** @type {Map<string, any>} */
const known = new Map();
/** @type {{methods: any[], answer_methods: any[]}} */
let lists = { methods: [], answer_methods: [] };
/** What the server takes of a picture. */
let limits = { upload_bytes: Infinity, pixels: Infinity };
/** The model that could not be loaded, until one is there. @type {string|null} */
let failed = null;
/** How often a model was asked for: only the last one is shown, whichever comes first. */
let asked = 0;

/** Facts of the model that is shown, once it is ready. */
export const model = () => known.get(state.model ?? "");
/** All methods for maps of prompts and classes. */
export const methods = () => lists.methods;
/** All methods for answers. */
export const answerMethods = () => lists.answer_methods;
/** How much the server takes. */
export const mostOf = () => limits;
/** Words that the model has never seen, where its vocabulary is small. @param {string} prompt */
export function unknownWords(prompt) {
  const words = model()?.words ?? [];
  if (!words.length) return [];
  return [...new Set(prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])].filter((word) => !words.includes(word));
}

/** @param {(facts: any) => void} ready when a model is there to be asked */
export async function setUpModels(ready) {
  byId("model").addEventListener("change", () => open(byId("model").value, ready));
  byId("load-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = byId("load-name").value.trim();
    if (name) open(name, ready);
  });
  const listed = await call("models");
  limits = listed.limits;
  for (const each of listed.models) offer(each, (name) => open(name, ready));
  byId("load-form").hidden = !listed.allow_loading;
  byId("model").replaceChildren(...listed.models.map((each) => make("option", { value: each.name }, each.name)));
  const wanted = listed.models.some((each) => each.name === state.model) ? state.model : listed.models[0].name;
  const hinted = listed.models.find((each) => each.name === wanted);
  if (pageOf(hinted)) showPage(hinted);
  whenChanged((changed) => {
    if (changed.has("model") && state.model && !known.has(state.model)) open(state.model, ready);
    else if (failed && ["prompts", "question", "source"].some((each) => changed.has(each))) open(failed, ready);
  });
  await open(wanted, ready);
}

async function open(name, ready) {
  const own = ++asked;
  failed = null;
  fault();
  byId("loading").hidden = false;
  byId("model-facts").textContent = "loading …";
  const begin = Date.now();
  const clock = setInterval(() => {
    if (own === asked) byId("model-facts").textContent = `loading, ${Math.round((Date.now() - begin) / 1000)} s`;
  }, 1000);
  try {
    const facts = await call("models", { body: { name } });
    known.set(name, facts);
    if (!lists.methods.length) lists = await call("methods");
    if (own !== asked) return;
    if (![...byId("model").options].some((each) => each.value === name)) byId("model").append(make("option", { value: name }, name));
    byId("model").value = name;
    byId("model-facts").textContent = inShort(facts);
    offer(facts, (other) => open(other, ready));
    showPage(facts);
    change({ model: name, from: state.model === name || state.model === null ? state.from : 0, to: state.model === name || state.model === null ? state.to : null });
    announce(`${name} is ready`);
    await ready(facts);
  } catch (error) {
    if (own !== asked) return;
    if (!known.has(name)) failed = name;
    fault(error.message, () => open(name, ready));
    byId("model-facts").textContent = "not loaded";
    if (state.model) byId("model").value = state.model;
  } finally {
    clearInterval(clock);
    if (own === asked) byId("loading").hidden = true;
  }
}

function inShort(facts) {
  const [unit, least] = [["B", 1e9], ["M", 1e6], ["K", 1e3]].find(([, least]) => facts.parameters >= least) ?? ["", 1];
  const size = `${(facts.parameters / Number(least)).toFixed(unit ? 1 : 0)} ${unit}`.trim();
  const input = facts.input_size ? ` · ${facts.input_size[0]} × ${facts.input_size[1]} px` : "";
  return `${size} parameters${input} · ${facts.precision} · ${facts.device}`;
}
