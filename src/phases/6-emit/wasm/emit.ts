/**
 * Phase 6: a module of the loop language as the bytes of a WebAssembly module over one imported memory. Comes in: a verified LoopModule and
 * the mode. Goes out: bytes. Never runs them, never knows a platform, depends on nothing but its arguments.
 */
import { splitAddress } from "../../../ir/loop/build.ts";
import type { Expression, LoopFunction, LoopModule, LoopType, Statement } from "../../../ir/loop/node.ts";
import { invariant, unreachable } from "../../../support/invariant.ts";
import { type AssembledFunction, assembleModule, type MemoryImport, type ValueType } from "./assembler.ts";
import { ABSENT, emitBarrier } from "./barrier.ts";
import { type ByteWriter, createByteWriter, unsignedBytes, writeByte, writeBytes, writtenBytes } from "./bytes.ts";
import {
  type ConstantPool,
  constantI32,
  createLocalPool,
  flatten,
  type Instruction,
  instruction,
  type LocalPool,
  localGet,
  localSet,
  memoryBytes,
  releaseLocal,
  scalar,
  takeLocal,
} from "./instruction.ts";
import { lowerExpression, type LoweringContext, lowerStore } from "./lower.ts";
import { opcodes } from "./opcodes.ts";
import { type TranscendentalOp, transcendentals } from "./transcendental/table.ts";

export interface EmitOptions {
  /** multiply_add in one rounding, by relaxed SIMD. */
  readonly fused?: boolean;
  /**
   * Where vector constants stand. "code" (default): V8 12 and older lifts them out of loops. A piece of memory that nothing else uses: V8 13 and newer
   * builds a constant anew at each use, and a read is cheaper. What does not fit stays in the code.
   */
  readonly constants?: "code" | { readonly address: number; readonly bytes: number };
  /**
   * For an engine that joins neighbouring 16-byte stores, and what they are computed from, into 32-byte instructions: only `store_pair` may be joined, so
   * other stores that happen to lie 16 bytes apart are written in halves, and no function is called for a value (V8 14 cannot join a call's result).
   */
  readonly joins?: boolean;
  /** Gives functions their names in profiles and traces of the engine. */
  readonly names?: boolean;
  /** Default: env.memory, any size. */
  readonly memory?: MemoryImport;
}

/** The bytes of a module that imports its memory (and, if that is shared, `absent`: see barrier.ts) and exports `module.exports`; vector parameters keep a function from being called by a host. */
export function emitWasm(module: LoopModule, options: EmitOptions = {}): Uint8Array {
  // Only threads that share a memory meet, and ask the host about each other.
  const imported = options.memory?.shared ? [ABSENT] : [];
  const indices = new Map(module.functions.map((each, index) => [each.name, imported.length + index]));
  const helpers: Helper[] = [];
  const helperIndex = (op: Helper): number => {
    if (!helpers.includes(op)) helpers.push(op);
    return imported.length + module.functions.length + helpers.indexOf(op);
  };
  const functionIndex = (name: string): number => {
    const index = indices.get(name);
    invariant(index !== undefined, `no loop function is named "${name}"`);
    return index;
  };
  const { fused = false, joins = false } = options;
  const constants = typeof options.constants === "object" ? constantPool(options.constants) : undefined;
  const functions = module.functions.map((each) =>
    emitFunction(each, { fused, joins, meets: imported.length > 0, constants, helperIndex, functionIndex }),
  );
  const helperFunctions = helpers.map((op) => (op === "barrier" ? emitBarrier(imported.indexOf(ABSENT)) : emitTranscendental(op, constants)));
  return assembleModule({
    memory: options.memory ?? { import: ["env", "memory"], initialPages: 0 },
    imported,
    functions: [...functions, ...helperFunctions],
    ...(constants ? { data: constants } : {}),
    exports: module.exports.map((name) => [name, functionIndex(name)] as const),
    ...(options.names ? { names: [...module.functions.map((each) => each.name), ...helpers] } : {}),
  });
}

function constantPool({ address, bytes }: { readonly address: number; readonly bytes: number }): ConstantPool {
  return { address, room: bytes, bytes: [], addresses: new Map() };
}

/** What a module may need beside its own functions. */
type Helper = TranscendentalOp | "barrier";

