/**
 * Blocks to equations: resolves every definition of a block, and brings called blocks in with the call's name as a prefix.
 *
 * In: a scope with its declarations. Out: equations, initial values, distributions and gates in the model. Each call has weights of its own.
 * Blocks that call themselves, directly or not, are a mistake.
 */
import type { Block, Definition, Expression } from "../../ir/syntax/node.ts";
import type { Span } from "../../support/source.ts";
import { type Draft, unknownShape, type ValueSymbol, type WeightSymbol } from "./draft.ts";
import { blockParameters, type Callee, calledBlock, namedBlock, otherBlock } from "./callees.ts";
import { productWithInput } from "./corrections.ts";
import { nearestName } from "./functions.ts";
import { freeIndices } from "./free-indices.ts";
import { lastPart } from "./report-inside.ts";
import { isPoison, poison, resolve } from "./resolve.ts";
import { repeatCount } from "./repeats.ts";
import { type CallExpression, openScope, type Scope, spanIn } from "./scope.ts";

const MOST_INSTANCES = 400;
/** With the copies of what is repeated. */
const MOST_COPIES = 4000;

/** Resolves all of a block: definitions, initial values, declared shapes and distributions; then looks for names that do nothing. */
export function resolveBlock(scope: Scope): void {
  markInputs(scope);
  const first = new Set<string>();
  const definitions = scope.definitions.filter((definition) => {
    const meaning = scope.names.get(definition.target.name);
    const fresh = meaning?.kind === "value" && !first.has(definition.target.name);
    first.add(definition.target.name);
    return fresh;
  });
  for (const definition of definitions) if (callsBlock(scope, definition.value)) define(scope, definition);
  for (const definition of definitions) if (!callsBlock(scope, definition.value)) define(scope, definition);
  resolveInitials(scope);
  applyDeclarations(scope);
  checkOutputs(scope);
}

/** `where h0 : static`, `token : index`: what the author says of inputs. */
function markInputs(scope: Scope): void {
  for (const [name, options] of scope.options) {
    const meaning = scope.names.get(name);
    if (meaning?.kind !== "argument" || meaning.term.kind !== "input") continue;
    const symbol = scope.context.model.inputs.get(meaning.term.name)!;
    if (options.has("static") || options.has("shared")) symbol.perStep = false;
    if (options.has("shared")) symbol.perExample = false;
    if (options.has("index")) {
      symbol.type = "index";
      symbol.indexUse ??= options.get("index")!.span;
    }
  }
  for (const d of scope.declarations) {
    if (d.kind !== "initial" || d.value.kind !== "name") continue;
    const meaning = scope.names.get(d.value.name);
    if (meaning?.kind === "argument" && meaning.term.kind === "input") scope.context.model.inputs.get(meaning.term.name)!.perStep = false;
  }
}

function callsBlock(scope: Scope, value: Expression): value is CallExpression {
  return value.kind === "call" && calledBlock(scope, value.callee.name, value.span) !== undefined;
}

function define(scope: Scope, definition: Definition): void {
  const { report, model } = scope.context;
  const meaning = scope.names.get(definition.target.name);
  if (meaning?.kind !== "value") return;
  const { symbol } = meaning;
  const call = callsBlock(scope, definition.value) ? definition.value : undefined;
  const usedByOthers = symbol.used;
  scope.active.push(...symbol.indices);
  const value = call ? scope.context.inline(scope, call, symbol.name) : resolve(scope, definition.value);
  scope.active.length -= symbol.indices.length;
  symbol.used = usedByOthers; // to read oneself is no use
  const span = spanIn(scope, definition.span);
  for (const index of freeIndices(value)) {
    if (symbol.indices.includes(index)) continue;
    const short = lastPart(index);
    const target = definition.target;
    if (call && index.startsWith(`${symbol.name}.`)) {
      report.error("E114", span, `${call.callee.name} gives a value for each ${short}, an index of its own that ${target.name} cannot have`, {
        label: `in a copy of its equations, sum over ${short}`,
      });
      break;
    }
    report.error("E114", span, `\`${target.name}\` depends on the index ${short}, which its left side does not have`, {
      label: `sum over it, or write ${target.name}[${[...symbol.indices.map(lastPart), short].join(",")}] = …`,
      edit:
        symbol.indices.length === 0 && !scope.site
          ? { span: { start: target.span.end, end: target.span.end }, text: `[${short}]`, label: `${target.name}[${short}] = …` }
          : undefined,
    });
    break;
  }
  if (symbol.logarithm) {
    const logarithm = model.values.get(symbol.logarithm)!;
    logarithm.equation = { name: logarithm.name, indices: symbol.indices, value, shape: logarithm.shape, span };
    const inner: Draft = { kind: "value", name: logarithm.name, lag: 0, indices: symbol.indices, span, shape: logarithm.shape };
    const exp: Draft = { kind: "call", function: "exp", args: [inner], options: {}, written: [], span, shape: unknownShape() };
    symbol.equation = { name: symbol.name, indices: symbol.indices, value: exp, shape: symbol.shape, span };
    return;
  }
  const repeat = call?.repeat ? `repeat ${report.quote(call.repeat.span)} ` : "";
  const text = call ? `${symbol.name} = ${repeat}${call.callee.name}(${call.args.map((arg) => report.quote(arg.span)).join(", ")})` : undefined;
  symbol.equation = { name: symbol.name, indices: symbol.indices, value, shape: symbol.shape, span, ...(text && !scope.site ? { text } : {}) };
}

