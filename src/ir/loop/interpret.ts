/**
 * The meaning of the loop language: runs one function of a module on a memory, lane by lane in float32. Comes in: a verified module, a
 * function's name, its arguments, the memory. Goes out: the changed memory. Slow and plain; it judges the emitted code.
 *
 * Every operation is computed in float64 and rounded to float32, which for + − · / √ is the correctly rounded float32 result; the
 * transcendental functions are correctly rounded up to the float64 library's last bit, and emitted code may differ from them by a few ulp.
 */
import { invariant, unreachable } from "../../support/invariant.ts";
import { foldInteger } from "./build.ts";
import type { Expression, LoopFunction, LoopModule, Statement, VectorBinary } from "./node.ts";
import { unaryReference } from "./reference.ts";

type Vector = readonly [number, number, number, number];
type Value = number | Vector;
type Frame = Map<string, Value>;

interface Machine {
  readonly functions: ReadonlyMap<string, LoopFunction>;
  readonly memory: DataView;
}

/** Runs a function. i32 arguments are numbers, vectors are four numbers. @throws RangeError where the emitted code would trap on an address. */
export function interpretLoops(module: LoopModule, name: string, args: readonly Value[], memory: ArrayBuffer | SharedArrayBuffer): void {
  const functions = new Map(module.functions.map((each) => [each.name, each]));
  callFunction(name, args, { functions, memory: new DataView(memory) });
}

function callFunction(name: string, args: readonly Value[], machine: Machine): void {
  const callee = machine.functions.get(name);
  invariant(callee !== undefined && callee.params.length === args.length, `interpretation calls "${name}" with ${args.length} arguments`);
  const frame: Frame = new Map(callee.params.map((param, index) => [param.name, args[index]]));
  run(callee.body, frame, machine);
}

function run(statements: readonly Statement[], frame: Frame, machine: Machine): void {
  for (const each of statements) execute(each, frame, machine);
}

function execute(statement: Statement, frame: Frame, machine: Machine): void {
  const { memory } = machine;
  switch (statement.kind) {
    case "let":
      frame.set(statement.local.name, evaluate(statement.value, frame, machine));
      return;
    case "store":
    case "store_pair": {
      const start = place(statement.address, statement.offset, frame, machine);
      const values =
        statement.kind === "store" ? vector(statement.value, frame, machine).slice(0, statement.lanes) : pair(statement.values, frame, machine);
      values.forEach((value, lane) => {
        if (statement.type === "i32x4") memory.setInt32(start + 4 * lane, value, true);
        else memory.setFloat32(start + 4 * lane, value, true);
      });
      return;
    }
    case "for": {
      const from = scalar(statement.from, frame, machine);
      const to = scalar(statement.to, frame, machine);
      for (let counter = from; counter < to; counter += statement.step) {
        frame.set(statement.counter, counter);
        run(statement.body, frame, machine);
      }
      return;
    }
    case "if":
      run(scalar(statement.condition, frame, machine) !== 0 ? statement.then : (statement.otherwise ?? []), frame, machine);
      return;
    case "call":
      callFunction(
        statement.callee,
        statement.args.map((each) => evaluate(each, frame, machine)),
        machine,
      );
      return;
    case "clear":
      bytes(memory, scalar(statement.address, frame, machine), scalar(statement.bytes, frame, machine)).fill(0);
      return;
    case "copy": {
      const length = scalar(statement.bytes, frame, machine);
      const from = bytes(memory, scalar(statement.from, frame, machine), length);
      bytes(memory, scalar(statement.to, frame, machine), length).set(from);
      return;
    }
    case "barrier":
      invariant(scalar(statement.threads, frame, machine) === 1, "the interpreter is one thread");
      return;
    default:
      unreachable(statement);
  }
}

function bytes(memory: DataView, address: number, length: number): Uint8Array {
  return new Uint8Array(memory.buffer, address >>> 0, length >>> 0);
}

function scalar(expression: Expression, frame: Frame, machine: Machine): number {
  return evaluate(expression, frame, machine) as number;
}

function vector(expression: Expression, frame: Frame, machine: Machine): Vector {
  return evaluate(expression, frame, machine) as Vector;
}

function pair(values: readonly [Expression, Expression], frame: Frame, machine: Machine): readonly number[] {
  return values.flatMap((each) => vector(each, frame, machine));
}

function place(address: Expression, offset: number, frame: Frame, machine: Machine): number {
  return (scalar(address, frame, machine) >>> 0) + offset;
}

