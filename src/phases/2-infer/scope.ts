/**
 * What a name means inside one block: the scope of an instance of that block.
 *
 * In: a block and the path under which it is used. Out: a scope with its sizes, indices, options and definitions declared, nothing resolved.
 * A name on the left of `=` is a definition, a name in the header an input, a name in a `where` size a size, and all others are weights.
 */
import { joinSpans, type Span } from "../../support/source.ts";
import type { Block, Declaration, Definition, Expression, Identifier, Indexed } from "../../ir/syntax/node.ts";
import type { Callee } from "./callees.ts";
import { addDimensions, constant, multiplyDimensions, type Dimension, type SizeSolver, type Unknown, variable } from "./sizes.ts";
import { unknownShape, type Draft, type IndexSymbol, type Model, type Reporter, type Shape, type ValueSymbol } from "./draft.ts";

/** What the whole inference shares. */
export interface Context {
  readonly model: Model;
  readonly report: Reporter;
  readonly solver: SizeSolver;
  readonly library: ReadonlyMap<string, { readonly block: Block; readonly blocks: ReadonlyMap<string, Block> }>;
  /** Names of all blocks of the library, those too that the text does not name. */
  readonly libraryNames: readonly string[];
  /** Shapes that `where` lines declare, to be checked against the equations. */
  readonly declared: { readonly shape: Shape; readonly dims: readonly Dimension[]; readonly span: Span; readonly name: string }[];
  /** Number of blocks inlined so far, without the further copies of what is repeated. */
  instances: number;
  /** Number of all blocks inlined so far. */
  copies: number;
  /** Set by E121: nothing more is brought in, and nothing solved. */
  isTooLarge: boolean;
  /** Prefixes of the blocks inlined so far. */
  readonly prefixes: Set<string>;
  /** Named sizes by path, each with the path of the same size in the first copy of what is repeated. */
  readonly sizes: Map<string, { readonly unknown: Unknown; readonly first: string }>;
  /** What is repeated, for `tieCopies`. */
  readonly repeats: Repetition[];
  /** Inputs that stand for blocks, by block (callees.ts). */
  readonly parameters: Map<Block, ReadonlySet<string>>;
  /** Inlines a call of a block and gives its first output (inline.ts, which needs resolve.ts, which needs this). */
  readonly inline: (scope: Scope, call: CallExpression, prefix: string | undefined) => Draft;
}
/** `h = repeat 3 lstm(e)`: path "h", 3 copies, outputs ["h"]. */
export interface Repetition {
  readonly path: string;
  readonly count: number;
  readonly outputs: readonly string[];
}
export type CallExpression = Extract<Expression, { kind: "call" }>;

export type Meaning =
  | { readonly kind: "value"; readonly symbol: ValueSymbol }
  /** An input of the block: what the caller passed. */
  | { readonly kind: "argument"; readonly term: Draft }
  | { readonly kind: "index"; readonly symbol: IndexSymbol }
  | { readonly kind: "size"; readonly unknown: Unknown };

export interface Scope {
  readonly context: Context;
  readonly block: Block;
  /** "" in the main block, "h1." inside the call that defines h1. */
  readonly prefix: string;
  /** The prefix with the number 1 for every copy of what is repeated. */
  readonly template: string;
  /** Inputs that stand for blocks, and the blocks that were passed. */
  readonly callees: ReadonlyMap<string, Callee>;
  /** Blocks that may be called from here. */
  readonly blocks: ReadonlyMap<string, Block>;
  /** The call that brought in a block of the library: the place of all its mistakes. */
  readonly site?: Span;
  /** Names of the blocks being inlined, outermost first. */
  readonly stack: readonly string[];
  readonly names: Map<string, Meaning>;
  readonly sizes: Map<string, Unknown>;
  readonly declarations: readonly Declaration[];
  readonly definitions: readonly Definition[];
  /** Declared shapes of names: leading sizes from indices, then the shape itself. */
  readonly shapes: Map<string, { readonly dims: readonly Dimension[]; readonly indices: number; readonly span: Span }>;
  readonly options: Map<string, Map<string, { readonly value?: Expression; readonly more?: readonly Expression[]; readonly span: Span }>>;
  /** Indices of the equation and the sums that are being resolved. */
  readonly active: string[];
  /** Index letters already reported as undeclared. */
  readonly undeclared: Set<string>;
  /** Names that a declaration speaks of, and where. */
  readonly mentioned: Map<string, Span>;
}

