/**
 * Names to symbols: turns the syntax of an expression into a draft term.
 *
 * In: an expression and the scope of its block. Out: a term with full paths whose shapes are unknown; weights, lags and uses are noted in
 * the model as they are met. A mistake is reported and becomes a poisoned number (NaN of unknown shape), which no later stage complains of.
 */
import type { Span } from "../../support/source.ts";
import { canonicalName } from "../../ir/syntax/names.ts";
import type { Expression, Subscript } from "../../ir/syntax/node.ts";
import { type Draft, type IndexSymbol, knownShape, unknownShape, type ValueSymbol, type WeightSymbol } from "./draft.ts";
import { freeIndices } from "./free-indices.ts";
import { calledBlock, namedBlock } from "./callees.ts";
import { isTime, otherName, productIn, productOf } from "./corrections.ts";
import { checkOptions, functionNamed, nearestName } from "./functions.ts";
import { type CallExpression, describe, dimensionOf, numberOf, type Scope, spanIn, undeclaredIndex } from "./scope.ts";
import { withoutIdentity } from "./identity.ts";
import { kernelOf } from "./kernel-options.ts";
import { lastPart, renameEdit, reportNoInside } from "./report-inside.ts";
import { unifyDimensions } from "./sizes.ts";

export const poison = (span: Span): Draft => ({ kind: "number", value: Number.NaN, span, shape: unknownShape() });
export const isPoison = (term: Draft): boolean => term.kind === "number" && Number.isNaN(term.value);

/** Resolves an expression; `still` is true where time does not run (initial values). */
export function resolve(scope: Scope, expression: Expression, still = false): Draft {
  const { report } = scope.context;
  const span = spanIn(scope, expression.span);
  const go = (part: Expression): Draft => resolve(scope, part, still);
  switch (expression.kind) {
    case "number":
      return { kind: "number", value: expression.value, span, shape: knownShape() };
    case "name":
      return nameTerm(scope, expression.name, 0, span, still);
    case "subscript":
      return subscriptTerm(scope, expression, still);
    case "unary":
      return { kind: "unary", op: expression.op, operand: go(expression.operand), span, shape: unknownShape() };
    case "absolute":
      return { kind: "absolute", operand: go(expression.operand), span, shape: unknownShape() };
    case "concatenation":
      return { kind: "concatenation", parts: expression.parts.map(go), span, shape: unknownShape() };
    case "binary": {
      if (expression.op === "convolve") return convolution(scope, expression.left, expression.right, span, still);
      if (expression.op === "product") {
        const multiplied = withoutIdentity(scope, expression);
        if (multiplied) return go(multiplied);
        const left = go(expression.left);
        const kind = left.kind === "weight" && scope.context.model.weights.get(left.name)!.blocks ? "blockwise" : undefined;
        const right = go(expression.right);
        if (kind) return { kind, kernel: left, operand: right, span, shape: unknownShape() };
        return { kind: "binary", op: "product", left, right, span, shape: unknownShape() };
      }
      return { kind: "binary", op: expression.op, left: go(expression.left), right: go(expression.right), span, shape: unknownShape() };
    }
    case "reduction": {
      const meaning = scope.names.get(expression.index.name);
      if (meaning?.kind !== "index") {
        if (meaning) report.error("E119", spanIn(scope, expression.index.span), `${expression.index.name} is ${describe(meaning)}, not an index`);
        else undeclaredIndex(scope, expression.index);
        go(expression.body);
        return poison(span);
      }
      const { name: index, after } = meaning.symbol;
      scope.active.push(index);
      const body = go(expression.body);
      scope.active.pop();
      return { kind: "reduction", op: expression.op, index, ...(after ? { after } : {}), body, span, shape: unknownShape() };
    }
    case "call":
      return callTerm(scope, expression, still);
  }
}

