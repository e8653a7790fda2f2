/**
 * Terms and equations as canonical text, in the language of the author.
 *
 * In: a resolved term. Out: its text, with full paths for names, through the printer of the syntax. Works for terms with any kind of shape.
 */
import type { Span } from "../../support/source.ts";
import type { Expression, Subscript } from "../syntax/node.ts";
import { printExpression } from "../syntax/print-expression.ts";
import type { EquationOf, TermOf } from "./equation.ts";
import type { Size } from "./node.ts";

const NOWHERE: Span = { start: 0, end: 0 };
const SPELLING = { spelling: "unicode" } as const;
const name = (text: string): Expression => ({ kind: "name", span: NOWHERE, name: text });
const number = (value: number): Expression => ({ kind: "number", span: NOWHERE, value });
const shortName = (path: string): string => path.slice(path.lastIndexOf(".") + 1);

/** The canonical text of a term: "Whi·h[t-1]". */
export function printTerm<S>(term: TermOf<S>, sizeName?: (term: TermOf<S> & { kind: "size" }) => string): string {
  return printExpression(toSyntax(term, sizeName ?? ((size) => printSize(size.size))), SPELLING);
}

/** The canonical text of an equation: "i = σ(Wxi·x + Whi·h[t-1] + bi)". */
export function printEquation<S>(equation: EquationOf<S>, sizeName?: (term: TermOf<S> & { kind: "size" }) => string): string {
  if (equation.text) return equation.text;
  const indices = equation.indices.length > 0 ? `[${equation.indices.map(shortName).join(",")}]` : "";
  return `${equation.name}${indices} = ${printTerm(equation.value, sizeName)}`;
}

/** A size as text: "H", "2H", "H+D", "D/2". */
export function printSize(size: Size): string {
  if (size.terms.length === 0) return "0";
  return size.terms
    .map(({ coefficient, names }, k) => {
      const count = Math.abs(coefficient);
      const product = names.join("·");
      const text =
        product === "" ? String(count) : count === 1 ? product : Number.isInteger(1 / count) ? `${product}/${1 / count}` : `${count}${product}`;
      const sign = coefficient < 0 ? "-" : k === 0 ? "" : "+";
      return sign + text;
    })
    .join("");
}

function toSyntax<S>(term: TermOf<S>, sizeName: (term: TermOf<S> & { kind: "size" }) => string): Expression {
  const go = (part: TermOf<S>): Expression => toSyntax(part, sizeName);
  switch (term.kind) {
    case "number":
      return term.value < 0
        ? { kind: "unary", span: NOWHERE, op: "neg", operand: number(-term.value) }
        : number(Number.isNaN(term.value) ? 0 : term.value);
    case "size":
      return name(sizeName(term));
    case "counter":
      return name(shortName(term.index));
    case "weight":
      return name(term.name);
    case "input":
      return subscripted(name(term.name), term.lag, []);
    case "value": {
      if (shortName(term.name).startsWith("log ")) return call("log", [name(term.name.replace("log ", ""))]);
      return subscripted(name(term.name), term.lag, term.indices.map(shortName));
    }
    case "collection":
      return term.operand.kind === "value" ? go({ ...term.operand, indices: [] }) : go(term.operand);
    case "moment":
    case "component":
      return subscripted(go(term.operand), 0, [shortName(term.index)]);
    case "element":
      return withSubscript(go(term.operand), { kind: "index", span: NOWHERE, value: number(term.position) });
    case "lookup":
      return withSubscript(go(term.operand), { kind: "index", span: NOWHERE, value: go(term.index) });
    case "unary":
      return { kind: "unary", span: NOWHERE, op: term.op, operand: go(term.operand) };
    case "binary":
      return { kind: "binary", span: NOWHERE, op: term.op, left: go(term.left), right: go(term.right) };
    case "convolution":
      return { kind: "binary", span: NOWHERE, op: "convolve", left: go(term.kernel), right: go(term.operand) };
    case "blockwise":
      return { kind: "binary", span: NOWHERE, op: "product", left: go(term.kernel), right: go(term.operand) };
    case "call":
      return call(term.function, [...term.args.map(go), ...term.written.map(number)]);
    case "reduction":
      return {
        kind: "reduction",
        span: NOWHERE,
        op: term.op,
        index: { kind: "identifier", span: NOWHERE, name: shortName(term.index) },
        body: go(term.body),
      };
    case "absolute":
      return { kind: "absolute", span: NOWHERE, operand: go(term.operand) };
    case "concatenation":
      return { kind: "concatenation", span: NOWHERE, parts: term.parts.map(go) };
  }
}

function call(callee: string, args: readonly Expression[]): Expression {
  return { kind: "call", span: NOWHERE, callee: { kind: "identifier", span: NOWHERE, name: callee }, args, named: [] };
}

function withSubscript(base: Expression, subscript: Subscript): Expression {
  if (base.kind === "subscript") return { ...base, subscripts: [...base.subscripts, subscript] };
  return { kind: "subscript", span: NOWHERE, base, subscripts: [subscript] };
}

function subscripted(base: Expression, lag: number, indices: readonly string[]): Expression {
  let result = base;
  if (lag !== 0) result = withSubscript(result, { kind: "time", span: NOWHERE, lag });
  for (const index of indices) result = withSubscript(result, { kind: "index", span: NOWHERE, value: name(index) });
  return result;
}
