// Take it along: files, and the lines that make the same map.

import { askAbout } from "./api.js";
import { asksLike, beyond, isPlain, targets } from "./asked.js";
import { announce, byId, fault, make } from "./dom.js";
import { model } from "./models.js";
import { answered, current } from "./stage.js";
import { state, whenChanged } from "./state.js";

const FILES = [["png", "Figure (PNG)"], ["npz", "Arrays (NPZ)"], ["json", "Numbers (JSON)"], ["html", "Page (HTML)"]];

/** @param {HTMLElement} panel */
export function buildTakeAlong(panel) {
  const buttons = FILES.map(([form, label]) => make("button", { type: "button", id: `save-${form}`, onclick: () => save(form) }, label));
  const own = make("button", { type: "button", id: "save-overlay", onclick: saveOverlay }, "Overlay as shown (PNG)");
  const python = codeBox("The same in Python");
  const command = codeBox("The same on the command line");
  const note = make("p", { class: "quiet", id: "address-note" });
  const link = make("button", { type: "button", onclick: () => copy(location.href, "The address") }, "Copy the address");
  panel.append(make("div", { class: "row" }, ...buttons, own), python.whole, command.whole, make("div", { class: "row" }, link), note);
  const refresh = () => {
    const prompts = state.prompts.map((each) => each.trim()).filter(Boolean);
    python.text.textContent = inPython(prompts);
    command.text.textContent = asCommand(prompts);
    note.textContent = state.source?.kind === "own" || state.like?.kind === "own"
      ? "The address holds everything but your picture: who opens it needs the picture as well."
      : "The address in the address bar opens this view again.";
  };
  whenChanged(refresh);
  return refresh;
}

/** Lines under a title, with a button that copies them. @param {string} title */
export function codeBox(title) {
  const text = make("code");
  const button = make("button", { type: "button", onclick: () => copy(text.textContent, title) }, "Copy");
  return { text, whole: make("div", { class: "code" }, make("div", { class: "row between" }, make("h3", {}, title), button), make("pre", { tabIndex: 0 }, text)) };
}

/** A string as Python writes it. @param {string} text */
export const quoted = (text) => JSON.stringify(text);
/** A word as a shell takes it. @param {string} text */
export const shell = (text) => (/^[\w.:/=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** A picture as Python names it. @param {import("./state.js").Source|null} [source] */
export function pictureInPython(source = state.source) {
  return source?.kind === "scene" ? `whylight.scenes.draw_scene(${source.seed}, 384).picture` : quoted(source?.name ?? "photo.jpg");
}

/** A picture's file on the command line, and what draws a scene into one before. @param {import("./state.js").Source|null} [source] */
export function drawnFirst(source = state.source, file = "scene.png") {
  if (source?.kind !== "scene") return { before: "", file: shell(source?.name ?? "photo.jpg") };
  const draw = `from PIL import Image; from whylight.scenes import draw_scene; Image.fromarray(draw_scene(${source.seed}, 384).picture).save("${file}")`;
  return { before: `python -c '${draw}' && `, file };
}

/** Whether files and lines tell of words, too. */
const withWords = () => state.wordsBy === "adds" && isPlain() && model()?.asks !== "classes";

function inPython(prompts) {
  const parts = [quoted(state.model ?? "scenes"), pictureInPython()];
  const { rather_than: rather, without, negative } = beyond();
  if (asksLike()) parts.push(`like=${pictureInPython(state.like)}`, `method=${quoted(state.method)}`);
  else if (!rather) parts.push(JSON.stringify(prompts), quoted(state.method));
  else if (prompts.length === 1) parts.push(`whylight.difference(${quoted(prompts[0])}, ${quoted(rather)})`, quoted(state.method));
  else parts.push(`whylight.difference(${JSON.stringify(prompts)}, [${quoted(rather)}] * ${prompts.length})`, quoted(state.method));
  if (asksLike() && state.likePatch) parts.push(`patch=(${state.likePatch.row}, ${state.likePatch.column})`);
  if (without) parts.push(`without=${JSON.stringify(without)}`);
  if (negative) parts.push("negative=True");
  if (withWords()) parts.push("words=True");
  if (rangeOf()) parts.push(`value_range=(${rangeOf()?.join(", ")})`);
  if (state.from) parts.push(`start_layer=${state.from}`);
  const note = state.to !== null ? "  # the page sums over fewer layers" : "";
  return ["import whylight", `result = whylight.explain(${parts.join(", ")})${note}`, 'result.save("why.png")'].join("\n");
}

function asCommand(prompts) {
  const { before, file } = drawnFirst();
  const words = ["whylight", "explain", file];
  const { rather_than: rather, without, negative } = beyond();
  const other = asksLike() ? drawnFirst(state.like, "like.png") : null;
  if (other) words.push("--like", other.file);
  else for (const prompt of prompts) words.push("-p", shell(prompt));
  if (other && state.likePatch) words.push("--patch", `${state.likePatch.row},${state.likePatch.column}`);
  if (rather) words.push("--rather-than", shell(rather));
  for (const each of without ?? []) words.push("--without", shell(each));
  if (negative) words.push("--negative");
  if (withWords()) words.push("--words");
  words.push("--model", shell(state.model ?? "scenes"), "--method", state.method);
  if (rangeOf()) words.push("--value-range", ...(rangeOf() ?? []).map(String));
  if (state.from) words.push("--start-layer", String(state.from));
  return before + (other?.before ?? "") + words.join(" ");
}

/** What is black and white in the picture, where that was said. */
const rangeOf = () => (state.source?.kind === "own" ? state.source.range : null);

/** @param {string} text @param {string} what */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${what}: copied`);
  } catch {
    fault("this browser does not let the page copy: select the text instead");
  }
}

async function save(form) {
  const prompts = answered().map((each) => each.prompt);
  if (!prompts.length) return fault("ask something first");
  const options = state.method === "legrad" && state.from ? { start_layer: state.from } : {};
  try {
    const body = { model: state.model, targets: targets(prompts), method: state.method, options, words: withWords(), ...beyond() };
    download(await askAbout(`save/${form}`, state.source, body, { as: "blob" }), `whylight.${form}`);
  } catch (error) {
    fault(error.message);
  }
}

function saveOverlay() {
  const canvases = byId("cells").querySelectorAll("canvas");
  const canvas = canvases[state.view === "side" || state.view === "all" ? 1 : 0];
  if (!current() || !canvas) return fault("ask something first");
  canvas.toBlob((blob) => download(blob, "whylight-overlay.png"));
}

/** @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  announce(`${name} is saved`);
}
