/**
 * WebAssembly instructions as a graph of values, and its flattening to stack code. An instruction object used more than once is computed
 * once and kept in a local (`local.tee`), so the functions that build code share values by sharing objects. Comes in: roots, in order. Goes
 * out: bytes and the locals they need. Never reorders two roots.
 */
import { invariant } from "../../../support/invariant.ts";
import { laneBytes, signedBytes, unsignedBytes, type ValueType } from "./assembler.ts";
import { opcodes, type OpcodeName } from "./opcodes.ts";

export interface Instruction {
  /** Type of its result; "none" for what only acts. */
  readonly type: ValueType | "none";
  readonly operands: readonly Instruction[];
  /** Opcode and immediates, written after the operands. */
  readonly bytes: readonly number[];
  /** As cheap to repeat as to keep: reads of locals and small constants. */
  readonly repeatable: boolean;
}

/** An instruction on operands; `immediates` are bytes after its opcode. */
export function instruction(
  type: Instruction["type"],
  opcode: OpcodeName,
  operands: readonly Instruction[],
  immediates: readonly number[] = [],
): Instruction {
  return { type, operands, bytes: [...opcodes[opcode], ...immediates], repeatable: false };
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
  return { type, operands: [], bytes: [...opcodes["local.get"], ...unsignedBytes(index)], repeatable: true };
}

/** Writes the local with this index. */
export function localSet(index: number, value: Instruction): Instruction {
  return instruction("none", "local.set", [value], unsignedBytes(index));
}

/** An i32 constant. */
export function constantI32(value: number): Instruction {
  return { type: "i32", operands: [], bytes: [...opcodes["i32.const"], ...signedBytes(value)], repeatable: true };
}

/** The same float32 in all lanes. */
export function constantF32(value: number): Instruction {
  return instruction("v128", "v128.const", [], laneBytes([value, value, value, value], "f32"));
}

/** The same i32 in all lanes, or four of them. */
export function constantLanes(...values: readonly number[]): Instruction {
  return instruction("v128", "v128.const", [], laneBytes(values.length === 1 ? [values[0], values[0], values[0], values[0]] : values, "i32"));
}

/** The same float64 in both lanes. */
export function constantF64(value: number): Instruction {
  const view = new DataView(new ArrayBuffer(16));
  view.setFloat64(0, value, true);
  view.setFloat64(8, value, true);
  return instruction("v128", "v128.const", [], [...new Uint8Array(view.buffer)]);
}

/** The immediate of a memory access: its alignment (4 bytes, a hint) and constant offset. */
export function memoryBytes(offset: number): number[] {
  return [2, ...unsignedBytes(offset)];
}

/** Lanes of two vectors (0–3 of the first, 4–7 of the second) in a new order. */
export function shuffle(a: Instruction, b: Instruction, lanes: readonly [number, number, number, number]): Instruction {
  const bytes = lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
  return instruction("v128", "i8x16.shuffle", [a, b], bytes);
}

/** Vector constants of a module that stand in globals, in order: their 16 bytes as text and as numbers. */
export type ConstantGlobals = Map<string, readonly number[]>;

/** The locals of one function: parameters first, then what is asked for; freed ones are given out again by type. */
export interface LocalPool {
  /** Where vector constants go, if not into the code. */
  readonly globals?: ConstantGlobals;
  readonly types: ValueType[];
  readonly free: { readonly [K in ValueType]: number[] };
}

export function createLocalPool(params: readonly ValueType[], globals?: ConstantGlobals): LocalPool {
  return { types: [...params], free: { i32: [], v128: [] }, ...(globals === undefined ? {} : { globals }) };
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

function isVectorConstant(node: Instruction): boolean {
  return node.bytes.length === 18 && node.bytes[0] === opcodes["v128.const"][0] && node.bytes[1] === opcodes["v128.const"][1];
}

function readGlobal(globals: ConstantGlobals, bytes: readonly number[]): number[] {
  const key = bytes.join();
  if (!globals.has(key)) globals.set(key, bytes);
  return [...opcodes["global.get"], ...unsignedBytes([...globals.keys()].indexOf(key))];
}

/** Appends the code of the roots to `code`, one after the other; values shared between them are computed once. */
export function flatten(roots: readonly Instruction[], pool: LocalPool, code: number[]): void {
  const uses = new Map<Instruction, number>();
  const count = (node: Instruction): void => {
    const before = uses.get(node) ?? 0;
    uses.set(node, before + 1);
    if (before === 0) for (const operand of node.operands) count(operand);
  };
  for (const root of roots) count(root);

  const kept = new Map<Instruction, { readonly local: number; left: number }>();
  const write = (node: Instruction): void => {
    const place = kept.get(node);
    if (place !== undefined) {
      code.push(...opcodes["local.get"], ...unsignedBytes(place.local));
      place.left -= 1;
      if (place.left === 0) {
        kept.delete(node);
        releaseLocal(pool, place.local);
      }
      return;
    }
    for (const operand of node.operands) write(operand);
    code.push(...(pool.globals !== undefined && isVectorConstant(node) ? readGlobal(pool.globals, node.bytes.slice(2)) : node.bytes));
    const total = uses.get(node) ?? 0;
    if (total > 1 && !node.repeatable) {
      invariant(node.type !== "none", "an instruction without a value is used as one");
      const local = takeLocal(pool, node.type);
      kept.set(node, { local, left: total - 1 });
      code.push(...opcodes["local.tee"], ...unsignedBytes(local));
    }
  };
  for (const root of roots) write(root);
}
