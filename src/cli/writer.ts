/**
 * What a model of a text says next, one symbol after the other.
 *
 * In: a model and symbols. Out: the logits of the symbol that follows all read so far. A model that carries a state takes a step for each symbol. One that looks
 * at all steps at once (attention) reads its last window of symbols again for each: T² work, and nothing older than it was trained to look back to is seen.
 */
import type { Model } from "../model/model.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { TextRecord } from "../train/data/text.ts";
import { defaultsFor } from "./defaults.ts";

export interface Writer {
  /** Symbols that are read again for each new one; undefined where a state is carried. */
  readonly window?: number;
  /** The logits after this symbol; valid until the next is read. */
  read(index: number): Float32Array;
}

/** Rounding may differ with the length of a run where sums are taken over positions. */
const SAME = 1e-4;

/** Reads symbols by a stream, or again and again where there can be none. @throws SluiceError E460 for a model whose answers depend on later symbols */
export function openWriter(model: Model, record: TextRecord): Writer {
  const { network, training } = model;
  if (streamRefusal(model) === undefined) {
    const stream = model.stream();
    return { read: (index) => stream.step(index) };
  }
  if (!isCausal(model, record))
    throw new SluiceError("E460", `${network.name} cannot write: what it says at a step depends on later steps; sluice eval measures it on a text`);
  const window = training?.window ?? defaultsFor(record.unit).window;
  const symbols: number[] = [];
  return {
    window,
    read(index) {
      symbols.push(index);
      if (symbols.length > window) symbols.shift();
      return lastRow(model, symbols);
    },
  };
}

/** True if the model can go on from symbol to symbol. */
export function canWrite(model: Model): boolean {
  return model.record?.kind === "text" && (streamRefusal(model) === undefined || isCausal(model, model.record));
}

function streamRefusal({ network, specializer }: Model): string | undefined {
  return specializer.streamRefusal({ batch: 1, mode: "evaluate", initial: "carried", lengths: false, reset: false, outputs: network.outputs });
}

/** True if answers stay what they were when symbols follow, tried on a few. */
function isCausal(model: Model, { vocabulary }: TextRecord): boolean {
  const symbols = Array.from({ length: 6 }, (_, t) => (5 * t + 1) % vocabulary.length);
  return symbols.slice(1).every((_, t) => {
    const [before, after] = [lastRow(model, symbols.slice(0, t + 1)), rowOf(model, symbols.slice(0, t + 2), t)];
    return before.every((value, k) => Math.abs(value - after[k]) <= SAME * Math.max(1, Math.abs(value)));
  });
}

const lastRow = (model: Model, symbols: readonly number[]): Float32Array => rowOf(model, symbols, symbols.length - 1);

function rowOf(model: Model, symbols: readonly number[], step: number): Float32Array {
  const [answer] = model.network.outputs;
  const { data } = model.run(Int32Array.from(symbols), { outputs: [answer] })[answer];
  const width = data.length / symbols.length;
  return data.subarray(step * width, (step + 1) * width);
}
