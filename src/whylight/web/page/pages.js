// Pages: maps of prompts and classes, questions that are answered in words, texts. Each model belongs to one of them.

import { byId, make } from "./dom.js";

/** @typedef {"pictures"|"questions"|"text"} Page */

const LABELS = { pictures: "Look", questions: "Ask", text: "Text" };
const FIRST = { pictures: "#ask", questions: "#ask-question", text: "#text-page" };
/** @type {Map<Page, string>} the model that was last open on each page */
const models = new Map();

/** The page that a model belongs to; null where nobody knows before it is loaded. @param {any} facts @returns {Page|null} */
export function pageOf(facts) {
  if (!facts.asks) return null;
  if (facts.asks === "questions") return "questions";
  return facts.reads === "text" ? "text" : "pictures";
}

/** Which page is shown. @returns {Page} */
export const page = () => byId("main").dataset.page;

/**
 * A model that can be chosen: its page gets a button, once there is more than one page.
 * @param {any} facts @param {(name: string) => void} open
 */
export function offer(facts, open) {
  const own = pageOf(facts);
  if (!own || models.has(own)) return;
  models.set(own, facts.name);
  const order = Object.keys(LABELS).filter((each) => models.has(/** @type {Page} */ (each)));
  const buttons = order.map((each) => make("button", { type: "button", "data-page": each, onclick: () => open(models.get(/** @type {Page} */ (each)) ?? "") }, LABELS[each]));
  byId("pages").replaceChildren(...buttons);
  byId("pages").hidden = order.length < 2;
  mark();
}

/** Show the page of a model that is there. @param {any} facts */
export function showPage(facts) {
  const own = pageOf(facts) ?? "pictures";
  models.set(own, facts.name);
  byId("main").dataset.page = own;
  for (const part of document.querySelectorAll("[data-on], [data-eyes]")) {
    const here = part.dataset.on === undefined || part.dataset.on.split(" ").includes(own);
    const blind = own === "questions" && facts.reads === "text" && part.dataset.eyes !== undefined;
    part.hidden = !here || blind;
  }
  byId("skip").setAttribute("href", FIRST[own]);
  mark();
}

function mark() {
  for (const button of byId("pages").children) {
    if (button.dataset.page === page()) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
}
