/**
 * Arrays with shapes: how values enter and leave a model.
 *
 * In: nested arrays, typed arrays, or typed arrays with a shape. Out: flat row-major typed arrays with their shapes. Never keeps what it is given.
 */
import { SluiceError } from "../support/diagnostic.ts";
import { kindOf } from "../support/options.ts";

/** A typed array with its shape, row-major, last axis contiguous. */
export interface NamedArray<T extends Float32Array | Int32Array = Float32Array> {
  readonly data: T;
  readonly shape: readonly number[];
}

/** What a caller may give for one input: `[[1, 2], [3, 4]]`, `Float32Array` (flat), or `{ data, shape }`. */
export type ArrayInput = number | ArrayLike<number> | readonly Nested[] | { readonly data: ArrayLike<number>; readonly shape: readonly number[] };
export type Nested = number | ArrayLike<number> | readonly Nested[];

/** Flat numbers with the shape that could be told from the nesting; a flat typed array has the shape [length]. */
export interface FlatArray {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
  /** True if the shape is known from nesting or given; false for a flat typed array, whose axes the reader must work out. */
  readonly shaped: boolean;
}

/** True for an array with a shape of its own. */
export function hasShape(value: unknown): value is { data: ArrayLike<number>; shape: readonly number[] } {
  return typeof value === "object" && value !== null && "data" in value && "shape" in value;
}

/** True for a plain array or a typed array of numbers. */
export function isArray(value: unknown): value is ArrayLike<number> | readonly Nested[] {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** Flattens a value. @throws SluiceError E455 if it is ragged, empty where it must not be, or holds something that is not a number; `what` names it. */
export function flatten(value: ArrayInput, what: string): FlatArray {
  if (typeof value === "number") return { data: [value], shape: [], shaped: true };
  if (hasShape(value)) {
    if (!isArray(value.data) || !Array.isArray(value.shape))
      throw new SluiceError("E455", `${what} must have its numbers in \`data\` and the lengths of its axes in \`shape\`, { data, shape: [20, 2] }`);
    const size = value.shape.reduce((a, b) => a * b, 1);
    if (size !== value.data.length)
      throw new SluiceError("E455", `${what} has shape ${shapeText(value.shape)}, which holds ${size} numbers, but ${value.data.length} were given`);
    return { data: value.data, shape: value.shape, shaped: true };
  }
  if (!isArray(value)) throw new SluiceError("E455", `${what} must be numbers: an array, a typed array or { data, shape }, not ${kindOf(value)}`);
  if (ArrayBuffer.isView(value)) return { data: value as ArrayLike<number>, shape: [value.length], shaped: false };
  const shape: number[] = [];
  for (let level: unknown = value; isArray(level); level = level[0]) shape.push(level.length);
  const data: number[] = [];
  const visit = (level: unknown, depth: number, path: string): void => {
    if (isArray(level)) {
      if (depth >= shape.length || level.length !== shape[depth])
        throw new SluiceError("E455", `${what}${path} has ${level.length} entries, but ${shape[depth] ?? "a number"} expected as in its first row`);
      for (let i = 0; i < level.length; i++) visit(level[i], depth + 1, `${path}[${i}]`);
    } else if (typeof level !== "number" || depth !== shape.length) {
      throw new SluiceError("E455", `${what}${path} must be a number, not ${kindOf(level)}`);
    } else data.push(level);
  };
  visit(value, 0, "");
  return { data, shape, shaped: true };
}

/** "[20, 2]" */
export function shapeText(shape: readonly (number | string)[]): string {
  return `[${shape.join(", ")}]`;
}
