// The small place below the prompts where more can be asked, and the other picture with its patches.

import { askAbout, call } from "./api.js";
import { asksLike, ASKED, beyondInWords, likeKey } from "./asked.js";
import { announce, byId, fault, make } from "./dom.js";
import { model } from "./models.js";
import { drawLines, patchAt } from "./paint.js";
import { asksForRange, drawable, sentPicture } from "./picture.js";
import { change, state, whenChanged } from "./state.js";

const SMALL = 150;
/** The other picture as it can be drawn, and where its patches lie. @type {{key: string, image: ImageBitmap, answer: any}|null} */
let other = null;

/** @param {Blob} file @param {[number, number]|null} [range] */
async function take(file, range = null) {
  try {
    const sent = await sentPicture(file, range);
    change({ like: { kind: "own", id: sent.picture, file, name: file.name ?? "picture", range }, likePatch: null });
    fault();
  } catch (error) {
    if (!asksForRange(error, (said) => take(file, said))) fault(error.message);
  }
}

/** The next scene of the gallery that is not the picture itself. */
function nextScene() {
  const seeds = [...byId("gallery").querySelectorAll("button")].map((each) => Number(each.dataset.seed));
  const at = state.like?.kind === "scene" ? seeds.indexOf(state.like.seed) : -1;
  const order = [...seeds.slice(at + 1), ...seeds.slice(0, at + 1)];
  const seed = order.find((each) => !(state.source?.kind === "scene" && state.source.seed === each));
  if (seed !== undefined) change({ like: { kind: "scene", seed }, likePatch: null });
}

async function showOther() {
  const [source, key] = [state.like, likeKey()];
  byId("like-shown").hidden = !source;
  byId("prompts").hidden = byId("ask-row").hidden = asksLike();
  byId("like-canvas").hidden = other?.key !== key;
  if (!source || !model()) return;
  if (other?.key !== key) {
    try {
      const image = source.kind === "scene" ? await createImageBitmap(await call(`scenes/${source.seed}/picture.png`, { as: "blob" })) : await drawable(source);
      const seen = await askAbout("patch", source, { model: state.model, row: 0, column: 0 });
      if (likeKey() !== key) return;
      other = { key, image, answer: { rows: seen.grid[0], columns: seen.grid[1], box: seen.seen_left_top_right_bottom, picture: seen.picture_size } };
    } catch (error) {
      return fault(error.message);
    }
  }
  drawOther();
}

function drawOther() {
  if (!other) return;
  const { image, answer } = other;
  const ratio = SMALL / Math.max(image.width, image.height);
  const canvas = byId("like-canvas");
  canvas.hidden = false;
  Object.assign(canvas, { width: Math.max(1, Math.round(image.width * ratio)), height: Math.max(1, Math.round(image.height * ratio)) });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  drawLines(context, answer, { grid: true, patch: state.likePatch });
  const patch = state.likePatch ? `row ${state.likePatch.row + 1}, column ${state.likePatch.column + 1}` : "all of it";
  canvas.setAttribute("aria-label", `The other picture, ${patch}: arrow keys choose a patch, Escape all of it`);
  byId("like-note").textContent = state.likePatch ? `${patch}; tap it again for all of it` : "tap a patch for it alone";
}

function choose(patch) {
  const again = patch && state.likePatch?.row === patch.row && state.likePatch.column === patch.column;
  change({ likePatch: again ? null : patch });
}

function step(event) {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  if (event.key === "Escape") change({ likePatch: null });
  if (!(event.key in moves) || !other) return;
  event.preventDefault();
  const [down, right] = state.likePatch ? moves[event.key] : [0, 0];
  const from = state.likePatch ?? { row: Math.floor(other.answer.rows / 2), column: Math.floor(other.answer.columns / 2) };
  const within = (value, count) => Math.min(Math.max(value, 0), count - 1);
  change({ likePatch: { row: within(from.row + down, other.answer.rows), column: within(from.column + right, other.answer.columns) } });
  announce(`Patch in row ${state.likePatch?.row + 1}, column ${state.likePatch?.column + 1}`);
}

/** What a model can be asked, once it is there, and what is asked. */
export function showMore() {
  refresh();
  showOther();
}

function refresh() {
  for (const [id, value] of [["rather-than", state.ratherThan], ["without", state.without]]) {
    if (byId(id).value !== value && document.activeElement !== byId(id)) byId(id).value = value;
  }
  byId("negative").checked = state.negative;
  const classes = model()?.asks === "classes";
  for (const part of document.querySelectorAll("[data-of=prompts]")) part.hidden = classes;
  if (classes) byId("rather-than").setAttribute("list", "class-names");
  else byId("rather-than").removeAttribute("list");
  byId("rather-than").disabled = asksLike();
  byId("without").disabled = asksLike() || Boolean(state.ratherThan.trim());
  byId("asked-more").textContent = beyondInWords();
}

export function setUpAskMore() {
  byId("rather-than").addEventListener("input", () => change({ ratherThan: byId("rather-than").value }));
  byId("without").addEventListener("input", () => change({ without: byId("without").value }));
  byId("negative").addEventListener("change", () => change({ negative: byId("negative").checked }));
  byId("like-file").addEventListener("change", () => {
    if (byId("like-file").files[0]) take(byId("like-file").files[0]);
    byId("like-file").value = "";
  });
  byId("like-scene").addEventListener("click", nextScene);
  byId("like-none").addEventListener("click", () => {
    change({ like: null, likePatch: null });
    byId("like-scene").focus();
  });
  byId("like-canvas").addEventListener("click", (event) => {
    const box = byId("like-canvas").getBoundingClientRect();
    if (other) choose(patchAt(other.answer, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height));
  });
  byId("like-canvas").addEventListener("keydown", step);
  whenChanged((changed) => {
    if (changed.has("model")) other = null;
    if (["model", ...ASKED].some((each) => changed.has(each))) showMore();
  });
}
