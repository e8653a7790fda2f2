/**
 * A program with more room for time, made from the one that was exported: the numbers in its code and its plan that depend on the room are put in anew.
 *
 * In: an exported program, its code, the room wanted. Out: a program. Never compiles.
 */
import type { Program } from "../../ir/program/node.ts";
import type { ExportedProgram, Polynomial } from "./description.ts";

/** Bytes of a number that can be replaced in place. */
export const NUMBER_BYTES = 5;

/** Value at x times the room; exact, as all are whole numbers far below 2⁵³. */
export function valueAt([constant, linear, square]: Polynomial, x: number): number {
  return constant + x * (linear + x * square);
}

/** Writes a whole number below 2³¹ as LEB128 of five bytes; one ≥ 0 reads the same signed and unsigned. */
export function writeNumber(code: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < NUMBER_BYTES; i++) code[at + i] = ((value >> (7 * i)) & 0x7f) | (i < NUMBER_BYTES - 1 ? 0x80 : 0);
}

/** The exported program, with room for `capacity` time steps if it grows. */
export function programFor(exported: ExportedProgram, code: Uint8Array, capacity: number): Program {
  const { growth } = exported;
  const grows = growth !== undefined && capacity !== exported.capacity;
  const x = capacity / exported.capacity;
  const wasm = grows ? new Uint8Array(code) : code; // a copy also of Node's Buffer, whose slice is none
  if (grows) {
    for (const { value, at } of growth.code) {
      let position = 0;
      for (const distance of at) writeNumber(wasm, (position += distance), valueAt(value, x));
    }
  }
  return {
    wasm,
    memoryBytes: grows ? valueAt(growth.memoryBytes, x) : exported.memoryBytes,
    capacity: grows ? capacity : exported.capacity,
    batch: exported.batch,
    threads: 1,
    buffers: exported.buffers.map((buffer, i) => ({
      ...buffer,
      ...(grows ? { offsetBytes: valueAt(growth.buffers[i][0], x), sizeBytes: valueAt(growth.buffers[i][1], x) } : {}),
      live: [-1, Number.POSITIVE_INFINITY],
    })),
    entries: ["prepare", "forward"].map((name) => ({ name, steps: [] })),
    parameterCount: (exported.buffers.find((buffer) => buffer.role === "parameters")?.sizeBytes ?? 0) / 4,
  };
}