/** A call of a block: its first output. `name`: the name that the call defines, if it is the whole right side. */
export function inlineCall(scope: Scope, call: CallExpression, name: string | undefined): Draft {
  const { report } = scope.context;
  const span = spanIn(scope, call.span);
  const called = calledBlock(scope, call.callee.name, span)!;
  const inputs = called.block.header?.inputs ?? [];
  const parameters = blockParameters(scope.context, called.block, called.blocks);
  const isBlock = inputs.map((input) => parameters.has(input.name));
  if (call.args.length !== inputs.length) {
    report.error("E107", span, `${called.name} takes ${inputs.length} input${inputs.length === 1 ? "" : "s"}, not ${call.args.length}`, {
      label: called.block.header ? `${called.name}(${inputs.map((input) => input.name).join(", ")})` : undefined,
    });
    for (const arg of call.args) if (arg.kind !== "name" || !namedBlock(scope, arg.name, span)) resolve(scope, arg);
    return poison(span);
  }
  const callees = new Map<string, Callee>();
  let isWrong = false;
  const args = call.args.map((arg, k) => {
    if (isBlock[k]) {
      const passed = passedBlock(scope, arg, called.name, inputs[k].name);
      if (passed) callees.set(inputs[k].name, passed);
      else isWrong = true;
      return poison(span);
    }
    if (arg.kind !== "name" || !namedBlock(scope, arg.name, span)) return resolve(scope, arg);
    const text = `${called.name} takes a value as ${inputs[k].name}, and ${arg.name} is a block`;
    report.error("E132", spanIn(scope, arg.span), text, { label: "call it, and pass what it gives" });
    isWrong = true;
    return poison(span);
  });
  if (called.stack.includes(called.name)) {
    const path = [...called.stack.slice(called.stack.indexOf(called.name)), called.name].join(" → ");
    report.error("E120", span, `the block ${called.name} calls itself: ${path}`, { label: "recursion" });
    return poison(span);
  }
  if (call.named.length > 0)
    report.error("E108", spanIn(scope, call.named[0].name.span), `the block ${called.name} has no option ${call.named[0].name.name}`);
  if (isWrong) return poison(span);
  const path = name ?? freePrefix(scope, call.callee.name);
  const values = (prefix: string): Map<string, Draft> =>
    new Map(inputs.flatMap((input, k) => (isBlock[k] ? [] : [[input.name, argument(scope, args[k], prefix + input.name)] as const])));
  if (!call.repeat) return copyBlock(scope, called, { path, span, callees, args: values(`${path}.`) }) ?? poison(span);
  const count = repeatCount(scope, call.repeat);
  if (count === undefined) return poison(span);
  const chained = inputs.find((_, k) => !isBlock[k])?.name;
  if (chained === undefined) {
    report.error("E135", span, `${called.name} has no input that its output could be fed to, so it cannot be repeated`);
    return poison(span);
  }
  const bound = values(`${path}.1.`);
  for (let k = 1; k <= count; k++) {
    const result = copyBlock(scope, called, { path: `${path}.${k}`, template: `${path}.1`, span, callees, args: bound });
    if (!result) return poison(span);
    bound.set(chained, result);
  }
  if (called.block.header) scope.context.repeats.push({ path, count, outputs: called.block.header.outputs.map((output) => output.name) });
  return bound.get(chained)!;
}

