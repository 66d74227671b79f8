// The words of the prompt: which made it match, by the text tower, and the map without one; or what each adds, and where.

import { askAbout, wasCancelled } from "./api.js";
import { ASKED, asksLike, isPlain } from "./asked.js";
import { coloredWords } from "./colored.js";
import { announce, fault, make } from "./dom.js";
import { decode, enlarge, signedShares } from "./grids.js";
import { model } from "./models.js";
import { overlay, pixelsOf } from "./paint.js";
import { picture, whenPicture } from "./picture.js";
import { answerTo, fetchMaps, scoreInWords } from "./questions.js";
import { canvasSize, current, heatOf, mapInWords } from "./stage.js";
import { newestOnly } from "./tabs.js";
import { change, sourceKey, state, whenChanged } from "./state.js";

const SMALL = 300;
const BY = { tower: "By the text tower", adds: "What each word adds" };
const ABOUT = {
  tower: "Colour shows which words of the prompt made it match the picture, by the text tower. Hover or focus a word to see the map without it.",
  adds: "What each word adds to the score and to the map, on average over all orders in which the words may come: red adds, blue takes away. Tap a word for its map; (words in parentheses) count as one.",
};

/** @param {HTMLElement} panel */
export function buildWords(panel) {
  const [only, onlyMap] = [newestOnly(), newestOnly()];
  const choices = Object.entries(BY).map(([name, label]) => {
    const input = make("input", { type: "radio", name: "words-by", value: name, onchange: () => change({ wordsBy: name }) });
    return make("label", {}, input, make("span", {}, label));
  });
  const switched = make("div", { class: "views", role: "radiogroup", "aria-label": "Words" }, ...choices);
  const line = make("p", { class: "colored big", id: "prompt-words" });
  const about = make("p", { class: "quiet" });
  const cells = make("div", { class: "small-cells pair", id: "without-cells" });
  panel.append(make("div", {}, switched), line, about, cells);
  let shown = "";
  /**
   * The prompt whose words are taken apart: the map of each, how much it changes, and which one is looked at.
   * @type {{key: string, found: any, grids: Float32Array[], sums: number[], word: number}|null}
   */
  let apart = null;

  const figure = (words, heat, caption, more = {}) => {
    const [width, height] = canvasSize(SMALL);
    const canvas = make("canvas", { width, height, role: "img", "aria-label": words });
    const style = { alpha: state.alpha, colormap: state.colormap, threshold: 0, contour: false, ...more };
    canvas.getContext("2d").putImageData(overlay(pixelsOf(picture(), width, height), heat(width, height), style), 0, 0);
    return make("figure", {}, canvas, make("figcaption", {}, caption));
  };
  const wholeFigure = (label, answer, caption) => figure(mapInWords({ label, answer }), (width, height) => heatOf(answer, width, height), caption);

  const without = async (prompt, word) => {
    const letters = [...prompt];
    const rest = [...letters.slice(0, word.start), ...letters.slice(word.end)].join("").replace(/\s+/g, " ").trim();
    if (!rest) return;
    try {
      await onlyMap((signal) => fetchMaps([rest], state.method, signal));
      const [whole, less] = [answerTo(prompt), answerTo(rest)];
      if (!whole || !less || current()?.prompt !== prompt) return;
      cells.replaceChildren(
        wholeFigure(prompt, whole, `${prompt}: ${scoreInWords(whole)}`),
        wholeFigure(rest, less, `without “${word.text}”: ${scoreInWords(less)}`),
      );
    } catch (error) {
      if (!wasCancelled(error)) fault(error.message);
    }
  };

  /** By the text tower. */
  const readByTower = async (own) => {
    const key = JSON.stringify(["tower", own.prompt, sourceKey(), state.model]);
    if (key === shown) return;
    shown = key;
    try {
      const found = await only((signal) => askAbout("words", state.source, { model: state.model, prompt: own.prompt }, { signal }));
      const act = (index) => {
        const show = () => without(own.prompt, found.words[index]);
        return { tabIndex: 0, role: "button", onmouseenter: show, onfocus: show };
      };
      line.replaceChildren(...coloredWords(found.text, found.words, found.targets[0].words, act));
      cells.replaceChildren();
    } catch (error) {
      shown = "";
      if (!wasCancelled(error)) fault(error.message);
    }
  };

  /** What each word adds. */
  const takeApart = async (own) => {
    const key = JSON.stringify(["adds", own.prompt, sourceKey(), state.model, state.method]);
    if (apart?.key === key) return drawApart();
    line.replaceChildren(make("span", { class: "quiet" }, own.prompt));
    cells.replaceChildren();
    shown = key;
    try {
      const body = { model: state.model, targets: [own.prompt], method: state.method, words: true, numbers: "base64" };
      const found = await only((signal) => askAbout("explain", state.source, body, { signal }));
      if (shown !== key) return;
      const grids = found.targets[0].words.map((each) => decode(each.relevance));
      const sums = grids.map((grid) => grid.reduce((sum, value) => sum + Math.abs(value), 0));
      apart = { key, found, grids, sums, word: sums.indexOf(Math.max(...sums)) };
      writeApart();
      drawApart();
    } catch (error) {
      if (wasCancelled(error)) return;
      line.replaceChildren(error.message);
      announce(error.message);
    }
  };

  const choose = (word) => {
    if (!apart) return;
    apart.word = word;
    drawApart();
  };

  const walk = (event) => {
    const count = apart?.found.targets[0].words.length ?? 0;
    const to = { ArrowRight: (apart?.word ?? 0) + 1, ArrowLeft: (apart?.word ?? 0) - 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined || !count) return;
    event.preventDefault();
    choose((to + count) % count);
    line.querySelectorAll("button")[apart?.word ?? 0]?.focus();
  };

  const writeApart = () => {
    const [target] = apart?.found.targets ?? [];
    const act = (index) => ({ type: "button", onclick: () => choose(index), onfocus: () => choose(index), onkeydown: walk });
    line.replaceChildren(...coloredWords(target.name, target.words, target.words.map((word) => word.score), act, "button"));
    line.querySelectorAll("button").forEach((each, index) => (each.title = added(target.words[index].score)));
  };

  const drawApart = () => {
    const own = current();
    if (!apart || !own || !picture()) return;
    if (line.querySelectorAll("button").length !== apart.found.targets[0].words.length) writeApart();
    line.querySelectorAll("button").forEach((each, index) => {
      each.setAttribute("aria-pressed", String(index === apart?.word));
      each.tabIndex = index === apart?.word ? 0 : -1;
    });
    const { found, grids, sums, word } = apart;
    const [target] = found.targets;
    const portion = Math.round((100 * sums[word]) / (sums.reduce((sum, value) => sum + value, 0) || 1));
    const place = { rows: found.grid[0], columns: found.grid[1], box: found.seen_left_top_right_bottom, picture: found.picture_size };
    const said = `“${target.words[word].text}”: ${added(target.words[word].score)}, ${portion} % of what words change in the map`;
    const heat = (width, height) => signedShares(enlarge(grids[word], /** @type {any} */ (place), width, height));
    cells.replaceChildren(
      wholeFigure(own.label, own.answer, `${target.name}: ${scoreInWords(own.answer)}; without any word ${target.no_word.score.toFixed(3)}`),
      figure(`What ${said}`, heat, said, { colormap: "signed", signed: true }),
    );
  };

  const refresh = async () => {
    const own = current();
    if (state.tab !== "words" || !own || !state.source) return;
    const none = model()?.asks === "classes" ? "A classifier's classes have no words to look at." : asksLike() ? "A picture has no words to look at." : "";
    switched.hidden = about.hidden = Boolean(none);
    if (none) {
      shown = "";
      line.replaceChildren(none);
      return cells.replaceChildren();
    }
    for (const input of switched.querySelectorAll("input")) input.checked = input.value === state.wordsBy;
    about.textContent = ABOUT[state.wordsBy];
    if (state.wordsBy === "tower") return readByTower(own);
    if (isPlain()) return takeApart(own);
    shown = "";
    line.replaceChildren("What words add is told of prompts as they are: nothing under “More to ask”.");
    cells.replaceChildren();
  };
  whenPicture(() => state.tab === "words" && state.wordsBy === "adds" && refresh());
  whenChanged((changed) => {
    if (["tab", "chosen", "source", "model", "wordsBy", "alpha", "colormap", ...ASKED].some((each) => changed.has(each))) refresh();
  });
  return refresh;
}

/** A part of a score, with its sign. @param {number} score */
const added = (score) => `${score < 0 ? "−" : "+"}${Math.abs(score).toFixed(3)}`;
