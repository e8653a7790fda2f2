/**
 * Checks a module of the loop language: every rule of node.ts that later stages rely on. Comes in: a module. Goes out: nothing; a broken rule
 * is a mistake of ours and throws. Never runs anything and asks nothing of alignment.
 */
import { invariant, unreachable } from "../../support/invariant.ts";
import type { Expression, LoopFunction, LoopModule, LoopType, Statement } from "./node.ts";
import { printExpression } from "./print.ts";
import { binaryTypes, typeOf, unaryTypes } from "./type-of.ts";

interface Scope {
  readonly where: string;
  /** The type of each local that any path has bound: function-wide. */
  readonly types: Map<string, LoopType>;
  readonly functions: ReadonlyMap<string, LoopFunction>;
  /** Counters of the loops around: they may be read, never bound. */
  readonly counters: ReadonlySet<string>;
}

/** Throws unless types agree, locals are bound before use, callees exist and take what they are given, and the call graph has no cycle. */
export function verifyLoopModule(module: LoopModule): void {
  const functions = new Map(module.functions.map((each) => [each.name, each]));
  invariant(functions.size === module.functions.length, "two loop functions share a name");
  for (const name of module.exports) invariant(functions.has(name), `exported loop function "${name}" does not exist`);
  invariant(new Set(module.exports).size === module.exports.length, "a loop function is exported twice");
  for (const each of module.functions) {
    const types = new Map<string, LoopType>();
    for (const param of each.params) {
      invariant(!types.has(param.name), `${each.name}: two parameters are named "${param.name}"`);
      types.set(param.name, param.type);
    }
    verifyStatements(each.body, new Set(types.keys()), { where: each.name, types, functions, counters: new Set() });
  }
  verifyNoRecursion(functions);
}

/** Checks statements in order, adding to `bound` the locals that are certainly bound after them. */
function verifyStatements(statements: readonly Statement[], bound: Set<string>, scope: Scope): void {
  for (const each of statements) verifyStatement(each, bound, scope);
}

function verifyStatement(statement: Statement, bound: Set<string>, scope: Scope): void {
  const want = (expression: Expression, type: LoopType, role: string) => {
    verifyExpression(expression, bound, scope);
    const found = typeOf(expression);
    if (found !== type) invariant(false, `${scope.where}: ${role} is ${found}, not ${type}: ${printExpression(expression)}`);
  };
  switch (statement.kind) {
    case "let":
      want(statement.value, statement.local.type, `the value of "${statement.local.name}"`);
      invariant(!scope.counters.has(statement.local.name), `${scope.where}: the counter "${statement.local.name}" is bound in its loop`);
      bind(statement.local.name, statement.local.type, bound, scope);
      return;
    case "store":
      want(statement.address, "i32", "an address");
      want(statement.value, statement.type, "a stored value");
      verifyPlace(statement.lanes, statement.offset, scope);
      return;
    case "store_pair":
      want(statement.address, "i32", "an address");
      for (const value of statement.values) want(value, statement.type, "a stored value");
      verifyPlace(4, statement.offset, scope);
      return;
    case "for": {
      want(statement.from, "i32", "the start of a loop");
      want(statement.to, "i32", "the end of a loop");
      invariant(
        Number.isInteger(statement.step) && statement.step > 0 && statement.step < 2 ** 31,
        `${scope.where}: a loop steps by ${statement.step}`,
      );
      invariant(!scope.counters.has(statement.counter), `${scope.where}: nested loops share the counter "${statement.counter}"`);
      const inner = new Set(bound);
      bind(statement.counter, "i32", inner, scope);
      verifyStatements(statement.body, inner, { ...scope, counters: new Set([...scope.counters, statement.counter]) });
      bound.delete(statement.counter);
      return;
    }
    case "if": {
      want(statement.condition, "i32", "a condition");
      const then = new Set(bound);
      const otherwise = new Set(bound);
      verifyStatements(statement.then, then, scope);
      verifyStatements(statement.otherwise ?? [], otherwise, scope);
      for (const name of [...then, ...otherwise, ...bound]) {
        if (then.has(name) && otherwise.has(name)) bound.add(name);
        else bound.delete(name);
      }
      return;
    }
    case "call": {
      const callee = scope.functions.get(statement.callee);
      invariant(callee !== undefined, `${scope.where}: calls "${statement.callee}", which does not exist`);
      invariant(callee.params.length === statement.args.length, `${scope.where}: "${callee.name}" takes ${callee.params.length} arguments`);
      callee.params.forEach((param, index) => {
        want(statement.args[index], param.type, `argument "${param.name}" of "${callee.name}"`);
      });
      return;
    }
    case "clear":
      want(statement.address, "i32", "an address");
      want(statement.bytes, "i32", "a number of bytes");
      return;
    case "copy":
      want(statement.to, "i32", "an address");
      want(statement.from, "i32", "an address");
      want(statement.bytes, "i32", "a number of bytes");
      return;
    case "barrier":
      want(statement.threads, "i32", "a number of threads");
      invariant(statement.address >= 0 && statement.address % 4 === 0, `${scope.where}: a barrier at ${statement.address}`);
      return;
    default:
      unreachable(statement);
  }
}