/** A name at t - lag. */
function nameTerm(scope: Scope, name: string, lag: number, span: Span, still: boolean, given = 0): Draft {
  const { report, model } = scope.context;
  const meaning = scope.names.get(name);
  if (!meaning) {
    const dotted = name.includes(".") ? model.values.get(scope.prefix + name) : undefined;
    if (dotted) return valueTerm(scope, dotted, lag, span, still, given);
    if (name.includes(".")) {
      reportNoInside(scope, name, span);
      return poison(span);
    }
    if (lag !== 0) {
      const known = [...scope.names].filter(([, m]) => m.kind === "value" || m.kind === "argument").map(([n]) => n);
      const apart = productIn(scope, name);
      const near = apart ?? nearestName(name, known);
      report.error("E103", span, `${name} is read at another time, but it is neither defined nor an input`, {
        label: apart ? "a product needs its sign" : "weights do not change over time",
        edit: near && !scope.site ? renameEdit(scope, span, name, near) : undefined,
      });
      return poison(span);
    }
    if (name === "t") {
      report.error("E305", span, "the time t cannot be used as a value", { label: "t stands only in subscripts" });
      return poison(span);
    }
    if (functionNamed(name)) {
      report.error("E106", span, `${name} is a function and needs an argument`, { label: `write ${name}(…)` });
      return poison(span);
    }
    const block = namedBlock(scope, name, span);
    if (block) {
      const inputs = block.block.header?.inputs.map((input) => input.name) ?? [];
      const text = `${block.name}(${inputs.join(", ")})`;
      report.error("E133", span, `${name} is a block, which is called and is no value`, {
        label: "not called",
        edit: scope.site ? undefined : { span, text, label: text },
      });
      return poison(span);
    }
    return weightTerm(scope, name, span);
  }
  switch (meaning.kind) {
    case "value":
      return valueTerm(scope, meaning.symbol, lag, span, still, given);
    case "argument":
      return argumentTerm(scope, name, meaning.term, lag, span, still);
    case "size":
      if (lag !== 0) {
        report.error("E115", span, `${name} is a size, which has no time`);
        return poison(span);
      }
      return { kind: "size", size: { terms: [] }, name: String(meaning.unknown.id), span, shape: knownShape() };
    case "index":
      if (lag !== 0) {
        report.error("E119", span, `${name} is an index, which has no time`);
        return poison(span);
      }
      if (meaning.symbol.type === "time") {
        report.error("E305", span, `the time index ${name} cannot be used as a value`, { label: "it stands only in subscripts" });
        return poison(span);
      }
      return { kind: "counter", index: meaning.symbol.name, span, shape: knownShape() };
  }
}

function valueTerm(scope: Scope, symbol: ValueSymbol, lag: number, span: Span, still: boolean, given: number): Draft {
  const { report } = scope.context;
  if (still) {
    report.error("E304", span, `an initial value cannot use ${symbol.name}, which changes over time`, { label: "use numbers, weights or inputs" });
    return poison(span);
  }
  symbol.used = true;
  if (lag !== 0 && !symbol.lags.has(lag)) symbol.lags.set(lag, span);
  const term: Draft = { kind: "value", name: symbol.name, lag, indices: symbol.indices, span, shape: symbol.shape };
  const isWhole = given === 0 && symbol.indices.length > 0;
  if (isWhole && symbol.indices.every((index) => scope.context.model.indices.get(index)!.type === "count" && !scope.active.includes(index))) {
    return { kind: "collection", operand: term, indices: symbol.indices, span, shape: unknownShape() };
  }
  if (given < symbol.indices.length) {
    const names = symbol.indices.map(lastPart).join(",");
    report.error("E111", span, `${symbol.name} has the index ${names}, which is missing here`, { label: `write ${lastPart(symbol.name)}[${names}]` });
    return poison(span);
  }
  return term;
}

function argumentTerm(scope: Scope, name: string, term: Draft, lag: number, span: Span, still: boolean): Draft {
  const { model, report } = scope.context;
  if (term.kind === "input") {
    const symbol = model.inputs.get(term.name)!;
    symbol.used = true;
    const total = term.lag + lag;
    if (still) symbol.perStep = false;
    symbol.lookAhead = Math.max(symbol.lookAhead, -total);
    if (total !== 0 && !symbol.perStep) {
      report.error("E303", span, `${name} is given once per sequence, so it has no other time`, { label: "a static input" });
      return poison(span);
    }
    return { ...term, lag: total, span };
  }
  if (term.kind === "value") {
    const symbol = model.values.get(term.name)!;
    return {
      ...(valueTerm(scope, symbol, term.lag + lag, span, still, symbol.indices.length) as Draft & { kind: "value" }),
      indices: term.indices,
    } as Draft;
  }
  if (term.kind === "weight") return weightUse(model.weights.get(term.name)!, span);
  return { ...term, span };
}

function weightTerm(scope: Scope, name: string, span: Span): Draft {
  const { model, report } = scope.context;
  const path = scope.prefix + name;
  let symbol = model.weights.get(path);
  if (!symbol) {
    if (name === "I" && !scope.site && ![scope.shapes, scope.mentioned, scope.options].some((declared) => declared.has(name))) {
      report.warning("W202", span, "I is a weight here, which is learned, and not the identity", {
        label: "the identity only in `M·(I ± …)` and `(I ± …)·M` with matrices",
      });
    }
    symbol = { kind: "weight", name: path, span, shape: unknownShape(), uses: [] };
    const options = scope.options.get(name);
    const kernel = options?.get("kernel");
    if (kernel) symbol.kernel = kernelOf(scope, name);
    const blocks = options?.get("block_diagonal");
    if (blocks?.value) symbol.blocks = dimensionOf(scope, blocks.value);
    model.weights.set(path, symbol);
  }
  return weightUse(symbol, span);
}

