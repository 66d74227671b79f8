// The tabs below the stage. Each has a panel; only the open one asks for anything.

import { byId, make } from "./dom.js";
import { change, state, whenChanged } from "./state.js";

/** @typedef {{name: string, label: string, build: (panel: HTMLElement) => (() => void)}} Tab build gives what refreshes it */

/** @param {Tab[]} tabs */
export function setUpTabs(tabs) {
  const refreshing = new Map();
  const buttons = tabs.map(({ name, label, build }, index) => {
    const panel = make("div", { id: `panel-${name}`, role: "tabpanel", tabIndex: 0, "aria-labelledby": `tab-${name}` });
    byId("panels").append(panel);
    refreshing.set(name, build(panel));
    const button = make("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": panel.id, onclick: () => change({ tab: name }) }, label);
    button.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      const next = tabs[(index + move + tabs.length) % tabs.length].name;
      change({ tab: next });
      byId(`tab-${next}`).focus();
    });
    return button;
  });
  byId("tabs").append(...buttons);
  const show = () => {
    const open = refreshing.has(state.tab) ? state.tab : tabs[0].name;
    for (const { name } of tabs) {
      byId(`panel-${name}`).hidden = name !== open;
      byId(`tab-${name}`).setAttribute("aria-selected", String(name === open));
      byId(`tab-${name}`).tabIndex = name === open ? 0 : -1;
    }
    refreshing.get(open)();
  };
  whenChanged((changed) => changed.has("tab") && show());
  show();
  return show;
}

/**
 * What the newest call gives; calls before it are cancelled.
 * @template T @param {(signal: AbortSignal) => Promise<T>} work
 */
export function newestOnly() {
  let running = null;
  return async (work) => {
    running?.abort();
    const own = (running = new AbortController());
    return work(own.signal);
  };
}
