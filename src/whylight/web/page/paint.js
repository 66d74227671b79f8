// Drawing a picture with a map over it onto a canvas.

import { colors } from "./colormaps.js";

const GRAYED = 0.55;

/**
 * @typedef {{alpha: number, colormap: string, threshold: number, contour: boolean, mapOnly?: boolean, split?: number, signed?: boolean}} Style
 *   split: left of this share of the width the picture stays plain; signed: the middle of the colours is 0
 */

/** The picture's own pixels at the canvas's size. @param {CanvasImageSource} picture @param {number} width @param {number} height */
export function pixelsOf(picture, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * The map's colours over the picture, covering it the more the greater the relevance.
 * @param {ImageData} below @param {Float32Array} heat in [0, 1], of either sign where it is signed @param {Style} style
 */
export function overlay(below, heat, style) {
  const { width, height } = below;
  const result = new ImageData(width, height);
  const table = colors(style.colormap);
  const [from, to] = [below.data, result.data];
  for (let i = 0; i < heat.length; i++) {
    const at = 4 * i;
    const value = style.signed ? Math.abs(heat[i]) : heat[i] < style.threshold ? 0 : heat[i];
    const color = 3 * Math.round(255 * (style.signed ? 0.5 + heat[i] / 2 : value));
    const plain = style.split !== undefined && (i % width) < style.split * width;
    const gray = 0.299 * from[at] + 0.587 * from[at + 1] + 0.114 * from[at + 2];
    for (let c = 0; c < 3; c++) {
      const dim = from[at + c] + GRAYED * (gray - from[at + c]);
      if (plain) to[at + c] = from[at + c];
      else if (style.mapOnly) to[at + c] = table[color + c];
      else to[at + c] = dim + style.alpha * value * (table[color + c] - dim);
    }
    to[at + 3] = 255;
  }
  if (style.contour && style.threshold > 0) outline(result, heat, style.threshold);
  return result;
}

/** White on black along the edge of what reaches the threshold. */
function outline(image, heat, threshold) {
  const { width, height, data } = image;
  const inside = (x, y) => heat[y * width + x] >= threshold;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const own = inside(x, y);
      if (own === inside(x + 1, y) && own === inside(x, y + 1) && own === inside(x - 1, y) && own === inside(x, y - 1)) continue;
      data.fill(own ? 255 : 0, 4 * (y * width + x), 4 * (y * width + x) + 3);
    }
  }
}

/**
 * Which prompt wins where, each in its colour, paler where it says less.
 * @param {ImageData} below @param {{winner: Uint8Array, value: Float32Array}} won @param {string[]} palette @param {Style} style
 */
export function winnersOver(below, won, palette, style) {
  const result = new ImageData(below.width, below.height);
  const table = palette.map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
  for (let i = 0; i < won.value.length; i++) {
    const at = 4 * i;
    const color = table[won.winner[i] % table.length];
    const gray = 0.299 * below.data[at] + 0.587 * below.data[at + 1] + 0.114 * below.data[at + 2];
    const cover = won.value[i] < Math.max(style.threshold, 0.05) ? 0 : style.alpha * Math.min(1, 0.25 + won.value[i]);
    for (let c = 0; c < 3; c++) result.data[at + c] = gray + cover * (color[c] - gray);
    result.data[at + 3] = 255;
  }
  return result;
}

/**
 * Lines between patches, a frame around what the model saw, and the chosen patch.
 * @param {CanvasRenderingContext2D} context @param {import("./grids.js").Answer} answer
 * @param {{grid: boolean, patch: {row: number, column: number}|null}} what
 */
export function drawLines(context, answer, { grid, patch }) {
  const { width, height } = context.canvas;
  const [tall, wide] = answer.picture;
  const [left, top, right, bottom] = answer.box.map((at, i) => (i % 2 ? (at * height) / tall : (at * width) / wide));
  const [stepX, stepY] = [(right - left) / answer.columns, (bottom - top) / answer.rows];
  const box = (x, y, w, h, outer, inner) => {
    context.lineWidth = 3;
    context.strokeStyle = outer;
    context.strokeRect(x, y, w, h);
    context.lineWidth = 1.25;
    context.strokeStyle = inner;
    context.strokeRect(x, y, w, h);
  };
  if (grid && answer.columns <= 128) {
    context.strokeStyle = "rgba(255,255,255,.35)";
    context.lineWidth = 1;
    context.beginPath();
    for (let i = 0; i <= answer.columns; i++) context.moveTo(left + i * stepX, top), context.lineTo(left + i * stepX, bottom);
    for (let i = 0; i <= answer.rows; i++) context.moveTo(left, top + i * stepY), context.lineTo(right, top + i * stepY);
    context.stroke();
  }
  if (left > 2 || top > 2 || right < width - 2 || bottom < height - 2) {
    context.setLineDash([6, 5]);
    box(Math.max(left, 1), Math.max(top, 1), Math.min(right, width - 1) - Math.max(left, 1), Math.min(bottom, height - 1) - Math.max(top, 1), "rgba(0,0,0,.6)", "#fff");
    context.setLineDash([]);
  }
  if (patch) box(left + patch.column * stepX, top + patch.row * stepY, stepX, stepY, "#000", "#fff");
}

/** Which patch lies under a place of the picture, given in shares of its sides; null outside what the model saw. */
export function patchAt(answer, x, y) {
  const [tall, wide] = answer.picture;
  const [left, top, right, bottom] = answer.box;
  const column = Math.floor(((x * wide - left) / (right - left)) * answer.columns);
  const row = Math.floor(((y * tall - top) / (bottom - top)) * answer.rows);
  return row >= 0 && column >= 0 && row < answer.rows && column < answer.columns ? { row, column } : null;
}
