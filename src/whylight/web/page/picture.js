// The picture itself: dropped, pasted, chosen, out of the gallery, or drawn from a seed.

import { Refused, call, sendPicture } from "./api.js";
import { questionsAbout, suggestQuestions } from "./ask_panel.js";
import { announce, byId, fault, make } from "./dom.js";
import { mostOf } from "./models.js";
import { page } from "./pages.js";
import { change, state, whenChanged } from "./state.js";

const FIRST_SEED = 1_000_000_000;
/** Pixels on the longer side beyond which the page draws from a smaller copy; the server has the whole picture. */
const DRAWN_FROM = 2048;

/** @type {{image: ImageBitmap, key: string}|null} */
let shown = null;
/** @type {Array<() => void>} */
const listeners = [];

/** The picture as it can be drawn, upright, once it is there. */
export const picture = () => shown?.image ?? null;
/** @param {() => void} listener when another picture is there to be drawn */
export const whenPicture = (listener) => listeners.push(listener);

/** What goes on once it is said what is black and white. @type {((range: [number, number]) => void)|null} */
let withRange = null;

/** @param {Blob} file @param {[number, number]|null} [range] what is black and white in it, where it does not say so */
export async function take(file, range = null) {
  byId("range-form").hidden = true;
  try {
    const sent = await sentPicture(file, range);
    const source = { kind: "own", id: sent.picture, file, name: file.name ?? "picture", range };
    setShown(await drawable(source), sent.picture);
    change({ source, patch: null });
    announce(`Picture of ${sent.width} by ${sent.height} pixels`);
    fault();
  } catch (error) {
    if (!asksForRange(error, (said) => take(file, said))) fault(error.message);
  }
}

/** A picture that was sent, unless it is too large to be. @param {Blob} file @param {[number, number]|null} [range] */
export async function sentPicture(file, range = null) {
  const most = mostOf().upload_bytes;
  if (file.size > most) throw new Error(`this file has ${megabytes(file.size)} MB, and at most ${megabytes(most)} MB are taken: save it smaller`);
  announce("Sending the picture");
  return sendPicture(file, range);
}

/**
 * Ask what is black and white in a picture, where it was refused for not saying so.
 * @param {any} error @param {(range: [number, number]) => void} then @returns {boolean} whether that is asked
 */
export function asksForRange(error, then) {
  if (!(error instanceof Refused) || error.code !== "value_range") return false;
  withRange = then;
  const said = error.message.split(": say what")[0];
  byId("range-line").textContent = `${said[0].toUpperCase()}${said.slice(1)}: which values are black and white?`;
  byId("range-form").hidden = false;
  byId("white").focus();
  announce(byId("range-line").textContent);
  fault();
  return true;
}

const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0);

/**
 * A picture of one's own upright, as large as it is looked at: decoded here, or by the server where it needs a range or this
 * browser does not know its format. @param {any} source @returns {Promise<ImageBitmap>}
 */
export async function drawable(source) {
  const whole = source.range ? null : await createImageBitmap(source.file, { imageOrientation: "from-image" }).catch(() => null);
  if (!whole) return createImageBitmap(await call(`pictures/${source.id}/picture.png`, { as: "blob" }));
  const ratio = DRAWN_FROM / Math.max(whole.width, whole.height);
  if (ratio >= 1) return whole;
  const size = { resizeWidth: Math.max(1, Math.round(whole.width * ratio)), resizeHeight: Math.max(1, Math.round(whole.height * ratio)) };
  const small = await createImageBitmap(whole, { ...size, resizeQuality: "high" });
  whole.close();
  return small;
}

function setShown(image, key) {
  shown = { image, key };
  for (const listener of listeners) listener();
}

async function showScene(seed) {
  const key = `scene ${seed}`;
  if (shown?.key === key) return;
  byId("seed").value = String(seed); // now: once the picture is here, another may have been typed
  try {
    const blob = await call(`scenes/${seed}/picture.png`, { as: "blob" });
    const image = await createImageBitmap(blob);
    if (state.source?.kind === "scene" && state.source.seed === seed) setShown(image, key);
    const about = await call(`scenes/${seed}`);
    if (state.source?.kind !== "scene" || state.source.seed !== seed) return;
    suggest(about.objects.map((each) => each.prompt));
    suggestQuestions(about.objects);
  } catch (error) {
    fault(error.message);
  }
}

/** Objects of the scene as prompts to click on. @param {string[]} prompts */
function suggest(prompts) {
  const add = (prompt) => () => {
    const asked = state.prompts.filter((each) => each.trim());
    change({ prompts: asked.includes(prompt) ? asked : [...asked, prompt], chosen: asked.includes(prompt) ? asked.indexOf(prompt) : asked.length });
  };
  const names = [...new Set(prompts)];
  byId("suggestions").replaceChildren(...names.map((prompt) => make("button", { type: "button", class: "chip", onclick: add(prompt) }, prompt)));
}

const scene = (seed) => change({ source: { kind: "scene", seed }, patch: null });

async function fillGallery() {
  const { scenes } = await call("scenes");
  for (const each of scenes) {
    const image = make("img", { alt: each.caption, width: 144, height: 144 });
    const button = make("button", { type: "button", title: each.caption, "data-seed": String(each.seed), onclick: () => open(each) }, image);
    byId("gallery").append(make("li", {}, button));
    call(`scenes/${each.seed}/picture.png?small=true`, { as: "blob" }).then((blob) => (image.src = URL.createObjectURL(blob)));
  }
  mark();
}

/** A scene of the gallery comes with a question, where the last one was about another scene. */
function open(each) {
  const asksPrompts = !byId("class-names").childElementCount;
  if (page() === "questions") change({ question: questionsAbout(each.objects)[0], forced: "", rather: "", word: 0 });
  scene(each.seed);
  if (page() === "questions") return;
  if (asksPrompts) change({ prompts: [...new Set(each.objects.map((object) => object.prompt))].slice(0, 2), chosen: 0 });
}

function mark() {
  for (const button of byId("gallery").querySelectorAll("button")) {
    const own = state.source?.kind === "scene" && String(state.source.seed) === button.dataset.seed;
    button.setAttribute("aria-pressed", String(own));
  }
}

export function setUpPicture() {
  const drop = byId("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (file) take(file);
  });
  byId("file").addEventListener("change", () => {
    if (byId("file").files[0]) take(byId("file").files[0]);
    byId("file").value = "";
  });
  byId("range-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const range = [Number(byId("black").value.trim() || NaN), Number(byId("white").value.trim() || NaN)];
    if (!range.every(Number.isFinite)) return fault("black and white are numbers, such as 0 and 4095");
    byId("range-form").hidden = true;
    withRange?.(/** @type {[number, number]} */ (range));
  });
  byId("seed-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const seed = Number(byId("seed").value);
    if (Number.isSafeInteger(seed) && seed >= 0) scene(seed);
    else fault("a scene's seed is a whole number");
  });
  byId("new-scene").addEventListener("click", () => scene(FIRST_SEED + crypto.getRandomValues(new Uint32Array(1))[0]));
  whenChanged((changed) => {
    if (!changed.has("source")) return;
    byId("range-form").hidden = true;
    mark();
    if (state.source?.kind === "scene") showScene(state.source.seed);
    else suggest([]), suggestQuestions([]);
  });
  fillGallery().catch((error) => fault(error.message));
}
