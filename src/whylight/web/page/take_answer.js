// The answer to take along: files, and the lines that give the same.

import { answer, contrast, fileOf, whenHeard } from "./answers.js";
import { byId, fault, make } from "./dom.js";
import { codeBox, copy, download, drawnFirst, pictureInPython, quoted, shell } from "./take_along.js";
import { model } from "./models.js";
import { state, whenChanged } from "./state.js";

const FILES = [["png", "Figure (PNG)"], ["html", "Page (HTML)"], ["json", "Numbers (JSON)"], ["safetensors", "Maps (safetensors)"]];

export function setUpTakeAnswer() {
  const buttons = FILES.map(([form, label]) => make("button", { type: "button", id: `save-answer-${form}`, onclick: () => save(form) }, label));
  const [python, command] = [codeBox("The same in Python"), codeBox("The same on the command line")];
  const link = make("button", { type: "button", onclick: () => copy(location.href, "The address") }, "Copy the address");
  const note = make("p", { class: "quiet" });
  byId("answer-take").append(make("div", { class: "row" }, ...buttons), python.whole, command.whole, make("div", { class: "row" }, link), note);
  const refresh = () => {
    byId("save-answer-png").hidden = model()?.reads === "text";
    python.text.textContent = inPython();
    command.text.textContent = asCommand();
    note.textContent = state.source?.kind === "own" ? "The address holds everything but your picture." : "The address in the address bar opens this view again.";
  };
  whenHeard(refresh);
  whenChanged(refresh);
  refresh();
}

/** What is explained beyond the question: an answer that was given, one word rather than another. */
function details() {
  const said = contrast();
  const given = state.forced.trim() || (said ? answer()?.text : "");
  return { given, word: said ? answer()?.words[said.word] : undefined, number: said?.word, rather: said?.rather };
}

function inPython() {
  const { given, number, rather } = details();
  const blind = model()?.reads === "text";
  const parts = [quoted(state.model ?? "scenes-answers"), blind ? "None" : pictureInPython(), quoted(state.question.trim())];
  if (given) parts.push(`answer=${quoted(given)}`);
  if (rather) parts.push(`words=[${number}]`, `rather_than=${quoted(rather)}`);
  if (state.answerMethod !== "keyflow") parts.push(`method=${quoted(state.answerMethod)}`);
  return ["import whylight", `answer = whylight.ask(${parts.join(", ")})`, 'answer.save("why.html")'].join("\n");
}

function asCommand() {
  const { given, word, number, rather } = details();
  const first = answer()?.words.findIndex((each) => each.text.toLowerCase() === word?.text.toLowerCase());
  if (rather && first !== number) return "# the command line names words, and this one stands there twice: take the Python lines";
  const blind = model()?.reads === "text";
  const { before, file } = blind ? { before: "", file: "-" } : drawnFirst();
  const words = ["whylight", "ask", file, shell(state.question.trim()), "--model", shell(state.model ?? "scenes-answers"), "--method", state.answerMethod];
  if (given) words.push("--answer", shell(given));
  if (rather && word) words.push("--word", shell(word.text), "--rather-than", shell(rather));
  return before + words.join(" ");
}

async function save(form) {
  if (!answer()?.done) return fault("ask something first");
  try {
    download(await fileOf(form), `whylight-answer.${form}`);
  } catch (error) {
    fault(error.message);
  }
}
