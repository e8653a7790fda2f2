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

/** True if the program has an entry of that name. */
export function hasEntry(executable: Executable, name: string): boolean {
  return executable.program.entries.some((entry) => entry.name === name);
}
