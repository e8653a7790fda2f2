/**
 * The device interface: what every device makes of compiled units, and how its buffers are reached.
 *
 * In: units (tensor graphs) or a Program. Out: named typed arrays and entries to call. An executable owns its memory; nothing is disposed by hand.
 */
import type { Buffer, Program } from "../ir/program/node.ts";
import { invariant } from "../support/invariant.ts";

export type DeviceName = "wasm" | "interpreter";

/** A program ready to run. Views in `buffers` stay valid for the life of the executable. */
export interface Executable {
  readonly device: DeviceName;
  readonly program: Program;
  readonly buffers: ReadonlyMap<string, Float32Array | Int32Array>;
  readonly shapes: ReadonlyMap<string, Buffer>;
  /** Runs an entry for a number of time steps ≤ capacity. "prepare" must run after the parameters change. */
  run(entry: string, steps: number): void;
}

/** The float buffer of that name. */
export function floatBuffer(executable: Executable, name: string): Float32Array {
  const view = executable.buffers.get(name);
  invariant(view instanceof Float32Array, `no float buffer ${name}`);
  return view;
}

/** Numbers of one time step of a buffer (its shape without T), or of the whole if it has no time axis. */
export function stepLength(buffer: Buffer): number {
  let length = 1;
  for (const size of buffer.shape) if (size !== "T") length *= size;
  return length;
}

/** A buffer's values for a run of this many steps, row-major without gaps. A kernel keeps room for every length along a second time axis. */
export function denseValues(executable: Executable, name: string, steps: number): Float32Array | Int32Array {
  const view = executable.buffers.get(name);
  const buffer = executable.shapes.get(name);
  invariant(view && buffer, `no buffer ${name}`);
  const shape = buffer.shape.map((size) => (size === "T" ? steps : size));
  const length = shape.reduce((product, size) => product * size, 1);
  if (!hasGaps(executable, buffer)) return view.slice(0, length);
  const values = view instanceof Float32Array ? new Float32Array(length) : new Int32Array(length);
  eachPlace(executable, buffer, steps, (dense, place) => {
    values[dense] = view[place];
  });
  return values;
}

/** Writes values, row-major without gaps, for a run of this many steps. */
export function writeDense(executable: Executable, name: string, steps: number, values: ArrayLike<number>): void {
  const view = executable.buffers.get(name);
  const buffer = executable.shapes.get(name);
  invariant(view && buffer, `no buffer ${name}`);
  if (!hasGaps(executable, buffer)) view.set(values);
  else
    eachPlace(executable, buffer, steps, (dense, place) => {
      view[place] = values[dense];
    });
}

/** Axes of a buffer in the order of `denseValues`: time, batch, the rest; a kernel may keep squares of attention matrix by matrix. */
export function denseAxes(executable: Executable, buffer: Buffer): readonly number[] {
  const order = buffer.shape.map((_, axis) => axis);
  return hasGaps(executable, buffer) ? order.sort((a, b) => hostPlace(buffer, a) - hostPlace(buffer, b)) : order;
}

const hostPlace = ({ axes }: Buffer, axis: number): number => (axes[axis] === "t" ? -2 : axes[axis] === "b" ? -1 : axis);

function hasGaps(executable: Executable, buffer: Buffer): boolean {
  return executable.device !== "interpreter" && buffer.shape.some((size, axis) => size === "T" && axis > 0);
}

function eachPlace(executable: Executable, buffer: Buffer, steps: number, visit: (dense: number, place: number) => void): void {
  const { shape, axes } = buffer;
  const fixed = stepLength(buffer);
  const isRow = (axis: number): boolean => shape[axis] === "T" && axes[axis] !== "t";
  const rows = shape.filter((_, axis) => isRow(axis)).length;
  const { capacity } = executable.program;
  const room = Math.round((buffer.sizeBytes / 4 / fixed / (axes.includes("t") ? capacity : 1)) ** (1 / Math.max(1, rows)));
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    const after = shape[axis + 1];
    strides[axis] = strides[axis + 1] * (isRow(axis + 1) ? room : after === "T" ? capacity : after);
  }
  const order = denseAxes(executable, buffer);
  let dense = 0;
  const walk = (depth: number, at: number): void => {
    if (depth === order.length) return visit(dense++, at);
    const axis = order[depth];
    const size = shape[axis];
    for (let i = 0; i < (size === "T" ? steps : size); i++) walk(depth + 1, at + i * strides[axis]);
  };
  walk(0, 0);
}
