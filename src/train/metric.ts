/**
 * Values measured while evaluating, beside the loss: sums over batches, divided at the end.
 */
import type { NamedArray } from "../model/arrays.ts";
import type { Batch } from "./data/dataset.ts";

/** A measured value: [steps, batch, …]. */
export interface MeasuredArray extends NamedArray {
  /** True if another axis is of time steps too, as in attention: its length follows the batch. */
  readonly overPositions?: boolean;
}

/** What a batch contributes: the metric is Σ total / Σ count. */
export interface MetricPart {
  readonly total: number;
  readonly count: number;
}

export interface Metric {
  readonly name: string;
  /** Values of the network that it reads: "logits", "h[T]", "loss_steps". */
  readonly outputs: readonly string[];
  /** The arrays are [steps, batch, …], live views most of them, and must not be kept. `counts` is [steps, batch]: 1 where the loss counts. */
  measure(batch: Batch, values: Readonly<Record<string, MeasuredArray>>, counts: Float32Array): MetricPart;
}

/** Share of counted steps at which the greatest component of `value` is the one that the index array of `target` names. */
export function accuracy(value: string, target: (batch: Batch) => ArrayLike<number>): Metric {
  return {
    name: "accuracy",
    outputs: [value],
    measure(batch, values, counts) {
      const { data, shape } = values[value];
      const width = shape[shape.length - 1];
      const wanted = target(batch);
      let total = 0;
      let count = 0;
      for (let i = 0; i < batch.steps * batch.batch; i++) {
        if (counts[i] === 0) continue;
        let greatest = 0;
        for (let k = 1; k < width; k++) if (data[i * width + k] > data[i * width + greatest]) greatest = k;
        if (greatest === wanted[i]) total++;
        count++;
      }
      return { total, count };
    },
  };
}