function weightUse(symbol: WeightSymbol, span: Span): Draft {
  const term: Draft = { kind: "weight", name: symbol.name, span, shape: unknownShape() };
  symbol.uses.push({ term });
  return term;
}

function convolution(scope: Scope, left: Expression, right: Expression, span: Span, still: boolean): Draft {
  const { report, model } = scope.context;
  const kernel = resolve(scope, left, still);
  const operand = resolve(scope, right, still);
  if (isPoison(kernel) || isPoison(operand)) return poison(span);
  if (kernel.kind !== "weight") {
    report.error("E210", kernel.span, `\`${report.quote(kernel.span)}\` is not a weight, so it cannot be the kernel of a convolution`, {
      label: "write W ∗ x with a weight W",
    });
    return poison(span);
  }
  const symbol = model.weights.get(kernel.name)!;
  if (!symbol.kernel) {
    const name = lastPart(symbol.name);
    const last = scope.block.items.at(-1);
    report.error("E211", kernel.span, `the convolution with ${name} needs its number of taps`, {
      label: "its length is not said",
      edit:
        last && !scope.site
          ? {
              span: { start: last.span.end, end: last.span.end },
              text: last.kind === "where" ? `, ${name} : kernel 3` : `\n  where ${name} : kernel 3`,
              label: `where ${name} : kernel 3`,
            }
          : undefined,
    });
    return poison(span);
  }
  const { count, dilation, same, depthwise, space } = symbol.kernel;
  if (space)
    return { kind: "convolution", kernel, operand, taps: { count: 1, dilation: 1, offset: 0, depthwise, space }, span, shape: unknownShape() };
  // Of an even kernel the middle is the tap before the centre, as elsewhere.
  const taps = { count, dilation, offset: same ? -Math.ceil((dilation * (count - 1)) / 2) : 0, depthwise };
  if (taps.offset < 0 && operand.kind !== "input" && operand.kind !== "value") {
    report.error("E306", operand.span, "a centred convolution reads later steps, which only inputs and definitions have", {
      label: "give this a name, or drop `same`",
    });
    return poison(span);
  }
  return { kind: "convolution", kernel, operand, taps, span, shape: unknownShape() };
}

function subscriptTerm(scope: Scope, expression: Extract<Expression, { kind: "subscript" }>, still: boolean): Draft {
  const { report, model } = scope.context;
  const span = spanIn(scope, expression.span);
  const times = expression.subscripts.filter((s): s is Extract<Subscript, { kind: "time" }> => s.kind === "time");
  const others = expression.subscripts.filter((s): s is Extract<Subscript, { kind: "index" }> => s.kind === "index");
  const lag = times.reduce((sum, s) => sum + s.lag, 0);
  const { base } = expression;
  let term: Draft;
  let rest = others;
  if (base.kind === "name") {
    const meaning = scope.names.get(base.name);
    const indexed = meaning?.kind === "value" ? meaning.symbol.indices.length : 0;
    term = nameTerm(scope, base.name, lag, span, still, others.length);
    if (indexed > 0 && term.kind === "value") {
      const indices: string[] = [];
      for (const subscript of others.slice(0, indexed)) {
        const index = indexOf(scope, subscript.value);
        if (!index) return badIndex(scope, subscript, base.name);
        const declared = model.indices.get(term.indices[indices.length])!;
        if (index.type !== declared.type) {
          report.error(
            "E112",
            spanIn(scope, subscript.span),
            `${lastPart(index.name)} cannot stand for the index ${lastPart(declared.name)} of ${base.name}`,
            {
              label: index.type === "time" ? "a time, not a count" : "a count, not a time",
            },
          );
          return poison(span);
        }
        if (index.size && declared.size && !unifyDimensions(index.size, declared.size)) {
          report.error(
            "E112",
            spanIn(scope, subscript.span),
            `${lastPart(index.name)} has another range than the index ${lastPart(declared.name)} of ${base.name}`,
            {
              label: "another range",
            },
          );
          return poison(span);
        }
        indices.push(index.name);
      }
      term = { ...term, indices };
      rest = others.slice(indexed);
    }
  } else {
    term = resolve(scope, base, still);
    if (lag !== 0) {
      report.error("E301", span, "only a name can be read at another time", { label: "give the expression a name, and read that" });
      return poison(span);
    }
  }
  for (const subscript of rest) term = applySubscript(scope, term, subscript, span, still);
  return term;
}

