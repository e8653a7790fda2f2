/**
 * The embedded Reber grammar: strings of a small automaton inside two outer branches; predict which symbols may come next.
 *
 * The second symbol decides the last but one, across the whole inner string. The continual form joins strings without end and without a reset, which
 * needs a forget gate.
 * @source Hochreiter & Schmidhuber 1997, experiment 1 (after Cleeremans et al. 1989 and Fahlman 1991); Gers, Schmidhuber & Cummins 2000 (continual)
 */
import { createRandom, derive, type Random } from "../../support/random.ts";
import type { BatchSource } from "../data/dataset.ts";
import { remember } from "../data/streams.ts";
import { makeTask, oneHot } from "./task.ts";

const ALPHABET = ["B", "T", "P", "S", "X", "V", "E"];
const [B, T, P, S, X, V, E] = [0, 1, 2, 3, 4, 5, 6];

/** Edges of the inner automaton: [symbol, next node]; node 7 is its end. */
const INNER: readonly (readonly (readonly [number, number])[])[] = [
  [[B, 1]],
  [
    [T, 2],
    [P, 3],
  ],
  [
    [S, 2],
    [X, 4],
  ],
  [
    [T, 3],
    [V, 5],
  ],
  [
    [X, 3],
    [S, 6],
  ],
  [
    [P, 4],
    [V, 6],
  ],
  [[E, 7]],
];

/** Strings longer than this are drawn again, so that batches have a bound; 1 string in 9 million is longer. */
export const LONGEST_STRING = 60;

/** A string, and for each of its symbols which may come next, as bits (0 after the last). */
export function drawString(random: Random): { readonly symbols: readonly number[]; readonly next: readonly number[] } {
  const branch = random.integer(2) === 0 ? T : P;
  const symbols = [B, branch];
  const next = [(1 << T) | (1 << P), 1 << B];
  for (let node = 0; node !== 7; ) {
    const edges = INNER[node];
    const [symbol, to] = edges[random.integer(edges.length)];
    symbols.push(symbol);
    next.push(to === 7 ? 1 << branch : INNER[to].reduce((bits, [legal]) => bits | (1 << legal), 0));
    node = to;
  }
  symbols.push(branch, E);
  next.push(1 << E, 0);
  return symbols.length <= LONGEST_STRING ? { symbols, next } : drawString(random);
}

/** Single strings, read up to the last but one symbol. Input 7 symbols, with the next one as look-ahead; target "y" 7 bits: what may come next. */
export const reber = makeTask({
  name: "reber",
  title: "which symbols of an embedded Reber string may come next",
  source: "Hochreiter & Schmidhuber 1997, experiment 1",
  options: {},
  describe: () =>
    "Reads strings of the embedded Reber grammar (9 symbols or more). Wanted at each step: the set of symbols that may come next, as seven outputs. A string is " +
    "right if every output is within 0.49 at every step; guessing gets none right, all right counts as solved.",
  score: () => ({ measure: "within", tolerance: 0.49, per: "sequence", chance: 0, success: 1, meaning: "share of strings without any mistake" }),
  reads: () => ALPHABET,
  says: () => ALPHABET.length,
  length: () => [8, LONGEST_STRING - 1],
  lookAhead: 1,
  draw: (random) => {
    const { symbols, next } = drawString(random);
    return { symbols, y: legalRows(next.slice(0, -1)), lossMask: new Float32Array(symbols.length - 1).fill(1) };
  },
});

/** Share of steps of the continual stream at which the commonest target set, {B}, is wanted: what a constant answer gets. */
export const CONTINUAL_CHANCE = 1 / 6;

