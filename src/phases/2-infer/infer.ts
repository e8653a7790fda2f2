/**
 * Phase 2, first half: syntax → network.
 *
 * In: a parsed file. Out: the Network of its main block, with every name, shape, lag and gate resolved, and the author's mistakes as diagnostics
 * (E1xx names, E2xx shapes, E3xx time, W1xx, W2xx warnings). Never throws for any text, never guesses a size.
 */
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Source } from "../../support/source.ts";
import type { Block, Expression, File } from "../../ir/syntax/node.ts";
import { visitTerm } from "../../ir/network/equation.ts";
import type { Network } from "../../ir/network/node.ts";
import { blockParameters } from "./callees.ts";
import { type Draft, dimsOf, type InputSymbol, type Model, type Reporter, unknownShape } from "./draft.ts";
import { checkTypes, explainShapes, explainUndecided } from "./explain-shapes.ts";
import { freeze } from "./freeze.ts";
import { findGates } from "./gates.ts";
import { blocksByName, inlineCall, outputsOf, resolveBlock, warnUnused } from "./inline.ts";
import { calledBlocks, mainBlock } from "./main-block.ts";
import { nameSizes } from "./name-sizes.ts";
import { type Component, orderValues } from "./order.ts";
import { reporter } from "./report-mistakes.ts";
import { type Context, openScope } from "./scope.ts";
import { sizeSolver } from "./sizes.ts";
import { tieCopies } from "./repeats.ts";
import { solveShapes } from "./solve-shapes.ts";
import { warnRedundant } from "./warn-redundant.ts";

export interface InferOptions {
  /** Name of the main block; if absent, the last of the file that no other one calls. */
  readonly main?: string;
  /** Files whose blocks may be called by name. */
  readonly library?: Readonly<Record<string, File>>;
  /** Names of all blocks that the library could bring in, for corrections. */
  readonly libraryNames?: readonly string[];
}

/** Resolves a file's main block to a network; absent if there is any error. Blocks that the main block does not call are checked too. */
export function infer(
  file: File,
  source: Source,
  options: InferOptions = {},
): { readonly diagnostics: readonly Diagnostic[]; readonly network?: Network } {
  const report = reporter(source);
  const { blocks } = file;
  const names = new Map<string, Block>();
  for (const block of blocks) {
    if (!block.header) continue;
    const { name, span } = block.header.name;
    const earlier = names.get(name);
    if (earlier) {
      report.error("E128", span, `there are two blocks named ${name}`, {
        label: "second block",
        reasons: [{ message: "first block", span: earlier.header!.name.span }],
      });
    }
    names.set(name, block);
  }
  const main = options.main === undefined ? mainBlock(blocks, names) : names.get(options.main);
  if (!main) {
    // A file without blocks has been reported by the parser.
    if (options.main !== undefined)
      report.error("E104", { start: 0, end: Math.min(1, source.text.length) }, `there is no block named ${options.main}`);
    return { diagnostics: report.diagnostics };
  }
  const network = inferBlock(main, file, options, report, true);
  const called = calledBlocks(main, names);
  for (const block of blocks) if (block !== main && !called.has(block)) inferBlock(block, file, options, report, false);
  return report.failed || !network ? { diagnostics: report.diagnostics } : { diagnostics: report.diagnostics, network };
}

function inferBlock(block: Block, file: File, options: InferOptions, report: Reporter, isMain: boolean): Network | undefined {
  const model: Model = {
    inputs: new Map(),
    weights: new Map(),
    values: new Map(),
    indices: new Map(),
    gates: new Map(),
    outputs: [],
    name: block.header?.name.name ?? "main",
    documentation: block.documentation,
  };
  const solver = sizeSolver();
  const library = new Map<string, { block: Block; blocks: ReadonlyMap<string, Block> }>();
  for (const [name, each] of Object.entries(options.library ?? {})) {
    const own = blocksByName(each.blocks);
    const found = own.get(name) ?? each.blocks.at(-1);
    if (found) library.set(name, { block: found, blocks: own });
  }
  const context: Context = {
    model,
    report,
    solver,
    library,
    libraryNames: options.libraryNames ?? [...library.keys()],
    declared: [],
    instances: 0,
    copies: 0,
    isTooLarge: false,
    prefixes: new Set(),
    sizes: new Map(),
    repeats: [],
    parameters: new Map(),
    inline: inlineCall,
  };
  const blocks = blocksByName(file.blocks);
  const [parameter] = blockParameters(context, block, blocks);
  if (parameter !== undefined) {
    // What it is made of is known where it is called, and looked at there.
    if (isMain) {
      const place = block.header!.inputs.find((input) => input.name === parameter)!.span;
      const text = `${model.name} takes a block as ${parameter}, so it is no network by itself`;
      report.error("E136", place, text, { label: `call it from another block, as ${exampleCall(block, parameter)}` });
    }
    return undefined;
  }
  const args = declareInputs(block, model, report);
  const scope = openScope(context, block, { prefix: "", template: "", callees: new Map(), blocks, stack: [model.name], args });
  resolveBlock(scope);
  if (context.isTooLarge) return undefined;
  model.outputs = outputsOf(scope).filter((name) => model.values.has(name));
  warnUnused(scope, model.outputs);
  if (!block.header && model.inputs.size === 0) {
    report.error("E130", block.span, "nothing here is an input: no name has a time", { label: "write a header: name(x) → h" });
  }
  const components = orderValues(model, report);
  checkCentred(model, components, report);
  checkInitials(model, report);
  const shapes = solveShapes(model, solver, context.declared);
  tieCopies(context);
  nameSizes(model, solver);
  explainShapes(model, report, shapes, block);
  checkTypes(model, report);
  if (!report.failed) explainUndecided(model, report);
  checkLoss(model, report);
  if (report.failed || model.values.size === 0) return undefined;
  warnRedundant(model, report);
  const gates = findGates(model, components);
  const named = gates.some((gate) => model.values.get(gate.value)!.generated);
  const network = freeze(model, solver, named ? orderValues(model, report) : components, gates, report);
  return report.failed ? undefined : network;
}