function indexOf(scope: Scope, value: Expression): IndexSymbol | undefined {
  const meaning = value.kind === "name" ? scope.names.get(value.name) : undefined;
  return meaning?.kind === "index" ? meaning.symbol : undefined;
}

function badIndex(scope: Scope, subscript: Extract<Subscript, { kind: "index" }>, name: string): Draft {
  const span = spanIn(scope, subscript.span);
  if (subscript.value.kind === "name" && !scope.names.has(subscript.value.name))
    undeclaredIndex(scope, { kind: "identifier", span: subscript.value.span, name: subscript.value.name });
  else scope.context.report.error("E112", span, `${name} is defined for an index, so an index stands here`, { label: "not an index" });
  return poison(span);
}

function applySubscript(scope: Scope, operand: Draft, subscript: Extract<Subscript, { kind: "index" }>, span: Span, still: boolean): Draft {
  const { report, model } = scope.context;
  if (isPoison(operand)) return operand;
  const place = spanIn(scope, subscript.span);
  const index = indexOf(scope, subscript.value);
  if (index && freeIndices(operand).has(index.name)) {
    report.error("E112", place, `the index ${lastPart(index.name)} stands twice`, { label: "one place for each index" });
    return poison(span);
  }
  if (index?.type === "count") return { kind: "component", operand, index: index.name, span, shape: unknownShape() };
  if (index) {
    if (!isSequence(operand)) {
      report.error("E112", place, `only inputs and definitions can be read at the time ${lastPart(index.name)}`, { label: "not a sequence" });
      return poison(span);
    }
    return { kind: "moment", operand, index: index.name, span, shape: operand.shape };
  }
  const number = numberOf(subscript.value);
  if (number !== undefined) {
    if (Number.isInteger(number) && number >= 1) return { kind: "element", operand, position: number, span, shape: unknownShape() };
    report.error("E207", place, "components are counted from 1", { label: "not a component" });
    return poison(span);
  }
  if (subscript.value.kind === "name" && !scope.names.has(subscript.value.name)) {
    undeclaredIndex(scope, { kind: "identifier", span: subscript.value.span, name: subscript.value.name });
    return poison(span);
  }
  const value = resolve(scope, subscript.value, still);
  if (isPoison(value)) return value;
  if (value.kind !== "input") {
    report.error("E113", place, `\`${report.quote(place)}\` is not a whole-number input, so it cannot choose a row`, {
      label: "subscripts are indices, numbers, times, or inputs of whole numbers",
    });
    return poison(span);
  }
  const symbol = model.inputs.get(value.name)!;
  symbol.indexUse ??= span;
  symbol.type ??= "index";
  return { kind: "lookup", operand, index: value, span, shape: unknownShape() };
}

/** `log f[n,s]` where `log f[n] = …` defines f: the value that is kept, not a logarithm of its exponential. */
function logarithmOf(scope: Scope, expression: Expression, still: boolean): Draft | undefined {
  const base = expression.kind === "subscript" ? expression.base : expression;
  const meaning = base.kind === "name" ? scope.names.get(base.name) : undefined;
  if (meaning?.kind !== "value" || !meaning.symbol.logarithm) return undefined;
  const logarithm = scope.context.model.values.get(meaning.symbol.logarithm)!;
  const replace = (term: Draft): Draft | undefined => {
    if (term.kind === "value" && term.lag === 0) return { ...term, name: logarithm.name, shape: logarithm.shape };
    if (term.kind !== "moment" && term.kind !== "component" && term.kind !== "element") return undefined;
    const operand = replace(term.operand);
    return operand && ({ ...term, operand, ...(term.kind === "moment" ? { shape: operand.shape } : {}) } as Draft);
  };
  return replace(resolve(scope, expression, still));
}

/** What can be read at another time: inputs, definitions, and components of them. */
function isSequence(term: Draft): boolean {
  return term.kind === "value" || term.kind === "input" || ((term.kind === "component" || term.kind === "element") && isSequence(term.operand));
}