export function spanIn(scope: Scope, span: Span): Span {
  return scope.site ?? span;
}

/** Declares sizes, indices, options and definitions of a block. `args`: what each header input stands for. */
export function openScope(
  context: Context,
  block: Block,
  options: {
    prefix: string;
    template: string;
    callees: ReadonlyMap<string, Callee>;
    blocks: ReadonlyMap<string, Block>;
    site?: Span;
    stack: readonly string[];
    args: ReadonlyMap<string, Draft>;
  },
): Scope {
  const scope: Scope = {
    context,
    block,
    prefix: options.prefix,
    template: options.template,
    callees: options.callees,
    blocks: options.blocks,
    site: options.site,
    stack: options.stack,
    names: new Map(),
    sizes: new Map(),
    declarations: block.items.flatMap((item) => (item.kind === "where" ? item.declarations : [])),
    definitions: block.items.filter((item): item is Definition => item.kind === "definition"),
    shapes: new Map(),
    options: new Map(),
    mentioned: new Map(),
    undeclared: new Set(),
    active: [],
  };
  for (const [name, term] of options.args) scope.names.set(name, { kind: "argument", term });
  declareSizes(scope);
  declareIndices(scope);
  declareDefinitions(scope);
  declareShapes(scope);
  declareOptions(scope);
  return scope;
}

function declareSizes(scope: Scope): void {
  const { context } = scope;
  const defined = new Set([...scope.definitions.map((d) => d.target.name), ...scope.names.keys()]);
  const use = (name: string, span: Span): void => {
    if (scope.sizes.has(name)) return;
    if (defined.has(name)) {
      context.report.error("E115", spanIn(scope, span), `${name} is used as a size, but it is defined as a value`, {
        label: "a size is a name of its own",
      });
    }
    const unknown = context.solver.named(name, scope.prefix === "");
    unknown.reasons.push({ message: `${name} is named here`, span: spanIn(scope, span) });
    context.sizes.set(scope.prefix + name, { unknown, first: scope.template + name });
    scope.sizes.set(name, unknown);
    if (!defined.has(name)) scope.names.set(name, { kind: "size", unknown });
  };
  const walk = (expression: Expression, except: readonly string[]): void => {
    if (expression.kind === "name" && !except.includes(expression.name)) use(expression.name, expression.span);
    if (expression.kind === "binary") for (const side of [expression.left, expression.right]) walk(side, except);
    if (expression.kind === "unary") walk(expression.operand, except);
  };
  for (const d of scope.declarations) {
    if (d.kind === "shape") for (const size of d.sizes) walk(size, []);
    if (d.kind === "range") for (const end of [d.from, d.to]) walk(end, ["T"]);
    if (d.kind === "bound") for (const end of [d.lower?.value, d.upper?.value]) if (end) walk(end, ["t"]);
  }
  for (const d of scope.declarations) {
    if (d.kind === "option") for (const option of d.options) if (option.name.name === "block_diagonal" && option.value) walk(option.value, []);
  }
  for (const definition of scope.definitions) rootSizes(definition.value, (name, span) => !defined.has(name) && use(name, span));
}

/** Names directly under a root: `√K`. */
function rootSizes(expression: Expression, use: (name: string, span: Span) => void): void {
  switch (expression.kind) {
    case "call":
      if (expression.callee.name === "sqrt" || expression.callee.name === "√") {
        const [arg] = expression.args;
        if (arg?.kind === "name") return use(arg.name, arg.span);
      }
      for (const arg of expression.args) rootSizes(arg, use);
      return;
    case "binary":
      rootSizes(expression.left, use);
      return rootSizes(expression.right, use);
    case "unary":
    case "absolute":
      return rootSizes(expression.operand, use);
    case "reduction":
      return rootSizes(expression.body, use);
    case "concatenation":
      for (const part of expression.parts) rootSizes(part, use);
      return;
    case "subscript":
      return rootSizes(expression.base, use);
    default:
      return;
  }
}

