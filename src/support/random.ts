/**
 * Seeded randomness with the same bits on every machine and in every engine.
 *
 * In: a seed (any finite number) and labels. Out: independent generators. Never reads a clock or `Math.random`, and calls no function of `Math`
 * whose last bit is left to the engine: the logarithm that the normal distribution needs is computed here from exact operations.
 * The generator is SFC32 (Chris Doty-Humphrey, PractRand); seeds are spread by the finaliser of MurmurHash3 (Austin Appleby).
 */
import { invariant } from "./invariant.ts";

export interface Random {
  /** 32 random bits as an integer in [0, 2^32). */
  bits(): number;
  /** Uniform in [low, high), by default [0, 1), from 53 random bits. */
  uniform(low?: number, high?: number): number;
  /** Uniform integer in [0, count), without bias; count in 1 … 2^32. */
  integer(count: number): number;
  /** Normal with the given mean (0) and standard deviation (1), by Marsaglia's polar method. */
  normal(mean?: number, deviation?: number): number;
  /** Fills an array with what `normal()` would give, one after the other; faster for many. */
  normals(values: Float64Array): void;
  /** Shuffles in place (Fisher–Yates) and returns its argument. */
  shuffle<Items extends { length: number; [index: number]: unknown }>(items: Items): Items;
}

/** The words a, b, c and counter of SFC32 for this seed, where `createRandom` begins: for loops that draw without it. */
export function generatorState(seed: number): Int32Array {
  const hash = absorbNumber([0x243f6a88, 0x85a308d3], seed);
  const a = spread(hash[0]);
  const b = spread(hash[1] ^ a);
  const state = Int32Array.of(a, b, spread(a ^ Math.imul(b, 0x9e3779b1)), 1);
  // The first outputs of SFC32 still show the seed; its author discards twelve.
  for (let i = 0; i < 12; i++) nextBits(state);
  return state;
}

/** A generator of its own for this seed. */
export function createRandom(seed: number): Random {
  const state = generatorState(seed);
  let spare: number | undefined;

  const bits = (): number => nextBits(state);
  const unit = (): number => nextUnit(state);
  const integer = (count: number): number => {
    invariant(Number.isInteger(count) && count >= 1 && count <= 2 ** 32, `integer(${count}) needs a count in 1 … 2^32`);
    // Values past the last whole multiple of `count` would favour the small ones.
    const limit = 2 ** 32 - (2 ** 32 % count);
    let value = bits();
    while (value >= limit) value = bits();
    return value % count;
  };

  return {
    bits,
    integer,
    uniform: (low = 0, high = 1) => {
      const value = low + (high - low) * unit();
      return value < high || high <= low ? value : low;
    },
    normal: (mean = 0, deviation = 1) => {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return mean + deviation * value;
      }
      nextPair(state, pair);
      spare = pair[1];
      return mean + deviation * pair[0];
    },
    normals: (values) => {
      let i = 0;
      if (spare !== undefined && values.length > 0) {
        values[i++] = spare;
        spare = undefined;
      }
      for (; i + 1 < values.length; i += 2) {
        nextPair(state, pair);
        values[i] = pair[0];
        values[i + 1] = pair[1];
      }
      if (i < values.length) {
        nextPair(state, pair);
        values[i] = pair[0];
        spare = pair[1];
      }
    },
    shuffle: (items) => {
      for (let i = items.length - 1; i > 0; i--) {
        const j = integer(i + 1);
        const item = items[i];
        items[i] = items[j];
        items[j] = item;
      }
      return items;
    },
  };
}

/** One step of SFC32 on its state a, b, c, counter. */
function nextBits(state: Int32Array): number {
  const b = state[1];
  const c = state[2];
  const sum = (state[0] + b + state[3]++) | 0;
  state[0] = b ^ (b >>> 9);
  state[1] = c + (c << 3);
  state[2] = ((c << 21) | (c >>> 11)) + sum;
  return sum >>> 0;
}

function nextUnit(state: Int32Array): number {
  return (nextBits(state) * 0x200000 + (nextBits(state) >>> 11)) * 2 ** -53;
}

/** Two normal values by the polar method. Numbers stay in typed arrays: before its code is optimised, an engine makes an object of each number that is not. */
const pair = new Float64Array(2);

function nextPair(state: Int32Array, values: Float64Array): void {
  let u: number;
  let v: number;
  let square: number;
  do {
    u = 2 * nextUnit(state) - 1;
    v = 2 * nextUnit(state) - 1;
    square = u * u + v * v;
  } while (square >= 1 || square === 0);
  const scale = Math.sqrt((-2 * exactLog(square)) / square);
  values[0] = u * scale;
  values[1] = v * scale;
}

/**
 * A seed for an independent stream, named by labels: `derive(seed, "batch", step, row)`. A pure function; the result is an integer in [0, 2^53).
 * The text "1" and the number 1 are different labels.
 */
export function derive(seed: number, ...labels: readonly (string | number)[]): number {
  let hash = absorbNumber([0x13198a2e, 0x03707344], seed);
  for (const label of labels) hash = typeof label === "number" ? absorbNumber(hash, label) : absorbText(hash, label);
  return (spread(hash[0]) >>> 0) * 0x200000 + (spread(hash[1] ^ hash[0]) >>> 11);
}

type Hash = readonly [number, number];

const float64 = new DataView(new ArrayBuffer(8));

function absorbNumber(hash: Hash, value: number): Hash {
  invariant(Number.isFinite(value), `a seed or label must be a finite number, not ${value}`);
  float64.setFloat64(0, value + 0, true);
  return absorb(absorb(absorb(hash, 1), float64.getInt32(0, true)), float64.getInt32(4, true));
}

function absorbText(hash: Hash, text: string): Hash {
  let result = absorb(absorb(hash, 2), text.length);
  for (let i = 0; i < text.length; i++) result = absorb(result, text.charCodeAt(i));
  return result;
}

function absorb([low, high]: Hash, word: number): Hash {
  const next = spread((low ^ word) + 0x9e3779b9);
  return [next, spread((high + Math.imul(word, 0x85ebca6b)) ^ ((next << 13) | (next >>> 19)))];
}

function spread(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Natural logarithm of 0 < x < 1 by ln m + k ln 2 with m near 1 and ln m = 2 artanh((m-1)/(m+1)); error below 1e-15, bits fixed by IEEE 754. */
function exactLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let series = (1 / 23) * square + 1 / 21;
  series = (series * square + 1 / 19) * square + 1 / 17;
  series = (series * square + 1 / 15) * square + 1 / 13;
  series = (series * square + 1 / 11) * square + 1 / 9;
  series = (series * square + 1 / 7) * square + 1 / 5;
  series = (series * square + 1 / 3) * square + 1;
  return 2 * s * series + exponent * Math.LN2;
}