/** `residual(lstm, x)`: a header with a block in place of the parameter. */
function exampleCall(block: Block, parameter: string): string {
  const { name, inputs } = block.header!;
  return `${name.name}(${inputs.map((input) => (input.name === parameter ? "lstm" : input.name)).join(", ")})`;
}

/** A centred convolution reads later steps, which a recurrence has not computed yet. */
function checkCentred(model: Model, components: readonly Component[], report: Reporter): void {
  for (const { names, direction } of components) {
    if (!direction) continue;
    for (const name of names) {
      const equation = model.values.get(name)?.equation;
      if (!equation) continue;
      visitTerm(equation.value, (term) => {
        if (term.kind !== "convolution" || term.taps.offset >= 0 || term.operand.kind !== "value" || !names.includes(term.operand.name)) return;
        report.error("E306", term.operand.span, "a centred convolution reads later steps, which a recurrence has not computed yet", {
          label: "drop `same`, or convolve what does not depend on the past",
        });
      });
    }
  }
}

/** What lies before the first step or after the last is of use only to equations that read there. */
function checkInitials(model: Model, report: Reporter): void {
  const convolved = new Set<string>();
  for (const { equation } of model.values.values())
    if (equation)
      visitTerm(equation.value, (term) => term.kind === "convolution" && term.operand.kind === "value" && convolved.add(term.operand.name));
  for (const symbol of model.values.values()) {
    for (const [lag, { span }] of symbol.initial) {
      const reads = [...symbol.lags].find(([read]) => read > 0 === lag > 0);
      if (reads || (lag > 0 && convolved.has(symbol.name))) continue;
      const [other] = symbol.lags.values();
      const name = symbol.name.slice(symbol.name.lastIndexOf(".") + 1);
      const text = report.quote(span);
      const target = /^[^=[\]]+\[[^\]]*\](?=\s*=)/u.exec(text)?.[0];
      const cure = `${target?.slice(0, target.indexOf("["))}[${lag > 0 ? "T+1" : "0"}]`;
      const place = lag > 0 ? "before its first step" : "after its last step";
      report.error("E309", span, `no equation reads ${name} ${place}, so it needs no value there`, {
        label: "never read",
        reasons: other ? [{ message: `\`${report.quote(other)}\` reads ${lag > 0 ? "a later" : "an earlier"} step`, span: other }] : [],
        edit: other && target ? { span: { start: span.start, end: span.start + target.length }, text: cure, label: cure } : undefined,
      });
    }
  }
}

/** Inputs of the main block: the header's, or names with a time that nothing defines. */
function declareInputs(block: Block, model: Model, report: Reporter): Map<string, Draft> {
  const args = new Map<string, Draft>();
  const add = (name: string, span: Draft["span"]): void => {
    const symbol: InputSymbol = {
      kind: "input",
      name,
      span,
      shape: unknownShape(),
      type: undefined,
      perStep: true,
      perExample: true,
      lookAhead: 0,
      used: false,
    };
    model.inputs.set(name, symbol);
    args.set(name, { kind: "input", name, lag: 0, span, shape: symbol.shape });
  };
  if (block.header) {
    for (const input of block.header.inputs) {
      if (args.has(input.name)) report.error("E102", input.span, `the input ${input.name} is named twice`, { label: "second time" });
      else add(input.name, input.span);
    }
    return args;
  }
  const defined = new Set(block.items.flatMap((item) => (item.kind === "definition" ? [item.target.name] : [])));
  for (const item of block.items) {
    if (item.kind !== "definition") continue;
    timedNames(item.value, (name, span) => {
      if (!defined.has(name) && !args.has(name)) add(name, span);
    });
  }
  return args;
}

function timedNames(expression: Expression, found: (name: string, span: Draft["span"]) => void): void {
  switch (expression.kind) {
    case "subscript":
      if (expression.base.kind === "name" && expression.subscripts.some((s) => s.kind === "time")) found(expression.base.name, expression.base.span);
      timedNames(expression.base, found);
      for (const subscript of expression.subscripts) if (subscript.kind === "index") timedNames(subscript.value, found);
      return;
    case "call":
      for (const arg of expression.args) timedNames(arg, found);
      return;
    case "unary":
    case "absolute":
      return timedNames(expression.operand, found);
    case "binary":
      timedNames(expression.left, found);
      return timedNames(expression.right, found);
    case "reduction":
      return timedNames(expression.body, found);
    case "concatenation":
      for (const part of expression.parts) timedNames(part, found);
      return;
    default:
      return;
  }
}

function checkLoss(model: Model, report: Reporter): void {
  const loss = model.values.get("loss");
  if (!loss?.equation || report.failed) return;
  const dims = dimsOf(loss.shape);
  if (dims && dims.length > 0) report.error("E215", loss.span, "loss is not a number", { label: "sum or average it over its components" });
}
