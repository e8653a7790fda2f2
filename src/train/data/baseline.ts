/**
 * What a forecast has to beat: repeating the last value, and a linear model of the last values.
 *
 * In: a series in its own unit, the rows to fit on and the rows to forecast. Out: root mean squared errors in that unit. Everything in float64.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import type { Range } from "./streams.ts";
import type { Forecast } from "./table.ts";

export interface Baselines {
  /** Forecast: the last known value. */
  readonly persistence: number;
  /** AR(p): y[t+h] = c₀ + Σ_{k=1..p} c_k y[t+1-k], by least squares on the rows before the part; not for a table of several documents. */
  readonly linear?: { readonly order: number; readonly rmse: number };
}

/** Both baselines over the test part of a forecast (or another), fitted on all rows before it. `order` defaults to 29, less for a short series. */
export function forecastBaselines({ target, horizon, parts, documents }: Forecast, part: "valid" | "test" = "test", order?: number): Baselines {
  const range = parts[part];
  if (documents !== undefined) {
    const inside = documents.filter(({ start, end }) => start >= range.start && end <= range.end);
    const counted = inside.map(({ start, end }) => ({ start: Math.min(start + horizon, end), end }));
    return { persistence: persistenceError(target, counted, horizon) };
  }
  const chosen = order ?? Math.max(1, Math.min(29, Math.floor((range.start - horizon) / 4)));
  const coefficients = fitAutoregression(target, chosen, range.start, horizon);
  return {
    persistence: persistenceError(target, [range], horizon),
    linear: { order: chosen, rmse: autoregressionError(target, coefficients, range, horizon) },
  };
}

/** Root mean squared error of y[t-h] as the forecast of y[t], over the rows of the ranges. */
export function persistenceError(series: Float64Array, ranges: readonly Range[], horizon = 1): number {
  return rootMeanSquare(ranges, (row) => series[row] - series[row - horizon]);
}

/**
 * Least squares for y[t+h] on 1, y[t], …, y[t+1-order], on rows before `end`. Returns [c₀, c₁, …, c_order].
 * @throws SluiceError E428 if there are fewer rows than coefficients
 */
export function fitAutoregression(series: Float64Array, order: number, end: number, horizon = 1): Float64Array {
  const first = order + horizon - 1;
  if (end - first < order + 1) {
    throw new SluiceError("E428", `a linear model of order ${order} needs ${first + order + 1} rows to fit on, ${end} are there; use a lower order`);
  }
  const rows = end - first;
  const columns = order + 1;
  const matrix = Array.from({ length: columns }, (_, k) =>
    Float64Array.from({ length: rows }, (_, i) => (k === 0 ? 1 : series[first + i - horizon + 1 - k])),
  );
  return leastSquares(matrix, series.slice(first, end));
}

/** Root mean squared error of the fitted model over the rows of the range. */
export function autoregressionError(series: Float64Array, coefficients: Float64Array, range: Range, horizon = 1): number {
  return rootMeanSquare([range], (row) => {
    let forecast = coefficients[0];
    for (let k = 1; k < coefficients.length; k++) forecast += coefficients[k] * series[row - horizon + 1 - k];
    return series[row] - forecast;
  });
}

function rootMeanSquare(ranges: readonly Range[], error: (row: number) => number): number {
  let sum = 0;
  let count = 0;
  for (const { start, end } of ranges) {
    for (let row = start; row < end; row++) sum += error(row) ** 2;
    count += end - start;
  }
  return Math.sqrt(sum / count);
}

/** Minimises ‖A c - b‖ by Householder reflections; a column that depends on those before it gets 0. Overwrites `columns`, those of A, and `right`. */
function leastSquares(columns: Float64Array[], right: Float64Array): Float64Array {
  const rows = right.length;
  const diagonal = new Float64Array(columns.length);
  // Row of the triangle that belongs to each column; -1 for one that depends on others.
  const pivots = new Int32Array(columns.length).fill(-1);
  const length = (values: Float64Array, from: number) => Math.sqrt(values.subarray(from).reduce((sum, value) => sum + value * value, 0));
  const scales = columns.map((column) => length(column, 0));
  let top = 0;
  columns.forEach((v, k) => {
    const norm = length(v, top);
    if (top >= rows || norm <= 1e-10 * scales[k]) return;
    const alpha = v[top] > 0 ? -norm : norm;
    const square = norm * norm - v[top] * alpha;
    v[top] -= alpha;
    for (const other of [...columns.slice(k + 1), right]) {
      let dot = 0;
      for (let i = top; i < rows; i++) dot += v[i] * other[i];
      for (let i = top; i < rows; i++) other[i] -= (dot / square) * v[i];
    }
    diagonal[k] = alpha;
    pivots[k] = top++;
  });
  const solution = new Float64Array(columns.length);
  for (let k = columns.length - 1; k >= 0; k--) {
    if (pivots[k] === -1) continue;
    let value = right[pivots[k]];
    for (let j = k + 1; j < columns.length; j++) value -= columns[j][pivots[k]] * solution[j];
    solution[k] = value / diagonal[k];
  }
  return solution;
}
