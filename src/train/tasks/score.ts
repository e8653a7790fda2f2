/**
 * How well a task is done: what counts as a right answer, what guessing gives, and when the task counts as solved.
 *
 * In: a network's values for a batch. Out: sums for `Σ total / Σ count`. Never knows a network: it is told which value answers.
 */
import type { NamedArray } from "../../model/arrays.ts";
import type { Batch } from "../data/dataset.ts";
import type { Metric, MetricPart } from "../metric.ts";

export interface Score {
  /**
   * "class": the greatest component is the index in y. "within": every component is nearer to y than `tolerance`.
   * "squared error": mean of (answer - y)².
   */
  readonly measure: "class" | "within" | "squared error";
  readonly tolerance?: number;
  /** "sequence": right if right at each counted step. */
  readonly per: "step" | "sequence";
  /** A class of y that does not enter the score, although the loss may count there (blanks). */
  readonly except?: number;
  /** What answering without looking gives on average. */
  readonly chance: number;
  /** Mean loss of answering without looking, where it is known. */
  readonly chanceLoss?: { readonly loss: "cross_entropy" | "mse" | "binary_cross_entropy"; readonly value: number };
  /** Solved at or above this share of right answers (at or below this error). */
  readonly success: number;
  /** Both in words. */
  readonly meaning: string;
}

/** True if a measured value counts as solved. */
export function isSolved(score: Score, value: number): boolean {
  return score.measure === "squared error" ? value <= score.success : value >= score.success;
}

/** The score of a batch; `answers` is [steps, batch, width], with width 1 for a number. `counts` is [steps, batch], default where the batch's loss counts. */
export function scoreBatch(score: Score, batch: Batch, answers: ArrayLike<number>, width: number, counts = batch.lossMask): MetricPart {
  const { y } = batch.inputs;
  let total = 0;
  let count = 0;
  for (let row = 0; row < batch.batch; row++) {
    const steps = batch.lengths?.[row] ?? batch.steps;
    let counted = 0;
    let right = 0;
    for (let t = 0; t < steps; t++) {
      const at = t * batch.batch + row;
      if ((counts && counts[at] === 0) || (score.except !== undefined && y[at] === score.except)) continue;
      counted++;
      right += score.measure === "class" ? (greatest(answers, at * width, width) === y[at] ? 1 : 0) : distance(score, answers, y, at * width, width);
    }
    if (counted === 0) continue;
    total += score.per === "step" ? right : right === counted ? 1 : 0;
    count += score.per === "step" ? counted : 1;
  }
  return { total, count };
}

/** The score as a metric of training: `value` is the name of the network's answer ("logits", "y_hat"). */
export function scoreMetric(score: Score, value: string): Metric {
  return {
    name: score.measure === "class" ? "accuracy" : score.measure === "within" ? "right" : "mse",
    outputs: [value],
    measure: (batch: Batch, values: Readonly<Record<string, NamedArray>>, counts: Float32Array) => {
      const { data, shape } = values[value];
      return scoreBatch(score, batch, data, shape.length > 2 ? shape[shape.length - 1] : 1, counts);
    },
  };
}

/** The first of the greatest components; none (-1) if one is NaN. */
function greatest(values: ArrayLike<number>, from: number, width: number): number {
  let best = 0;
  for (let k = 0; k < width; k++) {
    if (Number.isNaN(values[from + k])) return -1;
    if (values[from + k] > values[from + best]) best = k;
  }
  return best;
}

function distance(score: Score, answers: ArrayLike<number>, y: ArrayLike<number>, from: number, width: number): number {
  let squares = 0;
  for (let k = 0; k < width; k++) {
    const error = answers[from + k] - y[from + k];
    // Written so that NaN is never right.
    if (score.measure === "within" && !(Math.abs(error) < score.tolerance!)) return 0;
    squares += error * error;
  }
  return score.measure === "within" ? 1 : squares / width;
}