/** A size expression as a polynomial over the block's sizes; undefined (and a message) if it is none. */
export function dimensionOf(scope: Scope, expression: Expression): Dimension | undefined {
  const fail = (): undefined => {
    scope.context.report.error("E208", spanIn(scope, expression.span), `\`${scope.context.report.quote(expression.span)}\` is not a size`, {
      label: "sizes are names, whole numbers, and their sums and products",
    });
    return undefined;
  };
  switch (expression.kind) {
    case "number":
      return Number.isInteger(expression.value) && expression.value >= 0 ? constant(expression.value) : fail();
    case "name": {
      const unknown = scope.sizes.get(expression.name);
      return unknown ? variable(unknown) : fail();
    }
    case "binary": {
      const left = dimensionOf(scope, expression.left);
      const right = left && dimensionOf(scope, expression.right);
      if (!left || !right) return undefined;
      if (expression.op === "add") return addDimensions(left, right);
      if (expression.op === "sub") return addDimensions(left, right, -1);
      if (expression.op === "mul" || expression.op === "product") return multiplyDimensions(left, right);
      if (expression.op === "div" && right.length === 1 && right[0].unknowns.length === 0) {
        return left.map((m) => ({ coefficient: m.coefficient / right[0].coefficient, unknowns: m.unknowns }));
      }
      return fail();
    }
    default:
      return fail();
  }
}

/** The value of an expression of numbers alone. */
export function numberOf(expression: Expression): number | undefined {
  switch (expression.kind) {
    case "number":
      return expression.value;
    case "unary": {
      const value = expression.op === "neg" ? numberOf(expression.operand) : undefined;
      return value === undefined ? undefined : -value;
    }
    case "binary": {
      const a = numberOf(expression.left);
      const b = numberOf(expression.right);
      if (a === undefined || b === undefined) return undefined;
      if (expression.op === "add") return a + b;
      if (expression.op === "sub") return a - b;
      if (expression.op === "mul" || expression.op === "product") return a * b;
      if (expression.op === "div") return a / b;
      return expression.op === "power" ? a ** b : undefined;
    }
    default:
      return undefined;
  }
}

function declareIndices(scope: Scope): void {
  const { context } = scope;
  const add = (name: Identifier, symbol: Omit<IndexSymbol, "kind" | "name" | "span">): void => {
    const span = spanIn(scope, name.span);
    if (scope.names.has(name.name)) {
      context.report.error("E116", span, `${name.name} is declared as an index, but it already is ${describe(scope.names.get(name.name)!)}`);
      return;
    }
    const index: IndexSymbol = { kind: "index", name: scope.prefix + name.name, span, ...symbol };
    scope.names.set(name.name, { kind: "index", symbol: index });
    context.model.indices.set(index.name, index);
  };
  const later: (() => void)[] = [];
  for (const d of scope.declarations) {
    if (d.kind === "range") {
      const from = numberOf(d.from);
      if (from === undefined || !Number.isInteger(from)) {
        context.report.error("E117", spanIn(scope, d.from.span), "a range begins at a whole number", { label: "for example 1" });
        continue;
      }
      if (d.to.kind === "name" && d.to.name === "T") {
        for (const name of d.names) add(name, { type: "time", from });
        continue;
      }
      const to = dimensionOf(scope, d.to);
      if (!to) continue;
      const size = addDimensions(to, constant(1 - from));
      if (size.length === 0 || (size.every((m) => m.unknowns.length === 0) && size[0].coefficient < 1)) {
        context.report.error("E117", spanIn(scope, d.span), "the range holds nothing", { label: "its end lies before its beginning" });
        continue;
      }
      for (const name of d.names) add(name, { type: "count", from, size });
    }
    if (d.kind === "bound") {
      const upper = d.upper && relativeToNow(scope, d.upper.value);
      const lower = d.lower && !d.lower.of ? relativeToNow(scope, d.lower.value) : d.lower && { offset: 0, window: undefined };
      const before = d.lower?.of;
      if ((d.upper && !upper) || (d.lower && !lower)) continue;
      if (upper?.window) {
        context.report.error("E117", spanIn(scope, d.span), "the upper bound of a time index is t, or t and a number");
        continue;
      }
      if (before) {
        if (!d.lower!.strict || d.upper?.strict !== false || upper?.offset !== 0) {
          context.report.error("E117", spanIn(scope, d.span), "a time index between two others is written `s < r ≤ t`");
          continue;
        }
        later.push(() => {
          const other = scope.names.get(before.name);
          if (other?.kind === "index" && other.symbol.type === "time") add(d.name, { type: "time", from: 1, upper: 0, after: other.symbol.name });
          else undeclaredIndex(scope, before);
        });
        continue;
      }
      add(d.name, {
        type: "time",
        from: 1,
        upper: upper && (d.upper!.strict ? upper.offset - 1 : upper.offset),
        lower: lower && !lower.window ? (d.lower!.strict ? lower.offset + 1 : lower.offset) : undefined,
        window: lower?.window && addDimensions(lower.window, constant((d.lower!.strict ? 0 : 1) - lower.offset)),
      });
    }
  }
  for (const declare of later) declare();
  // An index whose range is broken has been reported; its uses are not reported again.
  for (const d of scope.declarations) {
    const declared = d.kind === "range" ? d.names : d.kind === "bound" ? [d.name] : [];
    for (const { name } of declared) if (!scope.names.has(name)) scope.undeclared.add(name);
  }
}

