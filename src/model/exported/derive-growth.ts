/**
 * How a program depends on its room for time, found by compiling it for several rooms and comparing.
 *
 * In: a compiler for any room. Out: code in which every number that depends on the room has five bytes, and a polynomial for each; or nothing, if
 * the programs differ in more than numbers. What comes out has been compared with programs compiled for larger rooms. Knows of WebAssembly only its
 * sections, and that a number (LEB128) follows `i32.const` or an alignment, both of which are bytes below 128.
 */
import type { Program } from "../../ir/program/node.ts";
import type { Growth, Polynomial } from "./description.ts";
import { NUMBER_BYTES, valueAt, writeNumber } from "./growth.ts";

/** Rooms that fix the polynomials, then rooms that judge them; multiples of the exported one. */
const FITTED = [1, 2, 4];
const JUDGED = [8, 16];
const GREATEST_BYTES = 2 ** 31;

const CONST = 0x41;
const SECTION = { import: 2, code: 10 };

/** A program for the least room, its code ready to grow. */
export interface Grown {
  readonly program: Program;
  readonly code: Uint8Array;
  readonly growth: Growth;
}

/** The program for a room, ready to grow; undefined if it cannot be made to. */
export function deriveGrowth(compileFor: (capacity: number) => Program, capacity: number): Grown | undefined {
  const programs = [...FITTED, ...JUDGED].map((x) => compileFor(x * capacity));
  const modules = programs.map((program) => readModule(program.wasm));
  const [base] = modules;
  if (modules.some((module) => module.rest !== base.rest || module.bodies.length !== base.bodies.length)) return undefined;
  const bodies = base.bodies.map((_, i) => numbersThatDiffer(modules.map((module) => module.bodies[i])));
  if (bodies.some((body) => body === undefined)) return undefined;
  const buffers = programs[0].buffers.map((_, i) => programs.map((program) => program.buffers[i]));
  if (buffers.some((same) => same.some((buffer) => buffer?.name !== same[0].name))) return undefined;
  const memoryBytes = fitted(programs.map((program) => program.memoryBytes));
  const places = buffers.map((same) => [fitted(same.map((buffer) => buffer.offsetBytes)), fitted(same.map((buffer) => buffer.sizeBytes))] as const);
  const numbers = bodies.flatMap((body) => body!).map((number) => fitted(number.values));
  if (memoryBytes === undefined || numbers.includes(undefined) || places.some((pair) => pair.includes(undefined))) return undefined;
  const { code, at } = widened(programs[0].wasm, base, bodies as readonly (readonly Varying[])[]);
  return {
    program: programs[0],
    code,
    growth: { code: byValue(numbers as readonly Polynomial[], at), buffers: places as unknown as Growth["buffers"], memoryBytes },
  };
}

/** Positions of each value, as distances. */
function byValue(values: readonly Polynomial[], at: readonly number[]): Growth["code"] {
  const places = new Map<string, { readonly value: Polynomial; readonly at: number[]; last: number }>();
  for (const [i, value] of values.entries()) {
    const key = value.join();
    if (!places.has(key)) places.set(key, { value, at: [], last: 0 });
    const place = places.get(key)!;
    place.at.push(at[i] - place.last);
    place.last = at[i];
  }
  return [...places.values()].map(({ value, at: distances }) => ({ value, at: distances }));
}

/** A number in the code of a function, and its value for each room. */
interface Varying {
  /** Position and length in the body for the first room. */
  readonly start: number;
  readonly length: number;
  readonly values: readonly number[];
}

/** The polynomial through the fitted values, if it gives the judged ones too. Values may wrap around as signed numbers do. */
function fitted(values: readonly number[]): Polynomial | undefined {
  const [one, two, four] = values;
  // Differences divided: f(1), f(2), f(4).
  const first = two - one;
  const square = ((four - two) / 2 - first) / 3;
  const linear = first - 3 * square;
  const polynomial: Polynomial = [one - linear - square, linear, square];
  const rooms = [...FITTED, ...JUDGED];
  const exact = polynomial.every(Number.isInteger) && values.every((value, i) => valueAt(polynomial, rooms[i]) === value && value < GREATEST_BYTES);
  return exact ? polynomial : undefined;
}

