// Text classifiers: a text, its classes, and the words that the answer rests on.

import { call, wasCancelled } from "./api.js";
import { coloredWords } from "./colored.js";
import { sweep } from "./curve.js";
import { afterPause, announce, byId, fault, make } from "./dom.js";
import { methods } from "./models.js";
import { scoreInWords } from "./questions.js";
import { newestOnly } from "./tabs.js";
import { state } from "./state.js";

const only = newestOnly();
/** The answer that is shown. */
let shown = { name: "", values: [], text: "" };

const question = () => ({
  model: state.model,
  text: byId("text").value,
  ...(byId("pair").value.trim() ? { pair: byId("pair").value } : {}),
  targets: byId("text-class").value ? [byId("text-class").value] : [],
  method: byId("text-method").value || "legrad",
});

async function ask() {
  const body = question();
  if (!body.text.trim()) return byId("text-words").replaceChildren();
  try {
    const found = await only((signal) => call("text", { body, signal }));
    const [target] = found.targets;
    shown = { name: target.name, values: target.words.map((value) => value ?? 0), text: found.text };
    byId("text-score").textContent = `${target.name}: ${scoreInWords({ ...target, scores: found.scores })}`;
    byId("text-words").replaceChildren(...coloredWords(found.text, found.words, target.words));
    byId("text-note").textContent = found.note ?? "";
    byId("text-erase").hidden = Boolean(found.pair);
    fault();
    announce(byId("text-score").textContent);
  } catch (error) {
    if (!wasCancelled(error)) fault(error.message);
  }
}

/** A text classifier was opened. @param {any} facts */
export async function openTexts(facts) {
  const { classes } = await call(`classes?model=${encodeURIComponent(facts.name)}`);
  byId("text-class").replaceChildren(make("option", { value: "" }, "the predicted one"), ...classes.map((name) => make("option", { value: name }, name)));
  byId("text-method").replaceChildren(...methods().map((each) => make("option", { value: each.name }, each.name)));
  await ask();
}

export function setUpTexts() {
  byId("text").addEventListener("input", afterPause(ask, 300));
  byId("pair").addEventListener("input", afterPause(ask, 300));
  byId("text-class").addEventListener("change", ask);
  byId("text-method").addEventListener("change", ask);
  sweep(byId("text-erase"), "Take out words", (share, least, signal) => {
    const body = { model: state.model, text: shown.text, target: shown.name, values: shown.values.map((value) => (least ? -value : value)), share };
    return call("text/erase", { body, signal });
  });
}
