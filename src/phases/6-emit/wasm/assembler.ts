/**
 * The WebAssembly binary format: integers, strings, sections, a module. Comes in: types, an imported memory, function bodies as bytes. Goes
 * out: the bytes of a module. Never knows what the code computes.
 * @source WebAssembly core specification 2.0, chapter 5 (binary format)
 */
import { invariant } from "../../../support/invariant.ts";

export type ValueType = "i32" | "v128";

export interface MemoryImport {
  readonly import: readonly [module: string, name: string];
  readonly initialPages: number;
  /** Declares a shared memory, which must then have an upper bound. */
  readonly shared?: boolean;
  readonly maximumPages?: number;
}

export interface AssembledFunction {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  /** Locals after the parameters. */
  readonly locals: readonly ValueType[];
  /** Instructions without the closing `end`. */
  readonly code: readonly number[];
}

export interface AssembledModule {
  readonly memory: MemoryImport;
  readonly functions: readonly AssembledFunction[];
  /** Initial bytes of each vector global. They are declared mutable, so that no engine folds them back into constants. */
  readonly globals: readonly (readonly number[])[];
  /** Name and index of each exported function. */
  readonly exports: readonly (readonly [name: string, index: number])[];
}

const valueTypeCodes: { readonly [K in ValueType]: number } = { i32: 0x7f, v128: 0x7b };

/** Unsigned LEB128 of a whole number below 2³². */
export function unsignedBytes(value: number): number[] {
  invariant(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${value} is not an unsigned 32-bit number`);
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
  return out;
}

/** Signed LEB128 of an i32. */
export function signedBytes(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
      out.push(low);
      return out;
    }
    out.push(low | 0x80);
  }
}

/** The bytes of four float32 or i32 lanes, for v128.const. */
export function laneBytes(values: readonly number[], type: "f32" | "i32"): number[] {
  const view = new DataView(new ArrayBuffer(16));
  values.forEach((value, lane) => {
    if (type === "f32") view.setFloat32(4 * lane, value, true);
    else view.setInt32(4 * lane, value, true);
  });
  return [...new Uint8Array(view.buffer)];
}

/** The bytes of a module: magic, version, types, memory import, functions, exports, code. */
export function assembleModule(module: AssembledModule): Uint8Array {
  const types: string[] = [];
  const typeIndices = module.functions.map((each) => {
    const type = functionTypeBytes(each).join(",");
    if (!types.includes(type)) types.push(type);
    return types.indexOf(type);
  });
  const { memory } = module;
  const sections: number[][] = [
    section(1, vector(types.map((each) => each.split(",").map(Number)))),
    section(2, vector([[...text(memory.import[0]), ...text(memory.import[1]), 0x02, ...limits(memory)]])),
    section(3, vector(typeIndices.map(unsignedBytes))),
    ...(module.globals.length === 0 ? [] : [section(6, vector(module.globals.map((each) => [valueTypeCodes.v128, 0x01, 0xfd, 0x0c, ...each, 0x0b])))]),
    section(7, vector(module.exports.map(([name, index]) => [...text(name), 0x00, ...unsignedBytes(index)]))),
    section(10, vector(module.functions.map(codeBytes))),
  ];
  const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const out = new Uint8Array(sections.reduce((total, each) => total + each.length, header.length));
  out.set(header);
  let at = header.length;
  for (const each of sections) {
    out.set(each, at);
    at += each.length;
  }
  return out;
}

function functionTypeBytes(each: AssembledFunction): number[] {
  const list = (types: readonly ValueType[]) => [...unsignedBytes(types.length), ...types.map((type) => valueTypeCodes[type])];
  return [0x60, ...list(each.params), ...list(each.results)];
}

function limits(memory: MemoryImport): number[] {
  const maximum = memory.maximumPages ?? (memory.shared ? 65536 : undefined);
  const flags = (maximum === undefined ? 0 : 1) | (memory.shared ? 2 : 0);
  return [flags, ...unsignedBytes(memory.initialPages), ...(maximum === undefined ? [] : unsignedBytes(maximum))];
}

function codeBytes(each: AssembledFunction): number[] {
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of each.locals) {
    const last = runs.at(-1);
    if (last !== undefined && last.type === type) last.count += 1;
    else runs.push({ type, count: 1 });
  }
  const locals = vector(runs.map((run) => [...unsignedBytes(run.count), valueTypeCodes[run.type]]));
  return concat([unsignedBytes(locals.length + each.code.length + 1), locals, each.code, [0x0b]]);
}

function section(id: number, content: readonly number[]): number[] {
  return concat([[id], unsignedBytes(content.length), content]);
}

function vector(items: readonly (readonly number[])[]): number[] {
  return concat([unsignedBytes(items.length), ...items]);
}

/** A name: names in a module are printable ASCII, which is its own UTF-8. */
function text(name: string): number[] {
  invariant(/^[\x20-\x7e]*$/.test(name), `"${name}" is not a name for a WebAssembly module`);
  return [...unsignedBytes(name.length), ...[...name].map((each) => each.charCodeAt(0))];
}

/** Joins byte lists of any length (spreading a long one into a call would overflow the stack). */
function concat(lists: readonly (readonly number[])[]): number[] {
  const out: number[] = [];
  for (const list of lists) for (const byte of list) out.push(byte);
  return out;
}