/** The block that an argument names; undefined, and a message, if it is something else. */
function passedBlock(scope: Scope, arg: Expression, callee: string, input: string): Callee | undefined {
  const { report } = scope.context;
  const span = spanIn(scope, arg.span);
  const passed = arg.kind === "name" ? namedBlock(scope, arg.name, span) : undefined;
  if (passed) return passed;
  const called = arg.kind === "call" ? calledBlock(scope, arg.callee.name, span) : undefined;
  const near = arg.kind === "name" ? otherBlock(scope, arg.name) : called && called.name;
  report.error("E131", span, `${callee} takes a block as ${input}, and \`${report.quote(span)}\` is none`, {
    label: "name a block here, without its inputs",
    edit: near && !scope.site ? { span: arg.span, text: near, label: near } : undefined,
  });
  return undefined;
}

/** Brings in one copy of a block under a path, and gives its first output. `template`: the path of the first copy, if it is repeated. */
function copyBlock(
  scope: Scope,
  called: Callee,
  use: { path: string; template?: string; span: Span; callees: ReadonlyMap<string, Callee>; args: ReadonlyMap<string, Draft> },
): Draft | undefined {
  const { context } = scope;
  const { report, model } = context;
  const { path, span } = use;
  const template = scope.template + (use.template ?? path).slice(scope.prefix.length);
  const isFirst = template === path;
  if (context.isTooLarge) return undefined;
  if (isFirst) context.instances++;
  context.copies++;
  if (context.instances > MOST_INSTANCES || context.copies > MOST_COPIES) {
    const most = context.instances > MOST_INSTANCES ? MOST_INSTANCES : MOST_COPIES;
    report.error("E121", span, `the blocks call each other more than ${most} times`, { label: "too many copies" });
    context.isTooLarge = true;
    return undefined;
  }
  const prefix = `${path}.`;
  context.prefixes.add(prefix);
  const inner = openScope(context, called.block, {
    prefix,
    template: `${template}.`,
    callees: use.callees,
    blocks: called.blocks,
    site: called.site,
    stack: [...called.stack, called.name],
    args: use.args,
  });
  resolveBlock(inner);
  const outputs = outputsOf(inner);
  const output = model.values.get(prefix + outputs[0]);
  // A header whose outputs could not be read promises none.
  if (outputs.length === 0) report.error("E126", span, `the block ${called.name} has no output`, { label: "no equation" });
  if (!output) return undefined;
  for (const each of outputs) {
    const symbol = model.values.get(prefix + each);
    if (symbol) symbol.output = true;
  }
  output.used = true;
  if (!called.site) warnUnused(inner, outputs);
  return { kind: "value", name: output.name, lag: 0, indices: output.indices, span, shape: output.shape };
}

/** What stands for an input inside the called block: a name as it is, anything else through a definition of its own. */
function argument(scope: Scope, term: Draft, path: string): Draft {
  if (isPoison(term) || term.kind === "input" || term.kind === "value" || term.kind === "number" || term.kind === "weight" || term.kind === "size")
    return term;
  const indices = [...freeIndices(term)];
  const symbol: ValueSymbol = {
    kind: "value",
    name: path,
    span: term.span,
    shape: unknownShape(),
    indices,
    used: true,
    lags: new Map(),
    initial: new Map(),
    output: false,
    generated: true,
  };
  symbol.equation = { name: path, indices, value: term, shape: symbol.shape, span: term.span };
  scope.context.model.values.set(path, symbol);
  return { kind: "value", name: path, lag: 0, indices, span: term.span, shape: symbol.shape };
}

/** A readable prefix for a call inside an expression: the block's name, with a number if it is taken. */
function freePrefix(scope: Scope, callee: string): string {
  const { model } = scope.context;
  const taken = (path: string): boolean =>
    model.values.has(path) || scope.names.has(path.slice(scope.prefix.length)) || scope.context.prefixes.has(`${path}.`);
  for (let k = 1; ; k++) {
    const path = scope.prefix + callee + (k === 1 ? "" : k);
    if (!taken(path)) {
      scope.context.prefixes.add(`${path}.`);
      return path;
    }
  }
}

