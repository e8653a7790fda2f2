/**
 * The sections of a WebAssembly module. Comes in: types, an imported memory, constants, function bodies as bytes. Goes out: the bytes of a
 * module. Never knows what the code computes.
 * @source WebAssembly core specification 2.0, 5.5 (modules); threads proposal (shared memories)
 */
import { invariant } from "../../../support/invariant.ts";
import { type ByteWriter, createByteWriter, signedBytes, writeByte, writeBytes, writeUnsigned, writtenBytes } from "./bytes.ts";

export type ValueType = "i32" | "v128";

export interface MemoryImport {
  readonly import: readonly [module: string, name: string];
  readonly initialPages: number;
  /** Declares a shared memory, which must then have an upper bound. */
  readonly shared?: boolean;
  readonly maximumPages?: number;
}

export interface ImportedFunction {
  readonly import: readonly [module: string, name: string];
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface AssembledFunction {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  /** Locals after the parameters. */
  readonly locals: readonly ValueType[];
  /** Instructions without the closing `end`. */
  readonly code: Uint8Array;
}

export interface AssembledModule {
  readonly memory: MemoryImport;
  /** They have the first indices. */
  readonly imported?: readonly ImportedFunction[];
  readonly functions: readonly AssembledFunction[];
  /** What the memory holds when the module is instantiated. */
  readonly data?: { readonly address: number; readonly bytes: readonly number[] };
  /** Name and index of each exported function. */
  readonly exports: readonly (readonly [name: string, index: number])[];
  /** A name for each function in engines' profiles and traces (the "name" section); none if absent. */
  readonly names?: readonly string[];
}

const valueTypeCodes: { readonly [K in ValueType]: number } = { i32: 0x7f, v128: 0x7b };
const END = 0x0b;

/** The bytes of a module: magic, version, types, imports, functions, exports, code, data. */
export function assembleModule(module: AssembledModule): Uint8Array {
  const { imported = [] } = module;
  const types = new Map<string, { readonly index: number; readonly each: Pick<AssembledFunction, "params" | "results"> }>();
  const [importedTypes, typeIndices] = [imported, module.functions].map((functions) => functions.map(typeIndex));
  function typeIndex(each: Pick<AssembledFunction, "params" | "results">): number {
    const key = `${each.params.join()}→${each.results.join()}`;
    const known = types.get(key) ?? { index: types.size, each };
    types.set(key, known);
    return known.index;
  }

  const out = createByteWriter(module.functions.reduce((total, each) => total + each.code.length + 64, 1024));
  writeBytes(out, [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  writeSection(out, 1, [...types.values()], (section, { each }) => {
    writeByte(section, 0x60);
    for (const list of [each.params, each.results]) {
      writeUnsigned(section, list.length);
      for (const type of list) writeByte(section, valueTypeCodes[type]);
    }
  });
  writeSection(out, 2, [module.memory, ...imported], (section, each) => {
    writeName(section, each.import[0]);
    writeName(section, each.import[1]);
    if ("params" in each) {
      writeByte(section, 0x00);
      writeUnsigned(section, importedTypes[imported.indexOf(each)]);
    } else {
      writeByte(section, 0x02);
      writeLimits(section, each);
    }
  });
  writeSection(out, 3, typeIndices, writeUnsigned);
  writeSection(out, 7, module.exports, (section, [name, index]) => {
    writeName(section, name);
    writeByte(section, 0x00);
    writeUnsigned(section, index);
  });
  writeSection(out, 10, module.functions, writeFunction);
  writeSection(out, 11, module.data === undefined || module.data.bytes.length === 0 ? [] : [module.data], (section, { address, bytes }) => {
    writeBytes(section, [0x00, 0x41, ...signedBytes(address), END]);
    writeUnsigned(section, bytes.length);
    writeBytes(section, bytes);
  });
  if (module.names !== undefined) writeNames(out, [...imported.map((each) => each.import[1]), ...module.names]);
  return writtenBytes(out).slice();
}

/** A section that is a list; an empty one is left out. */
function writeSection<T>(out: ByteWriter, id: number, items: readonly T[], write: (section: ByteWriter, item: T) => void): void {
  if (items.length === 0) return;
  const section = createByteWriter(1024);
  writeUnsigned(section, items.length);
  for (const item of items) write(section, item);
  writeByte(out, id);
  writeUnsigned(out, section.length);
  writeBytes(out, writtenBytes(section));
}

function writeNames(out: ByteWriter, names: readonly string[]): void {
  const list = createByteWriter(1024);
  writeUnsigned(list, names.length);
  names.forEach((name, index) => {
    writeUnsigned(list, index);
    writeName(list, name);
  });
  const section = createByteWriter(list.length + 16);
  writeName(section, "name");
  writeByte(section, 0x01);
  writeUnsigned(section, list.length);
  writeBytes(section, writtenBytes(list));
  writeByte(out, 0x00);
  writeUnsigned(out, section.length);
  writeBytes(out, writtenBytes(section));
}

function writeLimits(out: ByteWriter, memory: MemoryImport): void {
  const maximum = memory.maximumPages ?? (memory.shared ? 65536 : undefined);
  writeByte(out, (maximum === undefined ? 0 : 1) | (memory.shared ? 2 : 0));
  writeUnsigned(out, memory.initialPages);
  if (maximum !== undefined) writeUnsigned(out, maximum);
}

function writeFunction(out: ByteWriter, each: AssembledFunction): void {
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of each.locals) {
    const last = runs.at(-1);
    if (last !== undefined && last.type === type) last.count += 1;
    else runs.push({ type, count: 1 });
  }
  const locals = createByteWriter(16);
  writeUnsigned(locals, runs.length);
  for (const run of runs) {
    writeUnsigned(locals, run.count);
    writeByte(locals, valueTypeCodes[run.type]);
  }
  writeUnsigned(out, locals.length + each.code.length + 1);
  writeBytes(out, writtenBytes(locals));
  writeBytes(out, each.code);
  writeByte(out, END);
}

/** A name: names in a module are printable ASCII, which is its own UTF-8. */
function writeName(out: ByteWriter, name: string): void {
  invariant(/^[\x20-\x7e]*$/.test(name), `"${name}" is not a name for a WebAssembly module`);
  writeUnsigned(out, name.length);
  for (let index = 0; index < name.length; index += 1) writeByte(out, name.charCodeAt(index));
}
