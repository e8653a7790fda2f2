/**
 * A nest as loops: one pass over a space that computes, stores and reduces.
 *
 * In: a nest step whose places have addresses. Out: one loop function of (T, t, n). Four elements go at a time along the innermost axis where every
 * access is contiguous or constant there, with a partial vector at the end, so an element's bits do not depend on where it lies.
 * A reduction whose axes are innermost accumulates in a register, any other one in memory, always in the order of the loops.
 */
import type { AxisName, Op } from "../../ir/tensor/node.ts";
import type { Expression, Lanes, LoopFunction, Statement, VectorBinary, VectorUnary } from "../../ir/loop/node.ts";
import {
  across,
  add,
  add32,
  and32,
  binary,
  clear,
  declare,
  equal32,
  f32x4,
  forLoop,
  i32,
  i32Local,
  i32x4,
  letLocal,
  load,
  loadI32,
  local,
  loopFunction,
  mul,
  mul32,
  select,
  splat,
  spread,
  store,
  sub32,
  unary,
  when,
} from "../../ir/loop/build.ts";
import { typeOf } from "../../ir/loop/type-of.ts";
import { invariant } from "../../support/invariant.ts";
import { strideOf, type Access, type Place } from "./access.ts";
import { alone, shareOf } from "./share.ts";
import { randomVector } from "./random.ts";
import { loopStride, patternKey, planLoops, type Count, type Loop, type LoopPlan, type Strided } from "./space.ts";
import type { NestStep, Operand, Operation } from "./step.ts";

export type AddressOf = (place: Place) => number;

/** Every kernel takes the number of time steps of the run, the first step in hand, and how many are in hand (0 and T outside loops over time). */
export const KERNEL_PARAMETERS = [declare("T", "i32"), declare("t", "i32"), declare("n", "i32")];
/** In a threaded program also which thread this is, of how many. */
export const SHARED_PARAMETERS = [...KERNEL_PARAMETERS, declare("p", "i32"), declare("P", "i32")];

/** How a kernel is called: alone, by several threads between two meetings, or by several threads each with its part of the batch. */
export type Sharing = "none" | "work" | "batch";

const REDUCTIONS: ReadonlySet<string> = new Set(["sum", "max_over", "argmax", "contract"]);
const isReduction = (operation: Operation): boolean => REDUCTIONS.has(operation.op);

/** Bytes from the first element of a place to an access's first element. */
function base(access: Access, addressOf: AddressOf): number {
  return addressOf(access.place) + 4 * access.offset;
}

/** An address and the constant to add as an immediate, which must not be negative. */
function placed(address: Expression, constant: number): readonly [Expression, number] {
  return constant >= 0 ? [address, constant] : [add32(address, i32(constant)), 0];
}

function countExpression(count: Count): Expression {
  return count.timed ? mul32(i32Local(count.timed), i32(count.factor)) : i32(count.factor);
}

/** The loop function of a nest. `bound`: inside a scan, where `t` is given. */
export function lowerNest(step: NestStep, name: string, addressOf: AddressOf, bound: boolean, sharing: Sharing): LoopFunction {
  const separate: ReadonlySet<AxisName>[] = step.operations.filter(isReduction).map((operation) => new Set(operation.over));
  if (sharing === "batch") separate.push(new Set(["b"]));
  const plan = planLoops(step.axes, stridedOf(step), separate);
  const body = new NestWriter(step, plan, addressOf, bound, sharing).write();
  return loopFunction(name, sharing === "none" ? KERNEL_PARAMETERS : SHARED_PARAMETERS, body, step.label);
}