/** The header's outputs; without a header the definitions that nothing reads at their own time. */
export function outputsOf(scope: Scope): string[] {
  if (scope.block.header) return scope.block.header.outputs.map((output) => output.name);
  const read = new Set<string>();
  for (const definition of scope.definitions) readNow(definition.value, read);
  const names = scope.definitions.map((definition) => definition.target.name).filter((name) => name !== "loss");
  const unread = names.filter((name) => !read.has(name));
  return unread.length > 0 ? [...new Set(unread)] : names.slice(-1);
}

/** Names that an expression reads at its own time. */
function readNow(expression: Expression, found: Set<string>): void {
  switch (expression.kind) {
    case "name":
      found.add(expression.name);
      return;
    case "subscript": {
      const lag = expression.subscripts.reduce((sum, s) => sum + (s.kind === "time" ? s.lag : 0), 0);
      if (lag === 0) readNow(expression.base, found);
      for (const subscript of expression.subscripts) if (subscript.kind === "index") readNow(subscript.value, found);
      return;
    }
    case "call":
      for (const arg of expression.args) readNow(arg, found);
      return;
    case "unary":
    case "absolute":
      return readNow(expression.operand, found);
    case "binary":
      readNow(expression.left, found);
      return readNow(expression.right, found);
    case "reduction":
      return readNow(expression.body, found);
    case "concatenation":
      for (const part of expression.parts) readNow(part, found);
      return;
    default:
      return;
  }
}

function resolveInitials(scope: Scope): void {
  const { report, model } = scope.context;
  for (const d of scope.declarations) {
    if (d.kind !== "initial") continue;
    const span = spanIn(scope, d.span);
    const meaning = scope.names.get(d.name.name);
    const symbol = meaning?.kind === "value" ? meaning.symbol : undefined;
    const input = meaning?.kind === "argument" && meaning.term.kind === "input" ? model.inputs.get(meaning.term.name) : undefined;
    if (!symbol) {
      const near = nearestName(
        d.name.name,
        [...scope.names].filter(([, m]) => m.kind === "value").map(([n]) => n),
      );
      report.error(
        "E103",
        spanIn(scope, d.name.span),
        input ? `${d.name.name} is an input: what lies before its first step is 0` : `${d.name.name} is not defined, so it has no initial value`,
        {
          label: "not a state",
          edit: near && !scope.site ? { span: d.name.span, text: near, label: near } : undefined,
        },
      );
      continue;
    }
    if (symbol.initial.has(d.lag)) {
      report.error("E118", span, `the initial value of ${d.name.name} is declared twice`, {
        reasons: [{ message: "first declaration", span: symbol.initial.get(d.lag)!.span }],
      });
      continue;
    }
    const whole = resolve(scope, d.value, true);
    const foreign = [...freeIndices(whole)].find((index) => !symbol.indices.includes(index));
    if (foreign !== undefined) {
      report.error(
        "E114",
        whole.span,
        `the initial value of ${d.name.name} depends on the index ${lastPart(foreign)}, which ${d.name.name} does not have`,
      );
      continue;
    }
    if (whole.kind === "weight") model.weights.get(whole.name)!.initialOf = symbol.name;
    // `S[0] = S0` of a definition `S[n]` gives every n its own part of S0.
    const value =
      whole.kind === "weight" || whole.kind === "input"
        ? symbol.indices.reduce<Draft>((operand, index) => ({ kind: "component", operand, index, span: whole.span, shape: unknownShape() }), whole)
        : whole;
    symbol.initial.set(d.lag, { value, span });
  }
}