/** A bound relative to t (`0`, `-3`, `-W`, `-W + 1`) as a distance and, if it names sizes, a window. */
function relativeToNow(scope: Scope, expression: Expression): { offset: number; window?: Dimension } | undefined {
  const number = numberOf(expression);
  if (number !== undefined && Number.isInteger(number)) return { offset: number };
  const negative = negated(scope, expression);
  if (negative) {
    const offset = negative.filter((m) => m.unknowns.length === 0).reduce((sum, m) => sum + m.coefficient, 0);
    return { offset: offset === 0 ? 0 : -offset, window: negative.filter((m) => m.unknowns.length > 0) };
  }
  scope.context.report.error("E117", spanIn(scope, expression.span), "a bound of a time index is t, or t and a number or size", {
    label: "like t, t-1, t-W",
  });
  return undefined;
}

/** The negative of a bound as a size. */
function negated(scope: Scope, expression: Expression): Dimension | undefined {
  if (expression.kind === "unary" && expression.op === "neg") return dimensionOf(scope, expression.operand);
  if (expression.kind !== "binary" || (expression.op !== "add" && expression.op !== "sub")) return undefined;
  const left = expression.left.kind === "number" && expression.left.value === 0 ? [] : negated(scope, expression.left);
  const right = left && dimensionOf(scope, expression.right);
  return left && right && addDimensions(left, right, expression.op === "sub" ? 1 : -1);
}

function declareDefinitions(scope: Scope): void {
  const { context } = scope;
  const places = new Map<string, Span>();
  for (const definition of scope.definitions) {
    const { name } = definition.target;
    const span = spanIn(scope, definition.target.span);
    const earlier = places.get(name);
    if (earlier) {
      context.report.error("E101", span, `${name} is defined twice`, {
        label: "second definition",
        reasons: [{ message: `${name} is first defined on line ${context.report.line(earlier)}`, span: earlier }],
      });
      continue;
    }
    places.set(name, span);
    const meaning = scope.names.get(name);
    if (meaning?.kind === "argument") {
      const input = scope.block.header?.inputs.find((each) => each.name === name);
      context.report.error("E102", span, `${name} is an input of the block, so it cannot be defined`, {
        label: "already given",
        reasons: input ? [{ message: `${name} is an input in the header`, span: spanIn(scope, input.span) }] : [],
      });
      continue;
    }
    if (meaning?.kind === "index") context.report.error("E116", span, `${name} is an index, so it cannot be defined`, { label: "the name is taken" });
    const indices: string[] = [];
    for (const index of definition.indices) {
      const found = scope.names.get(index.name);
      if (found?.kind === "index") indices.push(found.symbol.name);
      else undeclaredIndex(scope, index);
    }
    const symbol: ValueSymbol = {
      kind: "value",
      name: scope.prefix + name,
      span,
      shape: unknownShape(),
      indices,
      logarithm: definition.form === "log" ? `${scope.prefix}log ${name}` : undefined,
      used: false,
      lags: new Map(),
      initial: new Map(),
      output: scope.block.header?.outputs.some((output) => output.name === name) ?? false,
      generated: false,
    };
    scope.names.set(name, { kind: "value", symbol });
    context.model.values.set(symbol.name, symbol);
    if (symbol.logarithm) {
      const logarithm: ValueSymbol = {
        ...symbol,
        name: symbol.logarithm,
        logarithm: undefined,
        used: true,
        lags: new Map(),
        initial: new Map(),
        output: false,
      };
      context.model.values.set(logarithm.name, logarithm);
    }
  }
}