/** Everything whose strides matter for the order of loops. */
function stridedOf(step: NestStep): Strided[] {
  const all: Strided[] = [];
  for (const operation of step.operations) {
    const lookup = operation.op === "gather" || operation.op === "scatter";
    operation.args.forEach((arg, i) => {
      if (arg.kind !== "access") return;
      const indexed = lookup && i === 1 ? new Set([...arg.access.strides].filter(([, s]) => s !== 0).map(([axis]) => axis)) : undefined;
      all.push({ strides: arg.access.strides, weight: 1, scalarAlong: indexed });
    });
    for (const access of operation.stores) all.push({ strides: access.strides, weight: 2 });
    if (operation.op === "argmax") all.push({ strides: new Map(), weight: 0, scalarAlong: new Set(step.axes.map((axis) => axis.name)) });
    if (operation.position && !lookup) all.push({ strides: operation.position, weight: 0 });
  }
  return all.length > 0 ? all : [{ strides: new Map(), weight: 0 }];
}

/** Writes one nest: holds what is shared between its loops (address locals, accumulators). */
class NestWriter {
  private readonly step: NestStep;
  private readonly loops: readonly Loop[];
  private readonly width: 1 | 4;
  private readonly addressOf: AddressOf;
  private readonly bound: boolean;
  private readonly sharing: Sharing;
  private readonly patterns = new Map<string, { readonly name: string; readonly access: Access }>();
  private readonly once: Statement[] = [];
  private readonly onceNames = new Map<string, Expression>();
  private here: Statement[] = [];
  private readonly splats = new Map<string, { readonly name: string; readonly access: Access; readonly type: "f32x4" | "i32x4" }>();

  /** Depth of the loop that threads divide. */
  private readonly shared: number | undefined;

  constructor(step: NestStep, plan: LoopPlan, addressOf: AddressOf, bound: boolean, sharing: Sharing) {
    this.step = step;
    this.loops = plan.loops;
    // A share of the batch begins anywhere, so a loop over the batch itself goes one by one.
    this.width = sharing === "batch" && plan.loops[plan.loops.length - 1]?.axes[0] === "b" ? 1 : plan.width;
    this.addressOf = addressOf;
    this.bound = bound;
    this.shared = sharing === "none" ? undefined : this.sharedLoop(sharing);
    this.sharing = sharing;
  }

  /** The outermost loop whose iterations write to different places. */
  private sharedLoop(sharing: Sharing): number | undefined {
    if (this.step.operations.some((operation) => operation.op === "scatter")) return undefined;
    const reductions = this.step.operations.filter(isReduction);
    const depth = this.loops.findIndex((loop) =>
      sharing === "batch" ? loop.axes[0] === "b" : !reductions.some((operation) => this.summed(operation, loop)),
    );
    return depth < 0 ? undefined : depth;
  }

  write(): Statement[] {
    if (this.sharing === "none") return this.all();
    if (this.shared === undefined) return alone(this.all());
    const { count } = this.loops[this.shared];
    const innermost = this.shared === this.loops.length - 1 && this.width === 4;
    return [...shareOf(countExpression(count), innermost ? 16 : 1), ...this.all()];
  }

  /** First and last iteration of a loop for this thread. */
  private range(depth: number): readonly [Expression, Expression] {
    return depth === this.shared ? [i32Local("lo"), i32Local("hi")] : [i32(0), countExpression(this.loops[depth].count)];
  }

  private all(): Statement[] {
    const before: Statement[] = [];
    this.step.operations.forEach((operation, i) => {
      if (operation.op === "scatter" || (isReduction(operation) && !operation.continues && this.accumulatesInMemory(operation)))
        before.push(...this.begin(operation, i));
    });
    return [...before, ...this.loop(0)];
  }

  /** Loops from this depth on are all summed away: the register accumulator lives around them. */
  private registerDepth(operation: Operation): number {
    let depth = this.loops.length;
    while (depth > 0 && this.summed(operation, this.loops[depth - 1])) depth--;
    return depth;
  }

  private summed(operation: Operation, loop: Loop): boolean {
    return operation.over.includes(loop.axes[loop.axes.length - 1]);
  }

  private accumulatesInMemory(operation: Operation): boolean {
    if (operation.continues) return true;
    const depth = this.registerDepth(operation);
    return this.loops.slice(0, depth).some((loop) => this.summed(operation, loop));
  }

