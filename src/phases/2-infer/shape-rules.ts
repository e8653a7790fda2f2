/**
 * One rule per kind of term: what its shape and those of its parts say about each other.
 *
 * In: a term whose shapes are known, partly known or unknown. Out: what follows from them, at once (shapes are solved in place), and whether the
 * term has nothing more to say. A contradiction is recorded as a mistake of that term and ends it. Rules never guess; guesses.ts does.
 */
import { type Draft, dimsOf } from "./draft.ts";
import { FUNCTIONS } from "./functions.ts";
import { fault, fresh, rankOf, type Rules, settle, settleOr, unify } from "./shape-facts.ts";
import { blockwise, convolved, isMap } from "./shape-kernels.ts";
import { addDimensions, constant, type Dimension, multiplyDimensions, unifyDimensions, variable } from "./sizes.ts";

/** Says what a term says now. True when it has said everything. */
export function advance(rules: Rules, term: Draft): boolean {
  switch (term.kind) {
    case "number":
    case "size":
    case "counter":
    case "input":
    case "weight":
    case "value":
    case "moment":
      return true;
    case "component":
      return component(rules, term);
    case "collection":
      return collected(rules, term);
    case "element": {
      const dims = dimsOf(term.operand.shape);
      if (dims) {
        if (dims.length === 0) return fault(rules, { kind: "operand", term, a: term.operand, wanted: "a vector" });
        settleOr(rules, term, term, dims.slice(1));
        return true;
      }
      return false;
    }
    case "lookup":
      return lookup(rules, term);
    case "unary": {
      if (term.op === "neg") return unify(rules, term, term, term.operand) || true;
      return transposed(rules, term);
    }
    case "absolute":
      return unify(rules, term, term, term.operand) || true;
    case "concatenation":
      return concatenated(rules, term, term.parts);
    case "reduction":
      return unify(rules, term, term, term.body) || true;
    case "convolution":
      return convolved(rules, term);
    case "blockwise":
      return blockwise(rules, term);
    case "binary":
      return binary(rules, term);
    case "call":
      return called(rules, term);
  }
}

function component(rules: Rules, term: Draft & { kind: "component" }): boolean {
  const size = rules.model.indices.get(term.index)!.size!;
  const dims = dimsOf(term.operand.shape);
  if (dims) {
    if (dims.length === 0) return fault(rules, { kind: "operand", term, a: term.operand, wanted: "a vector" });
    if (!unifyDimensions(dims[0], size))
      return fault(rules, { kind: "range", term, a: term.operand, aSize: dims[0], bSize: size, index: term.index });
    settleOr(rules, term, term, dims.slice(1));
    return true;
  }
  const own = dimsOf(term.shape);
  if (!own) return false;
  settle(rules, term.operand.shape, [size, ...own], term.span);
  return true;
}

/** All values of a definition with indices: their ranges are the first dimensions. */
function collected(rules: Rules, term: Draft & { kind: "collection" }): boolean {
  const leading = term.indices.map((index) => rules.model.indices.get(index)!.size!);
  const dims = dimsOf(term.operand.shape);
  if (dims) {
    settleOr(rules, term, term, [...leading, ...dims]);
    return true;
  }
  const own = dimsOf(term.shape);
  if (!own) return false;
  if (own.length < leading.length) return fault(rules, { kind: "operand", term, a: term, wanted: "a vector" });
  settle(rules, term.operand.shape, own.slice(leading.length), term.span);
  settleOr(rules, term, term, [...leading, ...own.slice(leading.length)]);
  return true;
}

function lookup(rules: Rules, term: Draft & { kind: "lookup" }): boolean {
  if (term.index.kind !== "input") return true;
  const symbol = rules.model.inputs.get(term.index.name)!;
  symbol.vocabulary ??= fresh(rules);
  const dims = dimsOf(term.operand.shape);
  if (dims) {
    if (dims.length === 0) return fault(rules, { kind: "operand", term, a: term.operand, wanted: "a table" });
    if (!unifyDimensions(dims[0], symbol.vocabulary)) {
      return fault(rules, { kind: "unequal", term, a: term.operand, b: term.index, aSize: dims[0], bSize: symbol.vocabulary, how: "rows" });
    }
    settleOr(rules, term, term, dims.slice(1));
    return true;
  }
  const own = dimsOf(term.shape);
  if (!own) return false;
  settle(rules, term.operand.shape, [symbol.vocabulary, ...own], term.span);
  return true;
}

function transposed(rules: Rules, term: Draft & { kind: "unary" }): boolean {
  for (const [from, to] of [
    [term.operand, term],
    [term, term.operand],
  ] as const) {
    const dims = dimsOf(from.shape);
    if (!dims) continue;
    if (dims.length !== 2) return fault(rules, { kind: "operand", term, a: term.operand, wanted: "a matrix" });
    settleOr(rules, term, to, [dims[1], dims[0]]);
    return true;
  }
  return false;
}