/** Endless streams of strings joined without a reset, in windows with carried state; each stream begins afresh after `streamLength` symbols. */
export const continualReber = makeTask({
  name: "continual-reber",
  title: "which symbols of an endless Reber stream may come next",
  source: "Gers, Schmidhuber & Cummins 2000",
  options: {
    window: { value: 50, least: 1, most: 100_000, meaning: "time steps of a batch" },
    streamLength: { value: 100_000, least: 10, most: 1_000_000, meaning: "symbols of a stream, cut to whole windows" },
    testStreams: { value: 10, least: 1, most: 1000, meaning: "streams in the test" },
  },
  describe: ({ streamLength, testStreams }) =>
    `Reads strings of the embedded Reber grammar joined to streams of ${streamLength} symbols, never reset. Wanted at each step: the set of symbols that may come ` +
    `next; a step is right if every output is within 0.49. A constant answer gets ${(100 * CONTINUAL_CHANCE).toFixed(0)} % of the steps right; solved when ${testStreams} test streams have no mistake.`,
  score: () => ({
    measure: "within",
    tolerance: 0.49,
    per: "step",
    chance: CONTINUAL_CHANCE,
    success: 1,
    meaning: "share of steps without a mistake",
  }),
  reads: () => ALPHABET,
  says: () => ALPHABET.length,
  length: ({ window }) => [window, window],
  lookAhead: 1,
  draw: (random, { window }) => {
    const { symbols, next } = drawStream(random, window + 1);
    return { symbols, y: legalRows(next.subarray(0, window)), lossMask: new Float32Array(window).fill(1) };
  },
  sources: (options, { batch, seed }) => {
    const { window, streamLength, testStreams, index } = options;
    const windows = Math.max(1, Math.floor(streamLength / window));
    const layout = { window, windows, batch, asIndex: index === 1 };
    return {
      train: streams(derive(seed, "continual-reber", "train"), layout),
      valid: streams(derive(seed, "continual-reber", "valid"), { ...layout, windows: Math.min(windows, 40), passes: 1 }),
      test: streams(derive(seed, "continual-reber", "test"), { ...layout, batch: testStreams, passes: 1 }),
    };
  },
});

function streams(
  seed: number,
  layout: { readonly window: number; readonly windows: number; readonly batch: number; readonly asIndex: boolean; readonly passes?: number },
): BatchSource {
  const { window, windows, batch, asIndex, passes } = layout;
  const streamsOf = remember((pass: number) =>
    Array.from({ length: batch }, (_, row) => drawStream(createRandom(derive(seed, pass, row)), windows * window + 1)),
  );
  return {
    batch,
    capacity: window,
    ...(passes !== undefined && { batchesPerPass: windows }),
    batchAt: (step) => {
      const drawn = streamsOf(passes === undefined ? Math.floor(step / windows) : 0);
      const offset = (step % windows) * window;
      const symbols = new Int32Array((window + 1) * batch);
      const next = new Int32Array(window * batch);
      for (let row = 0; row < batch; row++) {
        for (let t = 0; t <= window; t++) symbols[t * batch + row] = drawn[row].symbols[offset + t];
        for (let t = 0; t < window; t++) next[t * batch + row] = drawn[row].next[offset + t];
      }
      const inputs = { ...(asIndex ? { token: symbols } : { x: oneHot(symbols, ALPHABET.length) }), y: legalRows(next) };
      return { steps: window, batch, inputs, lossMask: new Float32Array(window * batch).fill(1), carry: step % windows > 0 };
    },
  };
}

function drawStream(random: Random, length: number): { readonly symbols: Uint8Array; readonly next: Uint8Array } {
  const symbols = new Uint8Array(length);
  const next = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const string = drawString(random);
    for (let i = 0; i < string.symbols.length && at < length; i++, at++) {
      symbols[at] = string.symbols[i];
      // After the last symbol of a string comes the first of the next.
      next[at] = string.next[i] || 1 << B;
    }
  }
  return { symbols, next };
}

function legalRows(next: ArrayLike<number>): Float32Array {
  const rows = new Float32Array(next.length * ALPHABET.length);
  for (let t = 0; t < next.length; t++) for (let k = 0; k < ALPHABET.length; k++) rows[t * ALPHABET.length + k] = (next[t] >> k) & 1;
  return rows;
}