  /** Fills the target of a memory accumulation with the identity of its operation. */
  private begin(operation: Operation, index: number): Statement[] {
    const target = operation.stores[0];
    if (operation.op === "scatter") {
      // The planner gives a scatter a place of its own, so all of it is cleared.
      return [clear(i32(this.addressOf(target.place)), i32(4 * target.place.elements))];
    }
    invariant(operation.op !== "argmax", "argmax must run along the innermost axis");
    const identity = f32x4(operation.op === "max_over" ? Number.NEGATIVE_INFINITY : 0);
    const kept = this.loops.filter((loop) => !this.summed(operation, loop));
    const range = (loop: Loop): readonly [Expression, Expression] => this.range(this.loops.indexOf(loop));
    let inner: Statement[] = [];
    const last = kept[kept.length - 1];
    const wide = last !== undefined && loopStride(target, last) === 1 && !last.count.timed && this.loops.indexOf(last) !== this.shared;
    const address = (counters: readonly Expression[]): Expression => {
      let sum: Expression = i32(base(target, this.addressOf));
      kept.forEach((loop, d) => {
        sum = add32(sum, mul32(counters[d], i32(4 * loopStride(target, loop))));
      });
      return this.withTime(sum, target);
    };
    const counters = kept.map((_, d) => i32Local(`z${index}_${d}`));
    if (last === undefined) return [store(address([]), 0, identity, 1)];
    if (wide) {
      const count = last.count.factor;
      const whole = count - (count % 4);
      inner = [forLoop(`z${index}_${kept.length - 1}`, i32(0), i32(whole), 4, [store(address(counters), 0, identity)])];
      if (whole < count) inner.push(store(address([...counters.slice(0, -1), i32(whole)]), 0, identity, (count - whole) as Lanes));
    } else inner = [forLoop(`z${index}_${kept.length - 1}`, ...range(last), 1, [store(address(counters), 0, identity, 1)])];
    for (let d = kept.length - 2; d >= 0; d--) inner = [forLoop(`z${index}_${d}`, ...range(kept[d]), 1, inner)];
    return inner;
  }

  private withTime(address: Expression, access: Access): Expression {
    let sum = address;
    if (this.bound && !access.place.strip) sum = add32(sum, mul32(i32Local("t"), i32(4 * strideOf(access, "t"))));
    if (access.perLength !== 0) sum = add32(sum, mul32(i32Local("T"), i32(4 * access.perLength)));
    return sum;
  }

  private loop(depth: number): Statement[] {
    const starting = this.step.operations
      .map((operation, i) => ({ operation, i }))
      .filter(({ operation }) => isReduction(operation) && this.registerDepth(operation) === depth);
    const statements: Statement[] = starting.flatMap(({ operation, i }) => this.beginRegister(operation, i));
    if (depth >= this.loops.length - 1) statements.push(...this.innermost());
    else statements.push(forLoop(`i${depth}`, ...this.range(depth), 1, this.loop(depth + 1)));
    // A reduction over nothing that is innermost (depth = loops.length) stores from within the innermost loop.
    for (const { operation, i } of starting)
      if (depth < this.loops.length || this.loops.length === 0) statements.push(...this.finishRegister(operation, i, depth));
    return statements;
  }

  private beginRegister(operation: Operation, index: number): Statement[] {
    if (operation.op === "argmax") return [letLocal(`acc${index}`, f32x4(Number.NEGATIVE_INFINITY)), letLocal(`at${index}`, i32x4(0, 0, 0, 0))];
    return [letLocal(`acc${index}`, f32x4(operation.op === "max_over" ? Number.NEGATIVE_INFINITY : 0))];
  }