function concatenated(rules: Rules, term: Draft, parts: readonly Draft[]): boolean {
  const sizes: Dimension[] = [];
  for (const part of parts) {
    const dims = dimsOf(part.shape);
    if (!dims) continue;
    if (dims.length > 1) return fault(rules, { kind: "operand", term, a: part, wanted: "a vector" });
    sizes.push(dims.length === 0 ? constant(1) : dims[0]);
  }
  const own = dimsOf(term.shape);
  if (own && own.length !== 1) return fault(rules, { kind: "operand", term, a: term, wanted: "a vector" });
  if (sizes.length < parts.length) return false;
  settleOr(rules, term, term, [sizes.reduce((sum, size) => addDimensions(sum, size))]);
  return true;
}

function binary(rules: Rules, term: Draft & { kind: "binary" }): boolean {
  const { left, right } = term;
  switch (term.op) {
    case "add":
    case "sub":
    case "mul":
    case "div":
      return broadcast(rules, term, left, right);
    case "hadamard":
      return hadamard(rules, term, left, right);
    case "power": {
      if (rankOf(right.shape) === undefined) settle(rules, right.shape, [], term.span);
      return broadcast(rules, term, left, right);
    }
    case "outer": {
      const a = dimsOf(left.shape);
      const b = dimsOf(right.shape);
      for (const [dims, side] of [
        [a, left],
        [b, right],
      ] as const) {
        if (dims && dims.length !== 1) return fault(rules, { kind: "operand", term, a: side, wanted: "a vector" });
      }
      if (!dimsOf(term.shape)) settle(rules, term.shape, [a?.[0] ?? fresh(rules), b?.[0] ?? fresh(rules)], term.span);
      const own = dimsOf(term.shape);
      if (own && own.length !== 2) return fault(rules, { kind: "operand", term, a: term, wanted: "a matrix" });
      if (own && !a) settle(rules, left.shape, [own[0]], term.span);
      if (own && !b) settle(rules, right.shape, [own[1]], term.span);
      const first = dimsOf(left.shape);
      const second = dimsOf(right.shape);
      if (!first || !second) return false;
      settleOr(rules, term, term, [first[0], second[0]]);
      return true;
    }
    case "product":
      return product(rules, term, left, right);
  }
}

/** A number with anything, equal shapes, or a vector with the channels of a map. */
function broadcast(rules: Rules, term: Draft, left: Draft, right: Draft): boolean {
  const a = rankOf(left.shape);
  const b = rankOf(right.shape);
  const own = rankOf(term.shape);
  if (a === 0 || b === 0) {
    const other = a === 0 ? right : left;
    return !unify(rules, term, term, other) || rankOf(other.shape) !== undefined;
  }
  if (a !== undefined && b !== undefined && a !== b && Math.min(a, b) === 1 && isMap(a > b ? left : right)) {
    const [map, channels] = a > b ? [left, right] : [right, left];
    const dims = dimsOf(map.shape)!;
    if (!unifyDimensions(dims[0], dimsOf(channels.shape)![0])) {
      rules.mistakes.push({ kind: "unequal", term, a: map, b: channels, aSize: dims[0], bSize: dimsOf(channels.shape)![0], how: "components" });
    }
    settleOr(rules, term, term, dims);
    return true;
  }
  if (a !== undefined && b !== undefined) {
    if (unify(rules, term, left, right)) unify(rules, term, term, left);
    return true;
  }
  if (own === 0) {
    unify(rules, term, term, left);
    unify(rules, term, term, right);
    return true;
  }
  const known = a !== undefined ? left : b !== undefined ? right : undefined;
  if (known && own === undefined) {
    const dims = dimsOf(known.shape)!;
    settle(rules, term.shape, dims, term.span);
  }
  return false;
}

/** Equal shapes. Nothing follows while both sides are open: which of them is a number is not to be settled here. */
function hadamard(rules: Rules, term: Draft, left: Draft, right: Draft): boolean {
  const a = rankOf(left.shape);
  const b = rankOf(right.shape);
  const own = rankOf(term.shape);
  if (a !== undefined && b !== undefined) {
    if ((a === 0) !== (b === 0)) {
      rules.mistakes.push({ kind: "scalarProduct", term, number: a === 0 ? left : right });
      unify(rules, term, term, a === 0 ? right : left);
      return true;
    }
    if (unify(rules, term, left, right)) unify(rules, term, term, left);
    return true;
  }
  if (own !== undefined) {
    if (unify(rules, term, term, left)) unify(rules, term, term, right);
    return true;
  }
  const known = a !== undefined ? left : right;
  const rank = a ?? b;
  if (rank !== undefined && rank > 0) settle(rules, term.shape, dimsOf(known.shape)!, term.span);
  return false;
}