interface ModuleParts {
  /** Everything outside the code, without the size of the memory that is imported. */
  readonly rest: string;
  /** Positions in the module: the code section's own, and each body after its size. */
  readonly sectionStart: number;
  readonly sectionEnd: number;
  readonly bodies: readonly Uint8Array[];
}

function readModule(bytes: Uint8Array): ModuleParts {
  let rest = "";
  let sectionStart = 0;
  let sectionEnd = 0;
  const bodies: Uint8Array[] = [];
  for (let at = 8; at < bytes.length; ) {
    const size = readUnsigned(bytes, at + 1);
    const content = bytes.subarray(size.end, size.end + size.value);
    if (bytes[at] === SECTION.code) {
      [sectionStart, sectionEnd] = [at, size.end + size.value];
      const count = readUnsigned(content, 0);
      for (let place = count.end; place < content.length; ) {
        const length = readUnsigned(content, place);
        bodies.push(content.subarray(length.end, length.end + length.value));
        place = length.end + length.value;
      }
    } else if (bytes[at] !== SECTION.import) rest += `${bytes[at]}:${content.join()};`;
    at = size.end + size.value;
  }
  return { rest, sectionStart, sectionEnd, bodies };
}

function readUnsigned(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let end = at;
  for (let shift = 1; ; shift *= 128) {
    value += (bytes[end] & 0x7f) * shift;
    if (bytes[end++] < 0x80) return { value, end };
  }
}

/** A number as the instruction before it means it: signed after `i32.const`, else unsigned. */
function readNumber(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  const { value, end } = readUnsigned(bytes, at);
  const negative = bytes[at - 1] === CONST && (bytes[end - 1] & 0x40) !== 0;
  return { value: negative ? value - 2 ** (7 * (end - at)) : value, end };
}

/** Numbers of one function that are not the same for all rooms; undefined if something else differs. */
function numbersThatDiffer(bodies: readonly Uint8Array[]): Varying[] | undefined {
  const varying: Varying[] = [];
  const [first] = bodies;
  const places = bodies.map(() => 0);
  while (places[0] < first.length) {
    const byte = first[places[0]];
    if (bodies.every((body, i) => body[places[i]] === byte)) {
      for (let i = 0; i < places.length; i++) places[i]++;
      continue;
    }
    // Inside a number: its bytes so far all have the high bit set, the byte before it has not.
    let back = 0;
    while (first[places[0] - back - 1] >= 0x80) back++;
    const starts = places.map((place) => place - back);
    if (starts[0] < 1) return undefined;
    const numbers = bodies.map((body, i) => readNumber(body, starts[i]));
    varying.push({ start: starts[0], length: numbers[0].end - starts[0], values: numbers.map((number) => number.value) });
    for (const [i, { end }] of numbers.entries()) places[i] = end;
  }
  return places.every((place, i) => place === bodies[i].length) ? varying : undefined;
}

/** The module with room for any value of the numbers that vary, and their positions in it. */
function widened(wasm: Uint8Array, { sectionStart, sectionEnd, bodies }: ModuleParts, varying: readonly (readonly Varying[])[]) {
  const content: number[] = [...unsigned(bodies.length)];
  const positions: number[] = [];
  for (const [i, body] of bodies.entries()) {
    const grown = varying[i].reduce((length, number) => length + NUMBER_BYTES - number.length, body.length);
    content.push(...unsigned(grown));
    let from = 0;
    for (const { start, length, values } of varying[i]) {
      for (; from < start; from++) content.push(body[from]);
      positions.push(content.length);
      const number = new Uint8Array(NUMBER_BYTES);
      writeNumber(number, 0, values[0]);
      content.push(...number);
      from += length;
    }
    for (; from < body.length; from++) content.push(body[from]);
  }
  const head = [...wasm.subarray(0, sectionStart), SECTION.code, ...unsigned(content.length)];
  const code = Uint8Array.from([...head, ...content, ...wasm.subarray(sectionEnd)]);
  return { code, at: positions.map((position) => position + head.length) };
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left & 0x7f) | 0x80);
  return [...bytes, left];
}