function applyDeclarations(scope: Scope): void {
  const { report, model } = scope.context;
  const target = (name: string): ValueSymbol | WeightSymbol | { shape: Draft["shape"] } | undefined => {
    const meaning = scope.names.get(name);
    if (meaning?.kind === "value") return meaning.symbol;
    if (meaning?.kind === "argument") return meaning.term.kind === "input" ? model.inputs.get(meaning.term.name) : meaning.term;
    return model.weights.get(scope.prefix + name);
  };
  for (const [name, place] of scope.mentioned) {
    if (target(name)) continue;
    const weights = [...model.weights.keys()].filter((key) => key.startsWith(scope.prefix)).map((key) => key.slice(scope.prefix.length));
    const near = nearestName(name, [...weights, ...scope.names.keys()]);
    report.error("E122", place, `${name} is declared, but no equation uses it`, {
      label: "no such name",
      edit: near && !scope.site ? { span: place, text: near, label: near } : undefined,
    });
  }
  for (const [name, shape] of scope.shapes) {
    const symbol = target(name);
    if (!symbol) continue;
    if ("declared" in symbol || "uses" in symbol || "equation" in symbol) (symbol as ValueSymbol).declared = shape.span;
    scope.context.declared.push({ shape: symbol.shape, dims: shape.dims, span: shape.span, name });
  }
  for (const d of scope.declarations) {
    if (d.kind === "distribution") {
      for (const name of d.names) {
        const symbol = model.weights.get(scope.prefix + name.name);
        if (symbol) symbol.distribution = { value: d.value, scope: scope.prefix };
        else if (target(name.name)) {
          report.error("E123", spanIn(scope, name.span), `${name.name} is not a weight, so it has no initial distribution`, {
            label: "`~` is for weights",
            reasons: [{ message: "states begin with `h[0] = …`" }],
          });
        }
      }
    }
    if (d.kind === "gate") for (const name of d.names) if (target(name.name)) model.gates.set(scope.prefix + name.name, spanIn(scope, name.span));
  }
  for (const [name, options] of scope.options) {
    const symbol = target(name);
    const isWeight = symbol && "uses" in symbol;
    const isInput = symbol && "lookAhead" in symbol;
    for (const [option, { span }] of options) {
      const forInput = option === "static" || option === "shared" || option === "index";
      if (symbol && forInput !== Boolean(isInput) && (forInput || !isWeight)) {
        report.error("E124", span, `the option ${option} is for ${forInput ? "inputs" : "weights"}, which ${name} is not`);
      }
    }
  }
}

function checkOutputs(scope: Scope): void {
  const { report, model } = scope.context;
  const { header } = scope.block;
  if (!header) return;
  const defined = [...scope.names].filter(([, meaning]) => meaning.kind === "value").map(([name]) => name);
  for (const output of header.outputs) {
    const meaning = scope.names.get(output.name);
    if (meaning?.kind === "value") continue;
    if (meaning?.kind === "argument") {
      report.error("E125", spanIn(scope, output.span), `${output.name} is both an input and an output`, { label: "define an output of its own" });
      continue;
    }
    const unread = defined.filter((name) => !model.values.get(scope.prefix + name)?.used);
    const near = nearestName(output.name, defined) ?? (unread.length === 1 ? unread[0] : undefined);
    report.error("E126", spanIn(scope, output.span), `the output ${output.name} is never defined`, {
      label: "no equation",
      edit: near && !scope.site ? { span: output.span, text: near, label: near } : undefined,
    });
  }
}

/** Names that lead nowhere: definitions that nothing reads, inputs that nothing uses. Only for blocks of the author's file. */
export function warnUnused(scope: Scope, outputs: readonly string[]): void {
  const { report, model } = scope.context;
  // A wrong output has been reported; what was meant to be it is not reported again.
  const outputsFound = scope.block.header?.outputs.every((output) => scope.names.get(output.name)?.kind === "value") ?? true;
  for (const [name, meaning] of scope.names) {
    if (
      outputsFound &&
      meaning.kind === "value" &&
      !meaning.symbol.used &&
      !outputs.includes(name) &&
      name !== "loss" &&
      !model.gates.has(meaning.symbol.name)
    ) {
      report.warning("W101", meaning.symbol.span, `${name} is defined but never used`, { label: "no other equation reads it" });
    }
    if (meaning.kind === "argument" && meaning.term.kind === "input") {
      const symbol = model.inputs.get(meaning.term.name)!;
      if (symbol.used) continue;
      const isReset = name === "reset";
      const weight = [...model.weights.values()].find((each) => productWithInput(model, each.name)?.endsWith(`·${name}`));
      const product = weight && productWithInput(model, weight.name);
      report.warning("W102", symbol.span, `the input ${name} is never used`, {
        label: isReset ? "every block has resets, without an input: run(x, { reset })" : "no equation reads it",
        reasons: weight ? [{ message: `${weight.name} is one name on line ${report.line(weight.span)}`, span: weight.span }] : [],
        edit: product === undefined || scope.site ? undefined : { span: weight!.span, text: product, label: product },
      });
    }
  }
}

/** The blocks of a file by name; the last of equal names counts. */
export function blocksByName(blocks: readonly Block[]): ReadonlyMap<string, Block> {
  return new Map(blocks.flatMap((block) => (block.header ? [[block.header.name.name, block] as const] : [])));
}