  private finishRegister(operation: Operation, index: number, depth: number): Statement[] {
    const target = operation.stores[0];
    let address: Expression = i32(base(target, this.addressOf));
    for (let d = 0; d < depth; d++) address = add32(address, mul32(i32Local(`i${d}`), i32(4 * loopStride(target, this.loops[d]))));
    address = this.withTime(address, target);
    if (operation.op === "argmax") return operation.stores.map(() => store(address, 0, local(`at${index}`, "i32x4"), 1));
    const accumulator = local(`acc${index}`, "f32x4");
    let value = this.width === 4 ? across(operation.op === "max_over" ? "max" : "add", accumulator) : accumulator;
    if (this.accumulatesInMemory(operation)) value = binary(operation.op === "max_over" ? "max" : "add", load(address, 0, 1), value);
    return [store(address, 0, value, 1)];
  }

  /** The innermost loop: whole vectors, then the rest. */
  private innermost(): Statement[] {
    const loop = this.loops[this.loops.length - 1];
    if (loop === undefined) return this.prologue(this.body(i32(0), 1, undefined));
    const { factor, timed } = loop.count;
    if (this.width === 1) return this.prologue([forLoop("v", ...this.range(this.loops.length - 1), 1, this.body(i32Local("v"), 1, loop))]);
    if (this.shared === this.loops.length - 1) return this.sharedInnermost(loop);
    if (!timed || factor % 4 === 0) {
      const rest = timed ? 0 : factor % 4;
      const statements: Statement[] = [];
      if (timed || factor >= 4)
        statements.push(forLoop("v", i32(0), timed ? countExpression(loop.count) : i32(factor - rest), 4, this.body(i32Local("v"), 4, loop)));
      if (rest > 0) statements.push(...this.body(i32(factor - rest), rest as Lanes, loop));
      return this.prologue(statements);
    }
    const whole = letLocal("whole", and32(countExpression(loop.count), i32(-4)));
    return [
      whole,
      ...this.prologue([
        forLoop("v", i32(0), i32Local("whole"), 4, this.body(i32Local("v"), 4, loop)),
        forLoop("w", i32Local("whole"), countExpression(loop.count), 1, this.body(i32Local("w"), 1, loop)),
      ]),
    ];
  }

  /** The innermost loop when threads divide it: shares begin at whole groups, so only the end of the last one has a partial vector. */
  private sharedInnermost(loop: Loop): Statement[] {
    const { factor, timed } = loop.count;
    const whole = letLocal("whole", add32(i32Local("lo"), and32(sub32(i32Local("hi"), i32Local("lo")), i32(-4))));
    const vectors = forLoop("v", i32Local("lo"), i32Local("whole"), 4, this.body(i32Local("v"), 4, loop));
    const rest = timed ? 0 : factor % 4;
    if (timed && factor % 4 !== 0)
      return [whole, ...this.prologue([vectors, forLoop("w", i32Local("whole"), i32Local("hi"), 1, this.body(i32Local("w"), 1, loop))])];
    if (rest === 0) return [whole, ...this.prologue([vectors])];
    const end = when(equal32(i32Local("hi"), i32(factor)), this.body(i32(factor - rest), rest as Lanes, loop));
    return [whole, ...this.prologue([vectors, end])];
  }

  /** Address locals and values that are the same for the whole innermost loop, found while its body was written. */
  private prologue(statements: Statement[]): Statement[] {
    const before: Statement[] = [];
    for (const { name, access } of this.patterns.values()) {
      let sum: Expression = i32(0);
      for (let d = 0; d < this.loops.length - 1; d++) sum = add32(sum, mul32(i32Local(`i${d}`), i32(4 * loopStride(access, this.loops[d]))));
      before.push(letLocal(name, this.withTime(sum, access)));
    }
    for (const { name, access, type } of this.splats.values())
      before.push(letLocal(name, splat(...placed(this.row(access), base(access, this.addressOf)), type)));
    before.push(...this.once);
    this.patterns.clear();
    this.splats.clear();
    this.once.length = 0;
    this.onceNames.clear();
    return [...before, ...statements];
  }

  private bindOnce(value: Expression): Expression {
    const key = JSON.stringify(value);
    const known = this.onceNames.get(key);
    if (known) return known;
    const name = `k${this.onceNames.size}`;
    this.once.push(letLocal(name, value));
    const bound = local(name, typeOf(value));
    this.onceNames.set(key, bound);
    return bound;
  }

