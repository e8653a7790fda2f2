/**
 * Draws many numbers by compiled loops: an engine that has just started runs them at once, where JavaScript's would first have to warm up.
 *
 * In: states of generators, arrays to fill. Out: the arrays filled, to the bit as by `Random` and Gram–Schmidt in JavaScript, and the states moved on.
 * Never draws what does not fit a modest memory: the caller does that.
 */
import { wasmFeatures } from "./probe.ts";
import { DRAWING_CODE } from "./drawing-code.ts";

/** A matrix to be drawn: rows × columns of mean + gain · (a normal number). */
export interface MatrixDraw {
  /** The four words of its generator; several matrices may share them. */
  readonly state: Int32Array;
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly mean: number;
  readonly gain: number;
}

export interface Drawing {
  /** Numbers from low to high. */
  uniforms(state: Int32Array, values: Float32Array, low: number, high: number): void;
  /**
   * Draws one to four matrices of an even number of values whose shapes are equal (or each other's transposes), one after the other; with orthonormal
   * rows or columns if wanted. Returns those of them that cannot be used: a vector lay in the span of others.
   */
  matrices(draws: readonly MatrixDraw[], orthonormal: boolean): readonly MatrixDraw[];
}

/** Most values of a matrix that is drawn here: 32 bytes of memory each. */
export const GREATEST_DRAW = 2 ** 22;

const ELEMENT_BYTES = 32;
const PAGE_BYTES = 65_536;
/** Where arrays begin, behind the words of the generator. */
const FIRST = 64;

/** The loops with a memory of their own; undefined where the engine has no SIMD or may not compile. */
export function openDrawing(): Drawing | undefined {
  if (typeof WebAssembly === "undefined" || !wasmFeatures().simd) return undefined;
  try {
    module ??= new WebAssembly.Module(bytesOf(DRAWING_CODE));
  } catch {
    return undefined; // a page may forbid code made at run time, and still use the interpreter
  }
  const loops = new WebAssembly.Instance(module).exports as unknown as Loops;
  const { memory } = loops;
  const reserve = (sizeBytes: number): void => {
    const missing = Math.ceil((sizeBytes - memory.buffer.byteLength) / PAGE_BYTES);
    if (missing > 0) memory.grow(missing);
  };
  /** Runs a loop that draws from a generator. */
  const withState = (state: Int32Array, draw: () => void): void => {
    const words = new Int32Array(memory.buffer, 0, 4);
    words.set(state);
    draw();
    state.set(words);
  };
  return {
    uniforms(state, values, low, high) {
      const end = FIRST + 4 * values.length;
      reserve(end);
      withState(state, () => loops.uniforms(FIRST, end, low, high));
      values.set(new Float32Array(memory.buffer, FIRST, values.length));
    },
    matrices(draws, orthonormal) {
      const [{ rows, columns }] = draws;
      const vectorBytes = ELEMENT_BYTES * Math.max(rows, columns);
      const end = FIRST + ELEMENT_BYTES * rows * columns;
      const normsEnd = end + ELEMENT_BYTES * (Math.min(rows, columns) + 1);
      reserve(normsEnd + 4 * rows * columns);
      for (const [k, { state }] of draws.entries()) withState(state, () => loops.points(FIRST + 8 * k, end));
      loops.normals(FIRST, end);
      const failed = orthonormal ? loops.orthonormalise(FIRST, end, vectorBytes, end) : 0;
      for (const [k, draw] of draws.entries()) {
        const [rowBytes, columnBytes] = draw.rows <= draw.columns ? [vectorBytes, ELEMENT_BYTES] : [ELEMENT_BYTES, vectorBytes];
        const outEnd = normsEnd + 4 * rows * columns;
        loops.scaled(normsEnd, outEnd, draw.columns, FIRST + 8 * k, rowBytes, columnBytes, draw.mean, draw.gain);
        draw.values.set(new Float32Array(memory.buffer, normsEnd, rows * columns));
      }
      return draws.filter((_, k) => (failed >> k) & 1);
    },
  };
}

function bytesOf(hexadecimal: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hexadecimal.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hexadecimal.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

interface Loops {
  readonly memory: WebAssembly.Memory;
  uniforms(out: number, end: number, low: number, high: number): void;
  points(out: number, end: number): void;
  normals(at: number, end: number): void;
  orthonormalise(base: number, end: number, vectorBytes: number, norms: number): number;
  scaled(out: number, end: number, columns: number, from: number, rowBytes: number, columnBytes: number, mean: number, gain: number): void;
}

let module: WebAssembly.Module | undefined;