function map(a: Vector, lane: (a: number) => number): Vector {
  return [lane(a[0]), lane(a[1]), lane(a[2]), lane(a[3])];
}

function zip(a: Vector, b: Vector, lane: (a: number, b: number) => number): Vector {
  return [lane(a[0], b[0]), lane(a[1], b[1]), lane(a[2], b[2]), lane(a[3], b[3])];
}

function evaluate(expression: Expression, frame: Frame, machine: Machine): Value {
  const { memory } = machine;
  switch (expression.kind) {
    case "i32":
      return expression.value;
    case "f32x4":
      return [expression.value, expression.value, expression.value, expression.value];
    case "i32x4":
      return expression.values;
    case "local": {
      const value = frame.get(expression.name);
      invariant(value !== undefined, `local "${expression.name}" is read before it is bound`);
      return value;
    }
    case "load":
    case "splat": {
      const start = place(expression.address, expression.offset, frame, machine);
      const read = (at: number) => (expression.type === "i32x4" ? memory.getInt32(at, true) : memory.getFloat32(at, true));
      if (expression.kind === "splat") return map([start, start, start, start], read);
      return map([0, 1, 2, 3], (lane) => (lane < expression.lanes ? read(start + 4 * lane) : 0));
    }
    case "load_i32":
      return memory.getInt32(place(expression.address, expression.offset, frame, machine), true);
    case "spread": {
      const value = scalar(expression.value, frame, machine);
      return [value, value, value, value];
    }
    case "unary": {
      const operand = vector(expression.operand, frame, machine);
      if (expression.op === "to_f32x4") return map(operand, Math.fround);
      const reference = unaryReference[expression.op];
      return map(operand, (lane) => Math.fround(reference(lane)));
    }
    case "binary":
      return binary(expression.op, vector(expression.left, frame, machine), evaluate(expression.right, frame, machine));
    case "multiply_add": {
      const product = zip(vector(expression.a, frame, machine), vector(expression.b, frame, machine), lanewise.mul);
      return zip(product, vector(expression.c, frame, machine), lanewise.add);
    }
    case "select": {
      const condition = vector(expression.condition, frame, machine);
      const whenTrue = vector(expression.whenTrue, frame, machine);
      const whenFalse = vector(expression.whenFalse, frame, machine);
      return map([0, 1, 2, 3], (lane) => (condition[lane] !== 0 ? whenTrue[lane] : whenFalse[lane]));
    }
    case "across": {
      const lanes = vector(expression.operand, frame, machine);
      const join = expression.op === "add" ? lanewise.add : Math.max;
      const first = expression.lanes >= 2 ? join(lanes[0], lanes[1]) : lanes[0];
      const second = expression.lanes === 4 ? join(lanes[2], lanes[3]) : lanes[2];
      const total = expression.lanes >= 3 ? join(first, second) : first;
      return [total, total, total, total];
    }
    case "integer": {
      const left = scalar(expression.left, frame, machine);
      const right = scalar(expression.right, frame, machine);
      const value = foldInteger(expression.op, left, right);
      if (value === undefined) throw new RangeError(`${left} ${expression.op} ${right} has no i32 value`);
      return value;
    }
    default:
      return unreachable(expression);
  }
}

function binary(op: VectorBinary, left: Vector, right: Value): Vector {
  if (op === "ishr" || op === "ishl") {
    const amount = right as number;
    return map(left, (lane) => (op === "ishr" ? (lane >>> amount) | 0 : lane << amount));
  }
  return zip(left, right as Vector, lanewise[op]);
}

/** One lane of each binary. */
const lanewise: { readonly [K in Exclude<VectorBinary, "ishr" | "ishl">]: (a: number, b: number) => number } = {
  add: (a, b) => Math.fround(a + b),
  sub: (a, b) => Math.fround(a - b),
  mul: (a, b) => Math.fround(a * b),
  div: (a, b) => Math.fround(a / b),
  max: (a, b) => (Number.isNaN(b) ? b : a < b ? b : a),
  min: (a, b) => (Number.isNaN(b) ? b : b < a ? b : a),
  pow: (a, b) => Math.fround(a ** b),
  less: (a, b) => (a < b ? 1 : 0),
  less_equal: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  iadd: (a, b) => (a + b) | 0,
  isub: (a, b) => (a - b) | 0,
  imul: Math.imul,
  ixor: (a, b) => a ^ b,
  iand: (a, b) => a & b,
  iless: (a, b) => (a < b ? 1 : 0),
  iless_equal: (a, b) => (a <= b ? 1 : 0),
  iequal: (a, b) => (a === b ? 1 : 0),
};