  private bindHere(value: Expression, index: number): Expression {
    const name = `r${index}_${this.here.length}`;
    this.here.push(letLocal(name, value));
    return local(name, typeOf(value));
  }

  /** Address of the row of an access, without its constant base. */
  private row(access: Access): Expression {
    const outer = this.loops.slice(0, -1);
    if (
      outer.every((loop) => loopStride(access, loop) === 0) &&
      (!this.bound || access.place.strip || strideOf(access, "t") === 0) &&
      access.perLength === 0
    )
      return i32(0);
    const key = patternKey(access, outer, this.bound && !access.place.strip);
    const found = this.patterns.get(key) ?? { name: `p${this.patterns.size}`, access };
    this.patterns.set(key, found);
    return i32Local(found.name);
  }

  private pointer(access: Access, at: Expression, loop: Loop | undefined): Expression {
    const step = loop ? loopStride(access, loop) : 0;
    return add32(this.row(access), mul32(at, i32(4 * step)));
  }

  private read(access: Access, type: "f32x4" | "i32x4", at: Expression, lanes: Lanes, loop: Loop | undefined): Expression {
    if (loop && loopStride(access, loop) !== 0) return load(...placed(this.pointer(access, at, loop), base(access, this.addressOf)), lanes, type);
    const row = this.row(access);
    const key = `${type}:${row.kind === "i32" ? "" : (row as { name: string }).name}:${base(access, this.addressOf)}`;
    const found = this.splats.get(key) ?? { name: `s${this.splats.size}`, access, type };
    this.splats.set(key, found);
    return local(found.name, type);
  }

  /** Linear position of the first lane, from strides per axis. */
  private position(strides: ReadonlyMap<AxisName, number>, at: Expression, loop: Loop | undefined, lanes: Lanes): Expression {
    let sum: Expression = i32(0);
    for (let d = 0; d < this.loops.length - 1; d++) sum = add32(sum, mul32(i32Local(`i${d}`), i32(loopStride({ strides }, this.loops[d]))));
    const step = loop ? loopStride({ strides }, loop) : 0;
    if (this.bound) sum = add32(sum, mul32(i32Local("t"), i32(strides.get("t") ?? 0)));
    const first = spread(add32(sum, mul32(at, i32(step))));
    return step === 0 || lanes === 1 ? first : binary("iadd", first, i32x4(0, step, 2 * step, 3 * step));
  }

  /** All operations at one position, their stores at the end so that a value may replace what it was computed from. */
  private body(at: Expression, lanes: Lanes, loop: Loop | undefined): Statement[] {
    const statements: Statement[] = [];
    const stores: Statement[] = [];
    this.step.operations.forEach((operation, i) => {
      const typed = (arg: Operand): Expression => this.operand(arg, at, lanes, loop);
      if (operation.op === "scatter") {
        const address = add32(this.pointer(operation.stores[0], at, loop), this.lookup(operation, at, loop));
        const offset = base(operation.stores[0], this.addressOf);
        stores.push(store(address, offset, add(load(address, offset, lanes), typed(operation.args[0])), lanes));
        return;
      }
      if (isReduction(operation)) {
        statements.push(...this.reduce(operation, i, typed, at, lanes, loop));
        return;
      }
      this.here = [];
      const computed = letLocal(`n${i}`, this.value(operation, i, typed, at, lanes, loop));
      statements.push(...this.here, computed);
      const value = local(`n${i}`, operation.type === "real" ? "f32x4" : "i32x4");
      for (const target of operation.stores)
        stores.push(store(...placed(this.pointer(target, at, loop), base(target, this.addressOf)), value, lanes));
    });
    return [...statements, ...stores];
  }

  /** Bytes to add for a looked-up index. */
  private lookup(operation: Operation, at: Expression, loop: Loop | undefined): Expression {
    const index = operation.args[1];
    invariant(index.kind === "access", "a lookup reads its index from memory");
    const found = loadI32(...placed(this.pointer(index.access, at, loop), base(index.access, this.addressOf)));
    return mul32(found, i32(4 * operation.position!.get("index")!));
  }

