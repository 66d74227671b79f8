// Words of a text on the colours of their relevance.

import { make } from "./dom.js";

/**
 * @param {string} text @param {{text: string, start: number, end: number}[]} words offsets in characters (code points)
 * @param {(number|null)[]} values null: not read @param {(index: number) => Record<string, any>} [more] properties of each word @param {string} [tag]
 * @returns {(Node|string)[]}
 */
export function coloredWords(text, words, values, more = () => ({}), tag = "span") {
  const letters = [...text];
  const strongest = Math.max(...values.map((value) => Math.abs(value ?? 0)), 0) || 1;
  const parts = [];
  let position = 0;
  words.forEach((word, index) => {
    parts.push(letters.slice(position, word.start).join(""));
    const value = values[index];
    const share = (value ?? 0) / strongest;
    const shown = make(tag, { class: value === null ? "word unread" : share < 0 ? "word against" : "word", ...more(index) }, letters.slice(word.start, word.end).join(""));
    shown.title = value === null ? "not read" : `${(100 * share).toFixed(0)} % of the strongest`;
    shown.style.setProperty("--share", String(Math.abs(share) < 0.02 ? 0 : Math.abs(share)));
    parts.push(shown);
    position = word.end;
  });
  parts.push(letters.slice(position).join(""));
  return parts;
}