/** E110 for an index letter that no `where` line declares. */
export function undeclaredIndex(scope: Scope, index: Identifier): void {
  const { report } = scope.context;
  const last = scope.block.items.at(-1);
  if (scope.undeclared.has(index.name)) return;
  scope.undeclared.add(index.name);
  const isTime = index.name === "s" || index.name === "τ";
  const text = isTime ? `${index.name} ≤ t` : `${index.name} ∈ 1..${index.name.toUpperCase()}`;
  report.error("E110", spanIn(scope, index.span), `the index ${index.name} is not declared`, {
    label: "no range",
    edit:
      last && !scope.site
        ? {
            span: { start: last.span.end, end: last.span.end },
            text: last.kind === "where" ? `, ${text}` : `\n  where ${text}`,
            label: `where ${text}`,
          }
        : undefined,
  });
}

function declareShapes(scope: Scope): void {
  for (const d of scope.declarations) {
    if (d.kind !== "shape") continue;
    const sizes = d.sizes.map((size) => dimensionOf(scope, size));
    if (sizes.some((size) => size === undefined)) continue;
    for (const target of d.names) declareShape(scope, target, sizes as Dimension[], d.span);
  }
}

function declareShape(scope: Scope, target: Indexed, sizes: readonly Dimension[], span: Span): void {
  const { report } = scope.context;
  const { name } = target.name;
  const place = spanIn(scope, joinSpans(target.name.span, span));
  if (scope.shapes.has(name)) {
    report.error("E118", spanIn(scope, target.name.span), `the shape of ${name} is declared twice`, {
      reasons: [{ message: "first declaration", span: scope.shapes.get(name)!.span }],
    });
    return;
  }
  const leading: Dimension[] = [];
  for (const index of target.indices) {
    const meaning = scope.names.get(index.name);
    if (meaning?.kind !== "index") undeclaredIndex(scope, index);
    else if (meaning.symbol.size) leading.push(meaning.symbol.size);
  }
  const isValue = scope.names.get(name)?.kind === "value";
  scope.shapes.set(name, { dims: isValue ? sizes : [...leading, ...sizes], indices: leading.length, span: place });
  scope.mentioned.set(name, spanIn(scope, target.name.span));
}

function declareOptions(scope: Scope): void {
  for (const d of scope.declarations) {
    if (d.kind === "option") {
      for (const name of d.names) {
        const options = scope.options.get(name.name) ?? new Map();
        scope.options.set(name.name, options);
        for (const { name: word, value, more } of d.options) options.set(word.name, { value, more, span: spanIn(scope, word.span) });
        scope.mentioned.set(name.name, spanIn(scope, name.span));
      }
    }
    if (d.kind === "distribution" || d.kind === "gate") for (const name of d.names) scope.mentioned.set(name.name, spanIn(scope, name.span));
  }
}

/** "a size", "an input", … for messages. */
export function describe(meaning: Meaning): string {
  switch (meaning.kind) {
    case "value":
      return "a definition";
    case "argument":
      return "an input";
    case "index":
      return "an index";
    case "size":
      return "a size";
  }
}