function product(rules: Rules, term: Draft & { kind: "binary" }, left: Draft, right: Draft): boolean {
  const a = dimsOf(left.shape);
  const b = dimsOf(right.shape);
  const own = dimsOf(term.shape);
  if (a?.length === 0 || b?.length === 0) {
    const number = a?.length === 0 ? left : right;
    const other = number === left ? right : left;
    if (number === right && other === left && a === undefined) return false;
    rules.mistakes.push({ kind: "scalarProduct", term, number });
    unify(rules, term, term, other);
    return true;
  }
  if (a && b) {
    if (a.length > 2) return fault(rules, { kind: "operand", term, a: left, wanted: "a vector or a matrix" });
    if (b.length > 2) return fault(rules, { kind: "operand", term, a: right, wanted: "a vector or a matrix" });
    const result = [...a.slice(0, -1), ...b.slice(1)];
    if (!unifyDimensions(a[a.length - 1], b[0])) {
      rules.mistakes.push({ kind: "unequal", term, a: left, b: right, aSize: a[a.length - 1], bSize: b[0], how: "columns and rows" });
      if (!own) settle(rules, term.shape, result, term.span);
      return true;
    }
    settleOr(rules, term, term, result);
    return true;
  }
  // One side and the result decide the other side: the ranks of a product add up to that of its result and 2.
  if (own && own.length > 2) return fault(rules, { kind: "operand", term, a: term, wanted: "a vector or a matrix" });
  if (own && b) {
    const rank = own.length + 2 - b.length;
    if (rank < 1 || rank > 2) return fault(rules, { kind: "operand", term, a: right, wanted: b.length === 1 ? "a matrix" : "a vector" });
    settle(rules, left.shape, rank === 2 ? [own[0], b[0]] : [b[0]], term.span);
    return product(rules, term, left, right);
  }
  if (own && a) {
    const rank = own.length + 2 - a.length;
    if (rank < 1 || rank > 2) return fault(rules, { kind: "operand", term, a: left, wanted: a.length === 1 ? "a matrix" : "a vector" });
    const contracted = a[a.length - 1];
    settle(rules, right.shape, rank === 2 ? [contracted, own[own.length - 1]] : [contracted], term.span);
    return product(rules, term, left, right);
  }
  return false;
}

function called(rules: Rules, term: Draft & { kind: "call" }): boolean {
  const [x, y] = term.args;
  const { shape } = FUNCTIONS[term.function];
  switch (shape) {
    case "same":
      return unify(rules, term, term, x) || true;
    case "vector": {
      unify(rules, term, term, x);
      const rank = rankOf(x.shape);
      if (rank === undefined) return false;
      return rank === 0 ? fault(rules, { kind: "operand", term, a: x, wanted: "a vector" }) : true;
    }
    case "equal":
      if (unify(rules, term, x, y)) unify(rules, term, term, x);
      return true;
    case "broadcast":
      return broadcast(rules, term, x, y);
    case "reduce":
      settleOr(rules, term, term, []);
      if (rankOf(x.shape) === undefined) return false;
      return rankOf(x.shape) === 0 ? fault(rules, { kind: "operand", term, a: x, wanted: "a vector" }) : true;
    case "top":
      if (rankOf(x.shape) === undefined) return false;
      if (rankOf(x.shape) !== 1) return fault(rules, { kind: "operand", term, a: x, wanted: "a vector" });
      return settleOr(rules, term, term, [constant(term.options.k)]) || true;
    case "loss":
      settleOr(rules, term, term, []);
      return unify(rules, term, x, y) || true;
    case "classes":
      return classes(rules, term, x, y);
    case "concat":
      return concatenated(rules, term, term.args);
    case "split": {
      const dims = dimsOf(x.shape);
      if (dims && dims.length === 0) return fault(rules, { kind: "operand", term, a: x, wanted: "a vector" });
      const own = dimsOf(term.shape);
      if (!dims && !own) return false;
      const part = own?.[0] ?? fresh(rules);
      const rest = (dims ?? own!).slice(1);
      if (!dims) {
        const whole = rules.solver.fresh();
        whole.given = x.kind === "input";
        settle(rules, x.shape, [variable(whole), ...rest], term.span);
      }
      settleOr(rules, term, x, [multiplyDimensions(constant(term.options.parts), part), ...rest]);
      settleOr(rules, term, term, [part, ...rest]);
      return true;
    }
    case "diag": {
      const size = dimsOf(x.shape)?.[0] ?? dimsOf(term.shape)?.[0];
      if (!size) return false;
      settleOr(rules, term, x, [size]);
      settleOr(rules, term, term, [size, size]);
      return true;
    }
  }
}

function classes(rules: Rules, term: Draft, logits: Draft, target: Draft): boolean {
  settleOr(rules, term, term, []);
  const dims = dimsOf(logits.shape);
  if (dims && dims.length !== 1) return fault(rules, { kind: "operand", term, a: logits, wanted: "a vector" });
  const symbol = target.kind === "input" ? rules.model.inputs.get(target.name) : undefined;
  if (!symbol || symbol.type !== "index") return unify(rules, term, logits, target) || true;
  symbol.vocabulary ??= fresh(rules);
  if (!dims) {
    settle(rules, logits.shape, [symbol.vocabulary], term.span);
    return true;
  }
  if (!unifyDimensions(dims[0], symbol.vocabulary)) {
    rules.mistakes.push({ kind: "unequal", term, a: logits, b: target, aSize: dims[0], bSize: symbol.vocabulary, how: "components" });
  }
  return true;
}
