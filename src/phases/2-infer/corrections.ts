/**
 * What was probably meant: names of other systems, products without their sign, times in round brackets.
 *
 * In: a scope or a model, and what leads nowhere. Out: the text that could stand there instead, or nothing. Reports nothing.
 */
import type { Expression } from "../../ir/syntax/node.ts";
import { otherBlock } from "./callees.ts";
import type { Model } from "./draft.ts";
import { FUNCTIONS } from "./functions.ts";
import type { Scope } from "./scope.ts";

/** What elsewhere is called otherwise. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  ln: "log",
  logistic: "σ",
  sig: "sigmoid",
  sigm: "sigmoid",
  maximum: "max",
  minimum: "min",
  concatenate: "concat",
  cat: "concat",
};

/** The function or block that an unknown name probably means. */
export function otherName(scope: Scope, name: string): string | undefined {
  const usual = name.toLowerCase();
  if (Object.hasOwn(OTHER_NAMES, usual)) return OTHER_NAMES[usual];
  return otherBlock(scope, name, [...Object.keys(FUNCTIONS), "sigmoid", "hard_sigmoid", "log_sigmoid"]);
}

/** `a·b` for `dot(a, b)`, with brackets where a part is no single value. */
export function productOf(scope: Scope, args: readonly Expression[]): string {
  const text = (e: Expression): string => {
    const quoted = scope.context.report.quote(e.span);
    return e.kind === "name" || e.kind === "subscript" || e.kind === "call" ? quoted : `(${quoted})`;
  };
  return args.map(text).join("·");
}

/** `t`, `t-1`, `t+2`. */
export function isTime(scope: Scope, e: Expression): boolean {
  if (scope.names.has("t")) return false;
  if (e.kind === "name") return e.name === "t";
  return e.kind === "binary" && (e.op === "add" || e.op === "sub") && e.left.kind === "name" && e.left.name === "t" && e.right.kind === "number";
}

/** `U·h` for `Uh`, where h changes over time and the rest is written as a matrix. */
export function productIn(scope: Scope, name: string): string | undefined {
  if (!/^\p{Lu}/u.test(name)) return undefined;
  for (let at = 1; at < name.length; at++) {
    const meaning = scope.names.get(name.slice(at));
    if (meaning?.kind === "value" || meaning?.kind === "argument") return `${name.slice(0, at)}·${name.slice(at)}`;
  }
  return undefined;
}

/** `W·x` for a weight `Wx` where x is an input that nothing reads. */
export function productWithInput(model: Model, weight: string): string | undefined {
  for (const { name, used } of model.inputs.values()) {
    const before = weight.slice(0, -name.length);
    if (!used && weight.endsWith(name) && /^\p{Lu}[\p{L}\p{N}_]*$/u.test(before)) return `${before}·${name}`;
  }
  return undefined;
}