interface ModuleContext {
  readonly fused: boolean;
  readonly joins: boolean;
  /** Threads may share the memory. */
  readonly meets: boolean;
  readonly constants: ConstantPool | undefined;
  readonly helperIndex: (op: Helper) => number;
  readonly functionIndex: (name: string) => number;
}

interface FunctionContext extends ModuleContext {
  readonly pool: LocalPool;
  readonly names: Map<string, number>;
  readonly code: ByteWriter;
  readonly lowering: LoweringContext;
}

function valueType(type: LoopType): ValueType {
  return type === "i32" ? "i32" : "v128";
}

/** A transcendental as a function of its own. */
function emitTranscendental(op: TranscendentalOp, constants: ConstantPool | undefined): AssembledFunction {
  const { build, operands } = transcendentals[op];
  const params: readonly ValueType[] = operands === 2 ? ["v128", "v128"] : ["v128"];
  const pool = createLocalPool(params, constants);
  const code = createByteWriter();
  flatten([build(localGet(0, "v128"), localGet(1, "v128"))], pool, code);
  return { params, results: ["v128"], locals: pool.types.slice(params.length), code: writtenBytes(code) };
}

function emitFunction(each: LoopFunction, context: ModuleContext): AssembledFunction {
  const params = each.params.map((param) => valueType(param.type));
  const pool = createLocalPool(params, context.constants);
  const names = new Map(each.params.map((param, index) => [param.name, index]));
  const code = createByteWriter();
  const localIndex = (name: string): number => {
    const index = names.get(name);
    invariant(index !== undefined, `local "${name}" is read before it is bound`);
    return index;
  };
  const { fused, joins, helperIndex } = context;
  const lowering: LoweringContext = { localIndex, fused, inlines: joins, helperIndex, seen: new Map() };
  emitStatements(each.body, { ...context, pool, names, code, lowering });
  return { params, results: [], locals: pool.types.slice(params.length), code: writtenBytes(code) };
}

function emitStatements(statements: readonly Statement[], context: FunctionContext): void {
  const halved = context.joins ? neighbours(statements) : none;
  for (const each of statements) emitStatement(each, context, halved.has(each));
}

const none: ReadonlySet<Statement> = new Set();

/** Whole stores that lie 16 bytes before or behind another one at the same address expression, outside a `store_pair`. */
function neighbours(statements: readonly Statement[]): ReadonlySet<Statement> {
  const found = new Set<Statement>();
  const offsets = new Map<string, Set<number>>();
  const wholes: { readonly statement: Statement; readonly key: string; readonly offset: number }[] = [];
  for (const statement of statements) {
    if (statement.kind !== "store_pair" && !(statement.kind === "store" && statement.lanes === 4)) continue;
    const { address, offset } = splitAddress(statement.address, statement.offset);
    const key = JSON.stringify(address);
    const taken = offsets.get(key) ?? new Set();
    offsets.set(key, taken);
    taken.add(offset);
    if (statement.kind === "store_pair") taken.add(offset + 16);
    else wholes.push({ statement, key, offset });
  }
  for (const { statement, key, offset } of wholes) {
    const taken = offsets.get(key)!;
    if (taken.has(offset - 16) || taken.has(offset + 16)) found.add(statement);
  }
  return found;
}

function nameIndex(name: string, type: LoopType, context: FunctionContext): number {
  const known = context.names.get(name);
  if (known !== undefined) return known;
  // A named local lives to the end of its function, so it never takes a local that a loop has only lent out: the pool gives a new one.
  context.pool.types.push(valueType(type));
  const index = context.pool.types.length - 1;
  context.names.set(name, index);
  return index;
}

/** What lowering may know, with nothing shared from the statement before. */
function freshLowering(context: FunctionContext): LoweringContext {
  context.lowering.seen.clear();
  return context.lowering;
}

