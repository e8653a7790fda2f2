/**
 * Fills the input buffers of an executable: the values, what lies ahead of them, lengths, masks and loss weights.
 *
 * In: time-major flat arrays. Out: filled buffers. A feed is planned once per executable; loading allocates nothing.
 */
import type { InputDeclaration } from "../ir/network/node.ts";
import { type Executable, stepLength } from "../runtime/executable.ts";
import { invariant } from "../support/invariant.ts";

/** What one run reads. Arrays are [rows, batch, …] with rows = steps, or more where the data go on (look-ahead). */
export interface FeedBatch {
  readonly steps: number;
  readonly batch: number;
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
  /** [batch] number of valid steps. */
  readonly lengths?: ArrayLike<number>;
  /** [steps, batch] 1 where the loss counts; every valid step with a known future unless given. */
  readonly lossMask?: Float32Array;
  /** [steps, batch] 1 at the first step of a document. */
  readonly reset?: Float32Array;
}

export interface Feed {
  /** Names of the network's inputs that the program reads. */
  readonly names: readonly string[];
  /** How far ahead the program reads. */
  readonly lookAhead: number;
  /** Fills every input; returns the number of steps whose loss counts. */
  load(batch: FeedBatch): number;
  /** [steps, batch] 1 where the loss counted in the batch loaded last; live. */
  readonly counts: Float32Array;
}

interface Slot {
  readonly name: string;
  readonly ahead: number;
  readonly view: Float32Array | Int32Array;
  /** Numbers of one time step, or of the whole for an input without time. */
  readonly row: number;
  readonly perStep: boolean;
}

/** Name and look-ahead of an input buffer: "token@1" → ["token", 1]. */
export function splitAhead(name: string): readonly [string, number] {
  const at = name.lastIndexOf("@");
  return at < 0 ? [name, 0] : [name.slice(0, at), Number(name.slice(at + 1))];
}

/** Plans how to fill the inputs of an executable. */
export function createFeed(executable: Executable, network: { readonly inputs: readonly Pick<InputDeclaration, "name">[] }): Feed {
  const declared = new Set(network.inputs.map((input) => input.name));
  const slots: Slot[] = [];
  for (const [buffer, shape] of executable.shapes) {
    const [name, ahead] = splitAhead(buffer);
    const view = executable.buffers.get(buffer);
    if (shape.role !== "input" || view === undefined || !declared.has(name)) continue;
    slots.push({ name, ahead, view, row: stepLength(shape), perStep: shape.shape[0] === "T" });
  }
  const lookAhead = slots.reduce((most, slot) => Math.max(most, slot.ahead), 0);
  const { capacity, batch: width } = executable.program;
  const counts = new Float32Array(capacity * width);
  const lossWeight = executable.buffers.get("loss_weight") as Float32Array | undefined;
  const valid = executable.buffers.get("valid") as Float32Array | undefined;
  const lengths = executable.buffers.get("lengths") as Int32Array | undefined;
  const reset = executable.buffers.get("reset") as Float32Array | undefined;

  function load(batch: FeedBatch): number {
    const { steps } = batch;
    invariant(batch.batch === width, `a batch of ${batch.batch} for a program for ${width}`);
    invariant(steps <= capacity, `${steps} steps for a program for ${capacity}`);
    let rows = Infinity;
    for (const slot of slots) {
      const source = batch.inputs[slot.name];
      invariant(source !== undefined, `the input ${slot.name} is missing`);
      fillSlot(slot, source, steps);
      if (slot.ahead > 0) rows = Math.min(rows, source.length / slot.row);
    }
    if (lengths !== undefined) for (let b = 0; b < width; b++) lengths[b] = batch.lengths === undefined ? steps : batch.lengths[b];
    if (valid !== undefined) fillValid(valid, batch, width);
    if (reset !== undefined) {
      if (batch.reset === undefined) reset.fill(0, 0, steps * width);
      else reset.set(batch.reset);
    }
    return lossWeight === undefined ? 0 : weighLoss(batch, rows, lookAhead, counts, lossWeight);
  }
  return { names: [...new Set(slots.map((slot) => slot.name))], lookAhead, load, counts };
}

function fillSlot({ view, row, ahead, perStep }: Slot, source: ArrayLike<number>, steps: number): void {
  const wanted = perStep ? steps * row : row;
  const start = ahead * row;
  if (start === 0 && source.length === wanted) {
    view.set(source);
    return;
  }
  const given = Math.max(0, Math.min(wanted, source.length - start));
  for (let i = 0; i < given; i++) view[i] = source[start + i];
  view.fill(0, given, wanted);
}

function fillValid(valid: Float32Array, { steps, lengths }: FeedBatch, width: number): void {
  for (let t = 0; t < steps; t++) for (let b = 0; b < width; b++) valid[t * width + b] = lengths === undefined || t < lengths[b] ? 1 : 0;
}

// The mean over counted steps: each weighs 1 / count. Steps whose look-ahead has no data do not count.
function weighLoss(batch: FeedBatch, rows: number, lookAhead: number, counts: Float32Array, weights: Float32Array): number {
  const { steps, batch: width, lengths, lossMask } = batch;
  const extra = lookAhead > 0 && rows < steps + lookAhead ? lookAhead : 0;
  let total = 0;
  for (let t = 0; t < steps; t++) {
    for (let b = 0; b < width; b++) {
      const i = t * width + b;
      const inside = t < (lengths === undefined ? steps : lengths[b]) - (lossMask === undefined ? extra : 0);
      const count = inside ? (lossMask === undefined ? 1 : lossMask[i]) : 0;
      counts[i] = count;
      total += count;
    }
  }
  const weight = total > 0 ? 1 / total : 0;
  for (let i = 0; i < steps * width; i++) weights[i] = counts[i] * weight;
  return total;
}
