// The words of the prompt that made it match, and the map without one of them.

import { askAbout, wasCancelled } from "./api.js";
import { coloredWords } from "./colored.js";
import { fault, make } from "./dom.js";
import { overlay, pixelsOf } from "./paint.js";
import { picture } from "./picture.js";
import { answerTo, fetchMaps, scoreInWords } from "./questions.js";
import { canvasSize, current, heatOf, mapInWords } from "./stage.js";
import { newestOnly } from "./tabs.js";
import { sourceKey, state, whenChanged } from "./state.js";

const SMALL = 300;

/** @param {HTMLElement} panel */
export function buildWords(panel) {
  const [only, onlyMap] = [newestOnly(), newestOnly()];
  const line = make("p", { class: "colored big", id: "prompt-words" });
  const cells = make("div", { class: "small-cells pair", id: "without-cells" });
  panel.append(line, make("p", { class: "quiet" }, "Colour shows which words of the prompt made it match the picture, by the text tower. Hover or focus a word to see the map without it."), cells);
  let shown = "";

  const figure = (prompt, answer, caption) => {
    const [width, height] = canvasSize(SMALL);
    const canvas = make("canvas", { width, height, role: "img", "aria-label": mapInWords({ prompt, answer }) });
    const style = { alpha: state.alpha, colormap: state.colormap, threshold: 0, contour: false };
    canvas.getContext("2d").putImageData(overlay(pixelsOf(picture(), width, height), heatOf(answer, width, height), style), 0, 0);
    return make("figure", {}, canvas, make("figcaption", {}, caption));
  };

  const without = async (prompt, word) => {
    const letters = [...prompt];
    const rest = [...letters.slice(0, word.start), ...letters.slice(word.end)].join("").replace(/\s+/g, " ").trim();
    if (!rest) return;
    try {
      await onlyMap((signal) => fetchMaps([rest], state.method, signal));
      const [whole, less] = [answerTo(prompt), answerTo(rest)];
      if (!whole || !less || current()?.prompt !== prompt) return;
      cells.replaceChildren(
        figure(prompt, whole, `${prompt}: ${scoreInWords(whole)}`),
        figure(rest, less, `without “${word.text}”: ${scoreInWords(less)}`),
      );
    } catch (error) {
      if (!wasCancelled(error)) fault(error.message);
    }
  };

  const refresh = async () => {
    const own = current();
    if (state.tab !== "words" || !own || !state.source) return;
    if (own.answer.scores !== "cosine") {
      line.replaceChildren("A classifier's classes have no words to look at.");
      return cells.replaceChildren();
    }
    const key = JSON.stringify([own.prompt, sourceKey(), state.model]);
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
  whenChanged((changed) => {
    if (["tab", "chosen", "source", "model"].some((each) => changed.has(each))) refresh();
  });
  return refresh;
}
