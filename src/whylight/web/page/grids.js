// Raw grids, and all that can be done with them without asking again.

/**
 * @typedef {{
 *   name: string, score: number, logit: number, scores: "cosine"|"softmax"|"sigmoid"|"raw", rows: number, columns: number, layers: number,
 *   values: Float32Array, box: number[], picture: number[], seconds: number, forward: number
 * }} Answer values: layers x rows x columns; box: left, top, right, bottom of what the model saw, in picture pixels;
 *   picture: height, width
 */

/** @param {string} text little-endian float32 as base64 */
export function decode(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/**
 * What the chosen layers say together.
 * @param {Answer} answer @param {number} from first layer @param {number|null} to last layer, included
 * @returns {Float32Array} rows x columns
 */
export function sumOfLayers(answer, from, to) {
  const size = answer.rows * answer.columns;
  const last = Math.min(to ?? answer.layers - 1, answer.layers - 1);
  const first = Math.min(from, last);
  const sum = new Float32Array(size);
  for (let layer = first; layer <= last; layer++) {
    for (let i = 0; i < size; i++) sum[i] += answer.values[layer * size + i];
  }
  return sum;
}

/**
 * A grid laid over a picture of width x height canvas pixels: bilinear where the model looked, NaN elsewhere.
 * @param {Float32Array} grid @param {Answer} of @param {number} width @param {number} height
 */
export function enlarge(grid, of, width, height) {
  const [tall, wide] = of.picture;
  const [left, top, right, bottom] = of.box;
  const result = new Float32Array(width * height).fill(NaN);
  const across = samples(width, wide, left, right, of.columns);
  const down = samples(height, tall, top, bottom, of.rows);
  for (let y = 0; y < height; y++) {
    const v = down[y];
    if (!v) continue;
    for (let x = 0; x < width; x++) {
      const u = across[x];
      if (!u) continue;
      const upper = grid[v.low * of.columns + u.low] * (1 - u.part) + grid[v.low * of.columns + u.high] * u.part;
      const lower = grid[v.high * of.columns + u.low] * (1 - u.part) + grid[v.high * of.columns + u.high] * u.part;
      result[y * width + x] = upper * (1 - v.part) + lower * v.part;
    }
  }
  return result;
}

/** Where each canvas pixel's centre lies among the places of one side; null outside what the model saw. */
function samples(pixels, side, begin, end, places) {
  return Array.from({ length: pixels }, (_, i) => {
    const at = ((i + 0.5) * side) / pixels;
    if (at < begin || at > end) return null;
    const place = Math.min(Math.max(((at - begin) / (end - begin)) * places - 0.5, 0), places - 1);
    const low = Math.floor(place);
    return { low, high: Math.min(low + 1, places - 1), part: place - low };
  });
}

/** @param {Float32Array} values @returns {[number, number]} least and greatest, NaN left out */
export function range(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/**
 * Values as shares of a range, 0 outside what the model saw; zeros where there is no range.
 * @param {Float32Array} values @param {[number, number]} [between]
 */
export function scaled(values, between = range(values)) {
  const [low, high] = between;
  const flat = !(high - low > 1e-6 * Math.max(Math.abs(low), Math.abs(high)));
  return values.map((value) => (flat || Number.isNaN(value) ? 0 : Math.min(1, Math.max(0, (value - low) / (high - low)))));
}

/** Values as shares of the greatest of either sign, 0 outside what the model saw. @param {Float32Array} values */
export function signedShares(values) {
  const most = values.reduce((found, value) => Math.max(found, Math.abs(value) || 0), 0);
  return values.map((value) => (most ? value / most || 0 : 0));
}

/**
 * Which of several maps is greatest at each place.
 * @param {Float32Array[]} maps @returns {{winner: Uint8Array, value: Float32Array}}
 */
export function winners(maps) {
  const winner = new Uint8Array(maps[0].length);
  const value = Float32Array.from(maps[0]);
  maps.forEach((map, index) => {
    for (let i = 0; i < map.length; i++) {
      if (map[i] > value[i]) [winner[i], value[i]] = [index, map[i]];
    }
  });
  return { winner, value };
}

/**
 * A grid of the wanted shape by means over its places: maps of pixels beside maps of patches.
 * @param {Float32Array} grid @param {[number, number]} shape @param {[number, number]} wanted
 */
export function pooled(grid, [rows, columns], [wantedRows, wantedColumns]) {
  if (rows === wantedRows && columns === wantedColumns) return grid;
  const sums = new Float32Array(wantedRows * wantedColumns);
  const counts = new Float32Array(sums.length);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const at = Math.floor((y * wantedRows) / rows) * wantedColumns + Math.floor((x * wantedColumns) / columns);
      sums[at] += grid[y * columns + x];
      counts[at] += 1;
    }
  }
  return sums.map((sum, i) => sum / (counts[i] || 1));
}

/** @param {Float32Array} values ranks from 0, equal values sharing their mean rank */
function ranks(values) {
  const order = [...values.keys()].sort((a, b) => values[a] - values[b]);
  const result = new Float64Array(values.length);
  for (let i = 0; i < order.length; ) {
    let j = i;
    while (j < order.length && values[order[j]] === values[order[i]]) j++;
    for (let k = i; k < j; k++) result[order[k]] = (i + j - 1) / 2;
    i = j;
  }
  return result;
}

/** Spearman's rank correlation of two grids, -1 to 1; NaN where one is constant. @param {Float32Array} a @param {Float32Array} b */
export function rankCorrelation(a, b) {
  const [x, y] = [ranks(a), ranks(b)];
  const mean = (x.length - 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) ** 2;
    yy += (y[i] - mean) ** 2;
  }
  return xy / Math.sqrt(xx * yy);
}

/** Where a grid is greatest. @param {Float32Array} grid @param {number} columns */
export function peak(grid, columns) {
  let best = 0;
  for (let i = 1; i < grid.length; i++) if (grid[i] > grid[best]) best = i;
  return { row: Math.floor(best / columns), column: best % columns, value: grid[best] };
}
