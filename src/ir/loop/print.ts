/**
 * The loop language as text for people: golden files, `explain`, messages. Comes in: a module, function, statement or expression. Goes out:
 * indented text. Never changes or checks anything.
 *
 *     export function scale(x: i32, n: i32)                 — y = 2·x
 *       for i = 0 to n * 4 step 16
 *         v: f32x4 = load[x + i]
 *         store[x + i + 64] = 2.0 * v
 */
import { unreachable } from "../../support/invariant.ts";
import type { Expression, IntegerOp, LoopFunction, LoopModule, Statement, VectorBinary } from "./node.ts";

/** The text of a whole module. */
export function printLoopModule(module: LoopModule): string {
  return module.functions.map((each) => printLoopFunction(each, module.exports.includes(each.name))).join("\n");
}

/** The text of one function, ending in a line break. */
export function printLoopFunction(each: LoopFunction, exported = false): string {
  const params = each.params.map((param) => `${param.name}: ${param.type}`).join(", ");
  const comment = each.comment === undefined ? "" : `  — ${each.comment}`;
  return `${exported ? "export " : ""}function ${each.name}(${params})${comment}\n${printStatements(each.body, "  ")}`;
}

/** The text of statements, one or more lines each, ending in a line break. */
export function printStatements(statements: readonly Statement[], indent = ""): string {
  return statements.map((each) => printStatement(each, indent)).join("");
}

function printStatement(statement: Statement, indent: string): string {
  const inner = `${indent}  `;
  switch (statement.kind) {
    case "let":
      return `${indent}${statement.local.name}: ${statement.local.type} = ${printExpression(statement.value)}\n`;
    case "store": {
      const target = place(statement.type === "i32x4" ? "store.i32x4" : "store", statement.lanes, statement.address, statement.offset);
      return `${indent}${target} = ${printExpression(statement.value)}\n`;
    }
    case "store_pair": {
      const target = place(statement.type === "i32x4" ? "store_pair.i32x4" : "store_pair", 4, statement.address, statement.offset);
      return `${indent}${target} = ${statement.values.map((each) => printExpression(each)).join(" | ")}\n`;
    }
    case "for": {
      const range = `${printExpression(statement.from)} to ${printExpression(statement.to)} step ${statement.step}`;
      return `${indent}for ${statement.counter} = ${range}\n${printStatements(statement.body, inner)}`;
    }
    case "if": {
      const otherwise = statement.otherwise === undefined ? "" : `${indent}else\n${printStatements(statement.otherwise, inner)}`;
      return `${indent}if ${printExpression(statement.condition)}\n${printStatements(statement.then, inner)}${otherwise}`;
    }
    case "call":
      return `${indent}${statement.callee}(${statement.args.map((each) => printExpression(each)).join(", ")})\n`;
    case "clear":
      return `${indent}clear ${printExpression(statement.bytes)} bytes at ${printExpression(statement.address)}\n`;
    case "copy":
      return `${indent}copy ${printExpression(statement.bytes)} bytes to ${printExpression(statement.to)} from ${printExpression(statement.from)}\n`;
    case "barrier":
      return `${indent}meet ${printExpression(statement.threads)} threads at ${statement.address}\n`;
    default:
      return unreachable(statement);
  }
}

type Infix = readonly [symbol: string, precedence: number];

const integerInfix: { readonly [K in IntegerOp]: Infix | undefined } = {
  add: ["+", 4],
  sub: ["-", 4],
  mul: ["*", 5],
  div: ["/", 5],
  rem: ["%", 5],
  min: undefined,
  less: ["<", 2],
  less_equal: ["<=", 2],
  equal: ["==", 2],
  and: ["&", 1],
  shl: ["<<", 3],
};

const vectorInfix: { readonly [K in VectorBinary]?: Infix } = {
  add: ["+", 4],
  sub: ["-", 4],
  mul: ["*", 5],
  div: ["/", 5],
  less: ["<", 2],
  less_equal: ["<=", 2],
  equal: ["==", 2],
};

/** The text of an expression; parentheses where the precedence needs them. Float constants have a point, integers none. */
export function printExpression(expression: Expression, precedence = 0): string {
  switch (expression.kind) {
    case "i32":
      return String(expression.value);
    case "f32x4":
      return printFloat(expression.value);
    case "i32x4":
      return `i32x4(${expression.values.join(", ")})`;
    case "local":
      return expression.name;
    case "load":
      return place(expression.type === "i32x4" ? "load.i32x4" : "load", expression.lanes, expression.address, expression.offset);
    case "splat":
      return place(expression.type === "i32x4" ? "splat.i32x4" : "splat", 4, expression.address, expression.offset);
    case "load_i32":
      return place("load_i32", 4, expression.address, expression.offset);
    case "spread":
      return `spread(${printExpression(expression.value)})`;
    case "unary":
      return `${expression.op}(${printExpression(expression.operand)})`;
    case "binary":
      return printInfix(expression.op, vectorInfix[expression.op], expression.left, expression.right, precedence);
    case "integer":
      return printInfix(expression.op, integerInfix[expression.op], expression.left, expression.right, precedence);
    case "multiply_add":
      return `multiply_add(${[expression.a, expression.b, expression.c].map((each) => printExpression(each)).join(", ")})`;
    case "select":
      return `select(${[expression.condition, expression.whenTrue, expression.whenFalse].map((each) => printExpression(each)).join(", ")})`;
    case "across":
      return `across_${expression.op}${expression.lanes === 4 ? "" : `.${expression.lanes}`}(${printExpression(expression.operand)})`;
    default:
      return unreachable(expression);
  }
}

function printInfix(op: string, infix: Infix | undefined, left: Expression, right: Expression, precedence: number): string {
  if (infix === undefined) return `${op}(${printExpression(left)}, ${printExpression(right)})`;
  const [symbol, own] = infix;
  const text = `${printExpression(left, own)} ${symbol} ${printExpression(right, own + 1)}`;
  return own < precedence ? `(${text})` : text;
}

function place(verb: string, lanes: number, address: Expression, offset: number): string {
  const at = offset === 0 ? printExpression(address) : `${printExpression(address, 4)} + ${offset}`;
  return `${verb}${lanes === 4 ? "" : `.${lanes}`}[${at}]`;
}

/** The shortest text that gives this float32 back, always with a point or an exponent. */
function printFloat(value: number): string {
  for (let digits = 1; digits <= 9; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) {
      const short = Object.is(value, -0) ? "-0" : String(Number(text));
      return /[.e]/.test(short) ? short : `${short}.0`;
    }
  }
  return String(value);
}
