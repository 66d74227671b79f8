// A sweep and its curve: the score as more and more is taken away, beside random order.

import { wasCancelled } from "./api.js";
import { announce, fault, make } from "./dom.js";
import { newestOnly } from "./tabs.js";

const SHARES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [460, 236, 46, 28, 30];

/** @typedef {{share: number, score: number, random: number, target: string, text?: string, against?: boolean}} Point against: of what speaks against, whose loss lets the score rise */

/**
 * A button that sweeps, and the curve that it draws point by point.
 * @param {HTMLElement} place
 * @param {string} label
 * @param {(share: number, least: boolean, signal: AbortSignal) => Promise<Point>} ask
 * @param {(point: Point, share: number, least: boolean) => void} [seen]
 */
export function sweep(place, label, ask, seen = () => {}) {
  const only = newestOnly();
  const least = make("select", { "aria-label": "Which go first" }, make("option", { value: "" }, "most relevant first"), make("option", { value: "1" }, "least relevant first"));
  const start = make("button", { type: "button", class: "primary" }, label);
  const chart = document.createElementNS(SVG, "svg");
  chart.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", "No sweep yet");
  chart.classList.add("curve");
  const verdict = make("p", { class: "verdict" });
  place.append(make("div", { class: "row" }, start, least), chart, verdict);

  const run = async () => {
    /** @type {Point[]} */
    const points = [];
    const fewest = Boolean(least.value);
    verdict.textContent = "";
    try {
      await only(async (signal) => {
        for (const share of SHARES) {
          const point = await ask(share, fewest, signal);
          signal.throwIfAborted();
          points.push(point);
          draw(chart, points);
          seen(point, share, fewest);
        }
      });
      verdict.textContent = inWords(points, fewest);
      chart.setAttribute("aria-label", verdict.textContent);
      announce(verdict.textContent);
    } catch (error) {
      if (!wasCancelled(error)) fault(error.message);
    }
  };
  start.addEventListener("click", run);
  least.addEventListener("change", run);
}

/** @param {Point[]} points @param {"score"|"random"} which */
const area = (points, which) => points.slice(1).reduce((sum, point, i) => sum + (point[which] + points[i][which]) / 20, 0) / 0.9;

function inWords(points, least) {
  const [own, random] = [area(points, "score"), area(points, "random")];
  const gap = (random - own) * (least ? -1 : 1) * (points[0].against ? -1 : 1);
  const held = gap > 0 ? "The map holds" : "The map does not hold";
  const said = least ? "with the least relevant gone first" : "with the most relevant gone first";
  return `${held} for “${points[0].target}”: the mean score is ${own.toFixed(3)} ${said}, ${random.toFixed(3)} in random order.`;
}

function draw(chart, points) {
  const values = points.flatMap((point) => [point.score, point.random]);
  const low = Math.min(0, ...values);
  const high = Math.max(low + 1e-6, ...values);
  const x = (share) => LEFT + (share / 0.9) * (WIDTH - LEFT - 22);
  const y = (value) => TOP + (1 - (value - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
  const line = (which) => points.map((point) => `${x(point.share).toFixed(1)},${y(point[which]).toFixed(1)}`).join(" ");
  const parts = [low, (low + high) / 2, high].flatMap((value) => [
    shape("line", { x1: LEFT, x2: WIDTH - 22, y1: y(value), y2: y(value), class: "rule" }),
    shape("text", { x: LEFT - 6, y: y(value) + 4, class: "tick end" }, value.toFixed(2)),
  ]);
  parts.push(...[0, 0.3, 0.6, 0.9].map((share) => shape("text", { x: x(share), y: HEIGHT - 12, class: "tick middle" }, `${Math.round(100 * share)} %`)));
  for (const which of ["random", "score"]) {
    parts.push(shape("polyline", { points: line(which), class: which }));
    const last = points[points.length - 1];
    parts.push(shape("circle", { cx: x(last.share), cy: y(last[which]), r: 3.5, class: which }));
  }
  const key = [["by the map", "score", 0], ["random order", "random", 90]];
  parts.push(...key.map(([said, which, dx]) => shape("text", { x: LEFT + dx, y: 13, class: `key ${which}` }, said)));
  chart.replaceChildren(...parts);
}

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  made.textContent = text;
  return made;
}
