/**
 * Records named values of a model over the batches of a dataset.
 *
 * In: names of values. Out: a metric that training's evaluation can run, and what it recorded: for each name the values of all valid steps, and those
 * of the first batch in their order of time. Padding is left out. What is recorded is copied.
 */
import type { Model } from "../model/model.ts";
import type { Batch, BatchSource } from "../train/data/dataset.ts";
import { requireNames } from "../support/options.ts";
import { evaluate } from "../train/evaluate.ts";
import type { MeasuredArray, Metric } from "../train/metric.ts";
import type { Recording } from "./gates.ts";

export interface Recorded {
  /** Every valid row of every batch, as one long sequence: for statistics, in no order of time. */
  readonly all: ReadonlyMap<string, Recording>;
  /** The first batch, in order of time. */
  readonly first: ReadonlyMap<string, Recording>;
  readonly firstBatch: Batch;
}

export interface Recorder {
  readonly metric: Metric;
  /** What was recorded so far; undefined before the first batch. */
  recorded(): Recorded | undefined;
}

/** A recorder of these values. */
export function createRecorder(names: readonly string[]): Recorder {
  const rows = new Map(names.map((name) => [name, { units: 1, overPositions: false, parts: [] as Float32Array[] }]));
  const first = new Map<string, Recording>();
  let firstBatch: Batch | undefined;

  function measure(batch: Batch, values: Readonly<Record<string, MeasuredArray>>): { total: number; count: number } {
    for (const name of names) {
      const { data, shape, overPositions = false } = values[name];
      const units = shape.slice(2).reduce((a, b) => a * b, 1);
      const entry = rows.get(name)!;
      // Positions are no units: there are as many as a batch is long.
      entry.units = overPositions ? 1 : units;
      entry.overPositions = overPositions;
      entry.parts.push(validRows(data, batch, units));
      if (firstBatch === undefined)
        first.set(name, { name, values: data.slice(), steps: batch.steps, batch: batch.batch, units, overPositions, lengths: batch.lengths });
    }
    firstBatch ??= batch;
    return { total: 0, count: 1 };
  }

  return {
    metric: { name: "recorded", outputs: names, measure },
    recorded() {
      if (firstBatch === undefined) return undefined;
      const all = new Map<string, Recording>();
      for (const [name, { units, overPositions, parts }] of rows) {
        const values = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
        let at = 0;
        for (const part of parts) {
          values.set(part, at);
          at += part.length;
        }
        all.set(name, { name, values, steps: values.length / units, batch: 1, units, overPositions });
      }
      return { all, first, firstBatch };
    },
  };
}

/** Rows of the steps that are not padding, side by side. */
function validRows(data: ArrayLike<number>, batch: Batch, units: number): Float32Array {
  const lengths = batch.lengths ?? new Int32Array(batch.batch).fill(batch.steps);
  let count = 0;
  for (let b = 0; b < batch.batch; b++) count += lengths[b];
  const rows = new Float32Array(count * units);
  let to = 0;
  for (let b = 0; b < batch.batch; b++) {
    for (let t = 0; t < lengths[b]; t++) {
      const from = (t * batch.batch + b) * units;
      for (let u = 0; u < units; u++) rows[to++] = data[from + u];
    }
  }
  return rows;
}

/** Runs a model on batches and records values. @throws SluiceError E458 for an unknown name, E463 for unsuitable data; what aborts the signal */
export async function record(model: Model, source: BatchSource, names: readonly string[], batches?: number, signal?: AbortSignal): Promise<Recorded> {
  requireNames("the values recorded", names);
  const recorder = createRecorder(names);
  await evaluate(model, source, { metrics: [recorder.metric], batches, signal });
  return recorder.recorded()!;
}