  private operand(arg: Operand, at: Expression, lanes: Lanes, loop: Loop | undefined): Expression {
    if (arg.kind === "constant") return arg.type === "real" ? f32x4(arg.value) : i32x4(arg.value, arg.value, arg.value, arg.value);
    if (arg.kind === "access") return this.read(arg.access, arg.type === "real" ? "f32x4" : "i32x4", at, lanes, loop);
    return local(`n${arg.index}`, this.step.operations[arg.index].type === "real" ? "f32x4" : "i32x4");
  }

  private value(
    operation: Operation,
    i: number,
    typed: (arg: Operand) => Expression,
    at: Expression,
    lanes: Lanes,
    loop: Loop | undefined,
  ): Expression {
    const { op, args } = operation;
    switch (op) {
      case "copy":
      case "stop_gradient":
        return typed(args[0]);
      case "iota":
        return this.position(operation.position!, at, loop, lanes);
      case "random":
        return randomVector(
          typed(args[0]),
          operation.stream!,
          this.position(operation.position!, at, loop, lanes),
          (value) => this.bindOnce(value),
          (value) => this.bindHere(value, i),
        );
      case "gather": {
        invariant(args[0].kind === "access", "a lookup reads its table from memory");
        const table = args[0].access;
        const address = add32(this.pointer(table, at, loop), this.lookup(operation, at, loop));
        const step = loop ? loopStride(table, loop) : 0;
        const type = operation.type === "real" ? "f32x4" : "i32x4";
        const from = placed(address, base(table, this.addressOf));
        return step === 0 ? splat(...from, type) : load(...from, lanes, type);
      }
      case "select":
        return select(typed(args[0]), typed(args[1]), typed(args[2]));
      case "to_real":
        return unary("to_f32x4", typed(args[0]));
    }
    if (args.length === 1) return unary(op as VectorUnary, typed(args[0]));
    return binary(this.binaryOp(op as Op, args), typed(args[0]), typed(args[1]));
  }

  private binaryOp(op: Op, args: readonly Operand[]): VectorBinary {
    const first = args[0];
    const integer = (first.kind === "operation" ? this.step.operations[first.index].type : first.type) === "index";
    return (integer ? `i${op}` : op) as VectorBinary;
  }

  private reduce(
    operation: Operation,
    index: number,
    typed: (arg: Operand) => Expression,
    at: Expression,
    lanes: Lanes,
    loop: Loop | undefined,
  ): Statement[] {
    const value = operation.op === "contract" ? mul(typed(operation.args[0]), typed(operation.args[1])) : typed(operation.args[0]);
    const op: "add" | "max" = operation.op === "max_over" ? "max" : "add";
    if (this.registerDepth(operation) === this.loops.length && this.loops.length > 0) {
      const target = operation.stores[0];
      const address = this.pointer(target, at, loop);
      const offset = base(target, this.addressOf);
      const kept = this.accumulatesInMemory(operation) ? binary(op, load(address, offset, lanes), value) : value;
      return [store(address, offset, kept, lanes)];
    }
    const accumulator = local(`acc${index}`, "f32x4");
    if (operation.op === "argmax") {
      const better = binary("less", accumulator, value);
      const place = this.position(operation.position!, at, loop, lanes);
      return [
        letLocal(`at${index}`, select(better, place, local(`at${index}`, "i32x4"))),
        letLocal(`acc${index}`, binary("max", accumulator, value)),
      ];
    }
    if (lanes === this.width) return [letLocal(`acc${index}`, binary(op, accumulator, value))];
    const mask = i32x4(-1, lanes > 1 ? -1 : 0, lanes > 2 ? -1 : 0, 0);
    const identity = f32x4(op === "max" ? Number.NEGATIVE_INFINITY : 0);
    return [letLocal(`acc${index}`, binary(op, accumulator, select(mask, value, identity)))];
  }
}
