// The question to a model that answers in words: asked by Enter, with questions to try for a drawn scene.

import { answer, askNow, chosenWord, isAnswering, stopAsking, whenHeard } from "./answers.js";
import { aboutMethod, afterPause, byId, make } from "./dom.js";
import { answerMethods } from "./models.js";
import { change, state, whenChanged } from "./state.js";

const PAUSE = 500;

/** Questions that a scene has an answer to. @param {{kind: string, color: string}[]} objects @returns {string[]} */
export function questionsAbout(objects) {
  const alone = (key) => objects.filter((each) => objects.filter((other) => other[key] === each[key]).length === 1);
  const [kind] = alone("kind");
  const [color] = alone("color");
  const asked = [
    kind && `What colour is the ${kind.kind}?`,
    kind && `What texture has the ${kind.kind}?`,
    color && `What is ${color.color}?`,
    objects[0] && `Is there a ${objects[0].color} ${objects[objects.length - 1].kind}?`,
    objects.length && "How many objects are there?",
    "Describe the picture.",
  ];
  return asked.filter((each) => typeof each === "string");
}

let waitsForFirst = false; // a model was opened before there was a question to ask it

/** Questions to click on. @param {{kind: string, color: string}[]} objects */
export function suggestQuestions(objects) {
  const put = (question) => make("button", { type: "button", class: "chip", onclick: () => change({ question, forced: "", rather: "", word: 0 }) }, question);
  byId("question-suggestions").replaceChildren(...questionsAbout(objects).map(put));
  if (waitsForFirst && !state.question.trim()) askFirst();
}

/** A model that answers was opened: it is asked what stands there, or the first question of those that are suggested. */
export function openAnswers() {
  refresh();
  if (state.question.trim()) askNow();
  else askFirst();
}

function askFirst() {
  const first = byId("question-suggestions").querySelector("button");
  waitsForFirst = !first;
  first?.click();
}

function ask() {
  const question = byId("question").value;
  if (!question.trim()) return;
  change({ question, forced: byId("forced").value, word: question.trim() === state.question.trim() ? state.word : 0 });
  askNow(); // again, where it was stopped
}

function refresh() {
  const write = (id, value) => {
    if (byId(id).value !== value && document.activeElement !== byId(id)) byId(id).value = value;
  };
  write("rather", state.rather);
  write("forced", state.forced);
  const word = chosenWord();
  byId("rather-note").textContent = word ? `What speaks for “${word.text}”, the chosen word, and not for this one.` : "";
  byId("stop-asking").hidden = !isAnswering();
  const unknown = answer()?.unknown ?? [];
  byId("question-unknown").textContent = unknown.length ? `not known to this model: ${unknown.join(", ")}` : "";
  if (answerMethods().length && !byId("answer-method").childElementCount) {
    byId("answer-method").replaceChildren(...answerMethods().map((each) => make("option", { value: each.name }, each.name)));
  }
  byId("answer-method").value = state.answerMethod;
  const about = answerMethods().find((each) => each.name === state.answerMethod);
  byId("answer-method-summary").textContent = aboutMethod(about);
}

export function setUpAskPanel() {
  byId("question").value = state.question;
  byId("question-form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  byId("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    ask();
  });
  byId("forced").addEventListener("change", ask);
  const takeRather = () => change({ rather: byId("rather").value });
  byId("rather").addEventListener("input", afterPause(takeRather, PAUSE));
  byId("rather").addEventListener("change", takeRather); // before anything else is done
  byId("answer-method").addEventListener("change", () => change({ answerMethod: byId("answer-method").value }));
  byId("stop-asking").addEventListener("click", stopAsking);
  whenHeard(refresh);
  whenChanged((changed) => {
    if (changed.has("question")) byId("question").value = state.question;
    if (["question", "rather", "forced", "answerMethod", "word", "model"].some((each) => changed.has(each))) refresh();
  });
}