function callTerm(scope: Scope, call: CallExpression, still: boolean): Draft {
  const { report } = scope.context;
  const span = spanIn(scope, call.span);
  const { name } = call.callee;
  if (calledBlock(scope, name, span)) return scope.context.inline(scope, call, undefined);
  const found = functionNamed(name);
  if (!found) return unknownCallee(scope, call, still);
  if (call.repeat) {
    report.error("E135", span, `${name} is a function, and only blocks are repeated`, { label: "no weights of its own" });
    for (const arg of call.args) resolve(scope, arg, still);
    return poison(span);
  }
  const { entry } = found;
  if (found.name === "log" && call.args.length === 1) {
    const known = logarithmOf(scope, call.args[0], still);
    if (known) return { ...known, span };
  }
  const [least, most] = entry.args;
  const optionNames = Object.keys(entry.options ?? {});
  const spare = call.args.slice(most);
  if (call.args.length < least || spare.length > optionNames.length) {
    const wanted = least === most ? `${least} argument${least === 1 ? "" : "s"}` : `at least ${least} argument${least === 1 ? "" : "s"}`;
    report.error("E107", span, `${name} takes ${wanted}, not ${call.args.length}`, {
      label: optionNames.length > 0 ? `${name}(${least === 1 ? "x" : "a, b"}, ${optionNames.join(", ")})` : undefined,
    });
    for (const arg of call.args) resolve(scope, arg, still);
    return poison(span);
  }
  const options: Record<string, number> = {};
  const given: [string, Expression, Span][] = [
    ...spare.map((value, k): [string, Expression, Span] => [optionNames[k], value, spanIn(scope, value.span)]),
    ...call.named.map((n): [string, Expression, Span] => [n.name.name, n.value, spanIn(scope, n.name.span)]),
  ];
  for (const [option, value, place] of given) {
    if (!optionNames.includes(option)) {
      const near = nearestName(option, optionNames);
      report.error("E108", place, `${name} has no option ${option}`, {
        label: optionNames.length > 0 ? `it has ${optionNames.join(", ")}` : "it has none",
        edit: near && !scope.site ? { span: place, text: near, label: near } : undefined,
      });
      continue;
    }
    const number = numberOf(value);
    if (number === undefined || !Number.isFinite(number)) {
      report.error("E109", spanIn(scope, value.span), `the option ${option} of ${name} is a number`, { label: "not a number" });
      return poison(span);
    }
    options[option] = number;
  }
  for (const option of optionNames) {
    if (option in options) continue;
    const fallback = entry.options![option];
    if (fallback === undefined) {
      report.error("E107", span, `${name} needs the number ${option}`, { label: `${name}(x, ${optionNames.join(", ")})` });
      return poison(span);
    }
    options[option] = fallback;
  }
  checkOptions(report, found.name, options, span);
  const args = call.args.slice(0, most).map((arg) => resolve(scope, arg, still));
  const last = optionNames.findLastIndex((option) => options[option] !== entry.options![option]);
  const written = optionNames.slice(0, last + 1).map((option) => options[option]);
  return { kind: "call", function: found.name, args, options, written, span, shape: unknownShape() };
}

function unknownCallee(scope: Scope, call: CallExpression, still: boolean): Draft {
  const { report } = scope.context;
  const { name } = call.callee;
  const span = spanIn(scope, call.span);
  const place = spanIn(scope, call.callee.span);
  const meaning = scope.names.get(canonicalName(name));
  if ((meaning?.kind === "value" || meaning?.kind === "argument") && call.args.length === 1 && isTime(scope, call.args[0])) {
    if (meaning.kind === "value") meaning.symbol.used = true;
    const text = `${report.quote(place)}[${report.quote(spanIn(scope, call.args[0].span))}]`;
    report.error("E105", span, `${name} is ${describe(meaning)}, not a function; a time stands in square brackets`, {
      label: "a time",
      edit: scope.site ? undefined : { span, text, label: text },
    });
    return poison(span);
  }
  for (const arg of call.args) resolve(scope, arg, still);
  if (meaning && call.args.length === 1) {
    if (meaning.kind === "value") meaning.symbol.used = true;
    report.error("E105", place, `${name} is ${describe(meaning)}, not a function`, {
      label: "not a function",
      edit: scope.site ? undefined : { span: place, text: `${name}∘`, label: `${name}∘(…)` },
    });
    return poison(span);
  }
  const near = otherName(scope, name);
  const looksLikeWeight = /^[A-Z]/.test(name) && call.args.length === 1 && !near;
  const product = /^(?:dot|matmul|mm|inner)$/u.test(name) && call.args.length === 2 ? productOf(scope, call.args) : undefined;
  report.error("E104", place, `there is no function or block named ${name}`, {
    label: "unknown",
    edit: scope.site
      ? undefined
      : product
        ? { span, text: product, label: product }
        : near
          ? { span: place, text: near, label: near }
          : looksLikeWeight
            ? { span: place, text: `${name}·`, label: `${name}·(…)` }
            : undefined,
  });
  return poison(span);
}
