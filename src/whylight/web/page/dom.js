// Elements, made of text only: nothing that came from outside is ever read as HTML.

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] own properties; "class", "aria-…", "data-…" and the like as attributes
 * @param {...(Node|string)} children
 * @returns {any}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.includes("-") || ["class", "for", "role", "list"].includes(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/**
 * The element of that id, which the page has.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/**
 * Say something to those who listen instead of looking.
 * @param {string} text
 */
export function announce(text) {
  byId("live").textContent = text;
}

/**
 * Show a fault where it is seen, or take it away.
 * @param {string} [text] @param {() => void} [again] what a button beside it tries once more
 */
export function fault(text = "", again) {
  byId("fault-line").textContent = text;
  byId("fault").hidden = !text;
  byId("fault-again").hidden = !again;
  byId("fault-again").onclick = again ?? null;
}

/**
 * @param {() => void} action
 * @param {number} milliseconds
 */
export function afterPause(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(action, milliseconds);
  };
}

/** What a method does and where it comes from. @param {{summary: string, citation: string}|undefined} method */
export const aboutMethod = (method) => (method ? [method.summary, method.citation].map((said) => `${said[0].toUpperCase()}${said.slice(1)}.`).join(" ") : "");

/** @param {number} seconds */
export const inWords = (seconds) => (seconds < 1 ? `${Math.max(1, Math.round(seconds * 1000))} ms` : `${seconds.toFixed(1)} s`);