function bind(name: string, type: LoopType, bound: Set<string>, scope: Scope): void {
  const known = scope.types.get(name);
  invariant(known === undefined || known === type, `${scope.where}: "${name}" is ${known} and ${type}`);
  scope.types.set(name, type);
  bound.add(name);
}

function verifyPlace(lanes: number, offset: number, scope: Scope): void {
  invariant(lanes === 1 || lanes === 2 || lanes === 3 || lanes === 4, `${scope.where}: ${lanes} lanes`);
  invariant(Number.isInteger(offset) && offset >= 0 && offset < 2 ** 32, `${scope.where}: the offset ${offset}`);
}

function verifyExpression(expression: Expression, bound: ReadonlySet<string>, scope: Scope): void {
  const want = (part: Expression, ...allowed: readonly LoopType[]) => {
    verifyExpression(part, bound, scope);
    if (!allowed.includes(typeOf(part))) {
      invariant(false, `${scope.where}: ${printExpression(part)} is ${typeOf(part)} in ${printExpression(expression)}`);
    }
  };
  switch (expression.kind) {
    case "i32":
      invariant((expression.value | 0) === expression.value, `${scope.where}: ${expression.value} is not an i32`);
      return;
    case "f32x4":
      invariant(Object.is(Math.fround(expression.value), expression.value), `${scope.where}: ${expression.value} is not a float32`);
      return;
    case "i32x4":
      for (const value of expression.values) invariant((value | 0) === value, `${scope.where}: ${value} is not an i32`);
      return;
    case "local":
      invariant(bound.has(expression.name), `${scope.where}: "${expression.name}" may be read before it is bound`);
      invariant(scope.types.get(expression.name) === expression.type, `${scope.where}: "${expression.name}" is not ${expression.type}`);
      return;
    case "load":
      want(expression.address, "i32");
      verifyPlace(expression.lanes, expression.offset, scope);
      return;
    case "splat":
    case "load_i32":
      want(expression.address, "i32");
      verifyPlace(1, expression.offset, scope);
      return;
    case "spread":
      want(expression.value, "i32");
      return;
    case "unary":
      want(expression.operand, unaryTypes[expression.op][0]);
      return;
    case "binary":
      want(expression.left, binaryTypes[expression.op][0]);
      want(expression.right, binaryTypes[expression.op][1]);
      return;
    case "multiply_add":
      want(expression.a, "f32x4");
      want(expression.b, "f32x4");
      want(expression.c, "f32x4");
      return;
    case "select":
      want(expression.condition, "f32x4", "i32x4");
      want(expression.whenTrue, "f32x4", "i32x4");
      want(expression.whenFalse, typeOf(expression.whenTrue));
      return;
    case "across":
      want(expression.operand, "f32x4");
      verifyPlace(expression.lanes, 0, scope);
      return;
    case "integer":
      want(expression.left, "i32");
      want(expression.right, "i32");
      return;
    default:
      unreachable(expression);
  }
}

function verifyNoRecursion(functions: ReadonlyMap<string, LoopFunction>): void {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    invariant(!path.includes(name), `loop functions call each other in a circle: ${[...path, name].join(" → ")}`);
    if (done.has(name)) return;
    for (const callee of calleesOf(functions.get(name)?.body ?? [])) visit(callee, [...path, name]);
    done.add(name);
  };
  for (const name of functions.keys()) visit(name, []);
}

function calleesOf(statements: readonly Statement[]): readonly string[] {
  return statements.flatMap((each) => {
    if (each.kind === "call") return [each.callee];
    if (each.kind === "for") return calleesOf(each.body);
    if (each.kind === "if") return calleesOf([...each.then, ...(each.otherwise ?? [])]);
    return [];
  });
}
