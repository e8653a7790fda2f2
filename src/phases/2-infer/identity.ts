/**
 * Where `I` is the identity matrix: in `S·(I - β*(k⊗k))`, as papers on the delta rule print it.
 *
 * In: a product as the author wrote it and the scope of its block. Out: the product multiplied out, or nothing where `I` has another meaning: it is defined or
 * declared, or also used elsewhere in the block, or stands beside what may be a vector. Resolves no expression.
 */
import { hasIdentity, identitiesIn, identityTimes, timesIdentity } from "../../ir/syntax/identity-product.ts";
import type { Block, Expression } from "../../ir/syntax/node.ts";
import { functionNamed } from "./functions.ts";
import type { Scope } from "./scope.ts";

type Product = Extract<Expression, { kind: "binary" }>;

/** The product without its `I`, if that is the identity. */
export function withoutIdentity(scope: Scope, product: Product): Expression | undefined {
  const { left, right } = product;
  const side = sumIn(product);
  if (!side || scope.names.has("I") || scope.shapes.has("I") || scope.mentioned.has("I") || scope.options.has("I")) return undefined;
  if (!isOnlyIdentity(scope.block)) return undefined;
  return side === right ? timesIdentity(left, right) : identityTimes(left, right);
}

/** The factor that is a sum of the identity and matrices; the other one may be written twice. */
function sumIn({ op, left, right }: Product): Expression | undefined {
  if (op !== "product") return undefined;
  if (isSum(right) && isRepeatable(left)) return right;
  return isSum(left) && isRepeatable(right) ? left : undefined;
}

function isSum(e: Expression): boolean {
  return hasIdentity(e) && isMatrixSum(e);
}

function isMatrixSum(e: Expression): boolean {
  return e.kind === "binary" && (e.op === "add" || e.op === "sub") ? isMatrixSum(e.left) && isMatrixSum(e.right) : isMatrix(e);
}

/** True for what is written as a matrix: a capital letter, an outer product, `diag(…)`, and numbers times these. */
function isMatrix(e: Expression): boolean {
  switch (e.kind) {
    case "name":
      return /^\p{Lu}/u.test(e.name);
    case "subscript":
      return isMatrix(e.base);
    case "unary":
      return isMatrix(e.operand);
    case "call":
      return e.callee.name === "diag";
    case "reduction":
      return isMatrix(e.body);
    case "binary":
      if (e.op === "outer") return true;
      if (e.op === "product") return isMatrix(e.left) && isMatrix(e.right);
      if (e.op === "mul") return isMatrix(e.right) || isMatrixSum(e.right);
      return e.op === "div" && isMatrix(e.left);
    default:
      return false;
  }
}

/** True if an expression means the same each time it stands in the text: no block with weights of its own, no chance. */
function isRepeatable(e: Expression): boolean {
  return everyPart(
    e,
    (part) => part.kind !== "call" || (functionNamed(part.callee.name) !== undefined && !/^(?:dropout|zoneout)$/u.test(part.callee.name)),
  );
}

const known = new WeakMap<Block, boolean>();

/** True if every `I` of the block stands where it can be the identity. */
function isOnlyIdentity(block: Block): boolean {
  const before = known.get(block);
  if (before !== undefined) return before;
  const found = new Set<Expression>();
  const identities = new Set<Expression>();
  for (const item of block.items) {
    if (item.kind !== "definition") continue;
    everyPart(item.value, (part) => {
      if (part.kind === "name" && part.name === "I") found.add(part);
      const sum = part.kind === "binary" ? sumIn(part) : undefined;
      if (sum) for (const identity of identitiesIn(sum)) identities.add(identity);
      return true;
    });
  }
  const all = found.size === identities.size;
  known.set(block, all);
  return all;
}

/** True if a test holds for an expression and all of its parts. */
function everyPart(e: Expression, test: (part: Expression) => boolean): boolean {
  return test(e) && partsOf(e).every((part) => everyPart(part, test));
}

function partsOf(e: Expression): readonly Expression[] {
  switch (e.kind) {
    case "number":
    case "name":
      return [];
    case "subscript":
      return [e.base, ...e.subscripts.flatMap((subscript) => (subscript.kind === "index" ? [subscript.value] : []))];
    case "call":
      return [...e.args, ...e.named.map(({ value }) => value)];
    case "unary":
    case "absolute":
      return [e.operand];
    case "binary":
      return [e.left, e.right];
    case "reduction":
      return [e.body];
    case "concatenation":
      return e.parts;
  }
}
