/**
 * The exact bits of the `random` op: numbers in [0, 1) that depend only on (seed, stream, position), with 32-bit integer arithmetic alone, so
 * that the interpreter, the loop interpreter and SIMD kernels give the same ones. No state: element i never needs element i-1.
 *
 * Once per (seed, stream), all arithmetic modulo 2³², `>>>` logical:
 *
 *     m(x)  =  x ^= x >>> 16; x *= 0x7feb352d; x ^= x >>> 15; x *= 0x846ca68b; x ^= x >>> 16
 *     k0    =  m(seed + m(stream + 0x9e3779b9))
 *     k1    =  m(k0 ^ 0x85ebca6b)
 *
 * For the element at row-major position i of the node's axes (time, if it is one, is the outermost):
 *
 *     x  =  i + k0
 *     x  =  (x ^ (x >>> 16)) * 0x7feb352d
 *     x  =  (x ^ (x >>> 15) ^ k1) * 0x846ca68b
 *     x  =  x ^ (x >>> 16)
 *     u  =  (x >>> 8) · 2⁻²⁴
 *
 * The mixer m is the two-round multiply-xorshift hash with the constants found by Wellons' search (hash-prospector, "lowbias32"); k1 between the rounds
 * keeps two streams from being shifted copies of each other.
 */

/** Mixes 32 bits: a bijection in which every input bit flips every output bit with probability near one half. */
export function mixBits(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

export interface RandomKeys {
  readonly k0: number;
  readonly k1: number;
}

/** The two keys of a stream, as signed 32-bit integers. */
export function randomKeys(seed: number, stream: number): RandomKeys {
  const k0 = mixBits((seed + mixBits(stream + 0x9e3779b9)) | 0);
  return { k0, k1: mixBits(k0 ^ 0x85ebca6b) };
}

/** The number at position i of a stream: a multiple of 2⁻²⁴ in [0, 1). */
export function randomAt(keys: RandomKeys, position: number): number {
  let x = (position + keys.k0) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15) ^ keys.k1, 0x846ca68b);
  x ^= x >>> 16;
  return (x >>> 8) * 2 ** -24;
}