function emitStatement(statement: Statement, context: FunctionContext, halved = false): void {
  const lowering = freshLowering(context);
  const of = (expression: Expression): Instruction => lowerExpression(expression, lowering);
  const write = (...roots: readonly Instruction[]): void => flatten(roots, context.pool, context.code);
  switch (statement.kind) {
    case "let": {
      const value = of(statement.value);
      write(localSet(nameIndex(statement.local.name, statement.local.type, context), value));
      return;
    }
    case "store":
      write(...lowerStore(statement.address, statement.offset, halved ? "halves" : statement.lanes, of(statement.value), lowering));
      return;
    case "store_pair":
      emitPair(statement, context);
      return;
    case "for":
      emitLoop(statement, context);
      return;
    case "if":
      write(of(statement.condition));
      writeBytes(context.code, opcodes.if);
      writeByte(context.code, emptyBlock);
      emitStatements(statement.then, context);
      if (statement.otherwise !== undefined && statement.otherwise.length > 0) {
        writeBytes(context.code, opcodes.else);
        emitStatements(statement.otherwise, context);
      }
      writeBytes(context.code, opcodes.end);
      return;
    case "call":
      write(instruction("none", "call", statement.args.map(of), unsignedBytes(context.functionIndex(statement.callee))));
      return;
    case "clear":
      write(instruction("none", "memory.fill", [of(statement.address), constantI32(0), of(statement.bytes)]));
      return;
    case "copy":
      write(instruction("none", "memory.copy", [of(statement.to), of(statement.from), of(statement.bytes)]));
      return;
    case "barrier":
      invariant(context.meets, "threads meet over a shared memory");
      write(instruction("none", "call", [constantI32(statement.address), of(statement.threads)], unsignedBytes(context.helperIndex("barrier"))));
      return;
    default:
      unreachable(statement);
  }
}

/** Both values and the address into locals, so that an engine sees one address, then the upper store: V8's join needs a second store for a trap otherwise. */
function emitPair({ address, offset, values }: Statement & { kind: "store_pair" }, context: FunctionContext): void {
  const { pool, code } = context;
  const lowering = freshLowering(context);
  const locals = values.map(() => takeLocal(pool, "v128"));
  const at = takeLocal(pool, "i32");
  const place = splitAddress(address, offset);
  flatten([...values.map((value, i) => localSet(locals[i], lowerExpression(value, lowering)))], pool, code);
  flatten([localSet(at, lowerExpression(place.address, lowering))], pool, code);
  for (const i of [1, 0]) {
    const upper = memoryBytes(place.offset + 16 * i);
    flatten([instruction("none", "v128.store", [localGet(at, "i32"), localGet(locals[i], "v128")], upper)], pool, code);
  }
  for (const index of [...locals, at]) releaseLocal(pool, index);
}

/** The block type of a block without a result. */
const emptyBlock = 0x40;

/**
 * The test stands at the bottom, behind a guard that lets a loop of zero rounds pass: one branch a round. A guard that constants decide is left out.
 *
 *     counter = from; end = to
 *     if (counter < end) loop { body; counter += step; br_if counter < end }
 */
function emitLoop(statement: Statement & { kind: "for" }, context: FunctionContext): void {
  const { from, to, step } = statement;
  if (from.kind === "i32" && to.kind === "i32" && from.value >= to.value) return;
  const lowering = freshLowering(context);
  const write = (...roots: readonly Instruction[]): void => flatten(roots, context.pool, context.code);

  const fromValue = lowerExpression(from, lowering);
  let end: Instruction;
  let endLocal: number | undefined;
  if (to.kind === "i32") end = constantI32(to.value);
  else {
    endLocal = takeLocal(context.pool, "i32");
    end = localGet(endLocal, "i32");
    write(localSet(endLocal, lowerExpression(to, lowering)));
  }
  const counterIndex = nameIndex(statement.counter, "i32", context);
  const counter = localGet(counterIndex, "i32");
  write(localSet(counterIndex, fromValue));

  const guarded = !(from.kind === "i32" && to.kind === "i32");
  if (guarded) {
    write(scalar("i32.lt_s", counter, end));
    writeBytes(context.code, opcodes.if);
    writeByte(context.code, emptyBlock);
  }
  writeBytes(context.code, opcodes.loop);
  writeByte(context.code, emptyBlock);
  emitStatements(statement.body, context);
  write(localSet(counterIndex, scalar("i32.add", counter, constantI32(step))), scalar("i32.lt_s", counter, end));
  writeBytes(context.code, opcodes.br_if);
  writeByte(context.code, 0);
  writeBytes(context.code, opcodes.end);
  if (guarded) writeBytes(context.code, opcodes.end);
  if (endLocal !== undefined) releaseLocal(context.pool, endLocal);
}
