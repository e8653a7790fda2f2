/**
 * WebAssembly instructions as a graph of values, and its flattening to stack code. An instruction object used more than once is computed
 * once and kept in a local (`local.tee`), so the functions that build code share values by sharing objects. Comes in: roots, in order. Goes
 * out: bytes and the locals they need. Never reorders two roots.
 */
import { invariant } from "../../../support/invariant.ts";
import type { ValueType } from "./assembler.ts";
import { type ByteWriter, signedBytes, unsignedBytes, writeBytes, writeUnsigned } from "./bytes.ts";
import { opcodes, type OpcodeName } from "./opcodes.ts";

export interface Instruction {
  /** Type of its result; "none" for what only acts. */
  readonly type: ValueType | "none";
  readonly opcode: readonly number[];
  readonly operands: readonly Instruction[];
  /** Written after the opcode. */
  readonly immediates: readonly number[];
  /** How many instructions have it as an operand; kept up as those are made. */
  uses: number;
}

const nothing: readonly number[] = [];

/** An instruction on operands; `immediates` are bytes after its opcode. */
export function instruction(
  type: Instruction["type"],
  opcode: OpcodeName,
  operands: readonly Instruction[],
  immediates: readonly number[] = nothing,
): Instruction {
  for (const operand of operands) operand.uses += 1;
  return { type, opcode: opcodes[opcode], operands, immediates, uses: 0 };
}

/** A vector instruction without immediates. */
export function simd(opcode: OpcodeName, ...operands: readonly Instruction[]): Instruction {
  return instruction("v128", opcode, operands);
}

/** An i32 instruction without immediates. */
export function scalar(opcode: OpcodeName, ...operands: readonly Instruction[]): Instruction {
  return instruction("i32", opcode, operands);
}

/** Reads the local with this index. */
export function localGet(index: number, type: ValueType): Instruction {
  return instruction(type, "local.get", [], unsignedBytes(index));
}

/** Writes the local with this index. */
export function localSet(index: number, value: Instruction): Instruction {
  return instruction("none", "local.set", [value], unsignedBytes(index));
}

/** An i32 constant. */
export function constantI32(value: number): Instruction {
  return instruction("i32", "i32.const", [], signedBytes(value));
}

/** The same float32 in all lanes. */
export function constantF32(value: number): Instruction {
  return constantOf((view) => {
    for (let lane = 0; lane < 4; lane += 1) view.setFloat32(4 * lane, value, true);
  });
}

/** The same i32 in all lanes, or four of them. */
export function constantLanes(...values: readonly number[]): Instruction {
  return constantOf((view) => {
    for (let lane = 0; lane < 4; lane += 1) view.setInt32(4 * lane, values.length === 1 ? values[0] : values[lane], true);
  });
}

/** The same float64 in both lanes. */
export function constantF64(value: number): Instruction {
  return constantOf((view) => {
    view.setFloat64(0, value, true);
    view.setFloat64(8, value, true);
  });
}

/** Where the bytes of a constant are made. */
const scratch = new DataView(new ArrayBuffer(16));

function constantOf(fill: (view: DataView) => void): Instruction {
  fill(scratch);
  return instruction(
    "v128",
    "v128.const",
    [],
    Array.from({ length: 16 }, (_, index) => scratch.getUint8(index)),
  );
}

/** The immediate of a memory access: its alignment (4 bytes, a hint), constant offset, and lane if it has one. */
export function memoryBytes(offset: number, lane?: number): readonly number[] {
  const bytes = unsignedBytes(offset);
  bytes.unshift(2);
  if (lane !== undefined) bytes.push(lane);
  return bytes;
}

/** Lanes of two vectors (0–3 of the first, 4–7 of the second) in a new order. */
export function shuffle(a: Instruction, b: Instruction, lanes: readonly [number, number, number, number]): Instruction {
  const bytes = lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
  return instruction("v128", "i8x16.shuffle", [a, b], bytes);
}

/** Vector constants of a module that stand in memory: where their room begins and ends, their bytes so far, and their addresses by their text. */
export interface ConstantPool {
  readonly address: number;
  readonly room: number;
  readonly bytes: number[];
  readonly addresses: Map<string, number>;
}

/** The locals of one function: parameters first, then what is asked for; freed ones are given out again by type. */
export interface LocalPool {
  /** Where vector constants go, if not into the code. */
  readonly constants: ConstantPool | undefined;
  readonly types: ValueType[];
  readonly free: { readonly [K in ValueType]: number[] };
  /** While roots are written: where the values that are used again stand, and how many uses are left. */
  readonly kept: Map<Instruction, { readonly local: number; left: number }>;
}

export function createLocalPool(params: readonly ValueType[], constants: ConstantPool | undefined): LocalPool {
  return { constants, types: [...params], free: { i32: [], v128: [] }, kept: new Map() };
}

export function takeLocal(pool: LocalPool, type: ValueType): number {
  const free = pool.free[type].pop();
  if (free !== undefined) return free;
  pool.types.push(type);
  return pool.types.length - 1;
}

export function releaseLocal(pool: LocalPool, index: number): void {
  pool.free[pool.types[index]].push(index);
}

/** Writes the code of the roots, one after the other; values shared between them are computed once. */
export function flatten(roots: readonly Instruction[], pool: LocalPool, code: ByteWriter): void {
  for (const root of roots) flattenInto(root, pool, code);
  if (pool.kept.size > 0) pool.kept.clear();
}

function flattenInto(node: Instruction, pool: LocalPool, code: ByteWriter): void {
  // Reads of locals and small constants are as cheap to repeat as to keep.
  const keep = node.uses > 1 && node.opcode !== opcodes["local.get"] && node.opcode !== opcodes["i32.const"];
  const place = keep ? pool.kept.get(node) : undefined;
  if (place !== undefined) {
    writeBytes(code, opcodes["local.get"]);
    writeUnsigned(code, place.local);
    place.left -= 1;
    if (place.left === 0) releaseLocal(pool, place.local);
    return;
  }
  for (const operand of node.operands) flattenInto(operand, pool, code);
  const stands = pool.constants !== undefined && node.opcode === opcodes["v128.const"] && writeConstantRead(node.immediates, pool.constants, code);
  if (!stands) {
    writeBytes(code, node.opcode);
    writeBytes(code, node.immediates);
  }
  if (keep) {
    invariant(node.type !== "none", "an instruction without a value is used as one");
    const local = takeLocal(pool, node.type);
    pool.kept.set(node, { local, left: node.uses - 1 });
    writeBytes(code, opcodes["local.tee"]);
    writeUnsigned(code, local);
  }
}

/** Reads a constant from its place in memory; false if there is no room left for it. Four equal lanes take 4 bytes. */
function writeConstantRead(bytes: readonly number[], constants: ConstantPool, code: ByteWriter): boolean {
  const splat = bytes.every((byte, i) => byte === bytes[i % 4]);
  const own = splat ? bytes.slice(0, 4) : bytes;
  const key = own.join();
  let address = constants.addresses.get(key);
  if (address === undefined) {
    if (constants.bytes.length + own.length > constants.room) return false;
    address = constants.address + constants.bytes.length;
    constants.addresses.set(key, address);
    constants.bytes.push(...own);
  }
  writeBytes(code, opcodes["i32.const"]);
  writeUnsigned(code, 0);
  writeBytes(code, opcodes[splat ? "v128.load32_splat" : "v128.load"]);
  writeBytes(code, memoryBytes(address));
  return true;
}
