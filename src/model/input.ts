/**
 * Reads what a caller gives a run: works out sequences and batch, checks every number.
 *
 * In: arrays in any of the accepted forms. Out: flat time-major arrays with the number of steps and sequences. Errors name the input, what was
 * expected and what was found.
 */
import { visitTerm } from "../ir/network/equation.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { isNamed, kindOf, requireKind } from "../support/options.ts";
import { type ArrayInput, flatten, hasShape, isArray, shapeText } from "./arrays.ts";
import type { RunInputs, RunOptions } from "./model.ts";
import type { RunNetwork } from "./run.ts";
import { type Sizes, shapeOf, sizeValue } from "./sizes.ts";

export interface ReadInputs {
  readonly steps: number;
  readonly batch: number;
  /** True if one sequence was given without a batch axis: results have none either. */
  readonly single: boolean;
  readonly inputs: Readonly<Record<string, Float32Array | Int32Array>>;
}

/** Names of the inputs that these values depend on. */
function inputsBehind(network: RunNetwork, names: readonly string[]): readonly string[] {
  const equations = new Map(network.equations?.map((equation) => [equation.name, equation]));
  const found = new Set<string>();
  const seen = new Set<string>();
  const open = names.map((name) => (name.startsWith("loss") && network.loss !== undefined ? network.loss : name.replace(/\[T\]$/, "")));
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const state = network.states.find((each) => each.name === name);
    if (state?.initial.kind === "input") found.add(state.initial.name);
    const terms = [
      equations.get(name)?.value,
      ...(network.initials ?? []).filter((initial) => initial.state.split("~")[0] === name).map((initial) => initial.value),
    ];
    for (const term of terms) {
      if (term === undefined) continue;
      visitTerm(term, (part) => {
        if (part.kind === "input") found.add(part.name);
        if (part.kind === "value") open.push(part.name);
      });
    }
  }
  return network.inputs.map((input) => input.name).filter((name) => found.has(name));
}

/**
 * Inputs by name, whatever form the caller chose: values without a name are those of the one input that `names` depend on.
 * @throws SluiceError E456 if names are needed or unknown
 */
function inputsByName(network: RunNetwork, inputs: RunInputs, names: readonly string[]): Readonly<Record<string, ArrayInput>> {
  if (typeof inputs === "number" || isArray(inputs) || hasShape(inputs)) {
    const all = network.inputs.length === 1 || network.equations === undefined;
    const needed = all ? network.inputs.map((input) => input.name) : inputsBehind(network, names);
    if (needed.length !== 1)
      throw new SluiceError(
        "E456",
        `${names.join(", ")} read the inputs ${needed.join(", ") || "none"}; give them by name, { ${needed[0] ?? "x"}: … }`,
      );
    return { [needed[0]]: inputs as ArrayInput };
  }
  if (!isNamed(inputs))
    throw new SluiceError("E456", `the inputs must be arrays by name, { ${network.inputs[0]?.name ?? "x"}: … }, not ${kindOf(inputs)}`);
  for (const name of Object.keys(inputs)) {
    if (!network.inputs.some((input) => input.name === name))
      throw new SluiceError(
        "E456",
        `${network.name} has no input ${name}; its inputs are ${listNames(network)}${name === "reset" ? "; where documents begin is an option of the run: run(inputs, { reset })" : ""}`,
      );
  }
  return inputs as Readonly<Record<string, ArrayInput>>;
}

/**
 * Reads all inputs given for a run that wants `names`. Inputs that it needs and lacks are found later, when it is known what it reads.
 * @throws SluiceError E450, E455, E456, E457
 */
export function readInputs(network: RunNetwork, sizes: Sizes, given: RunInputs, names: readonly string[], options: RunOptions): ReadInputs {
  const named = inputsByName(network, given, names);
  const read: { declaration: RunNetwork["inputs"][number]; item: readonly number[]; data: ArrayLike<number>; lead: readonly number[] }[] = [];
  const { batch: count, lengths } = options;
  requireKind(count === undefined || (Number.isInteger(count) && count >= 1), "batch", "a whole number of at least 1", count);
  requireKind(lengths === undefined || isArray(lengths), "lengths", "a list with one number for each sequence", lengths);
  const batchHint = count ?? lengths?.length;
  for (const declaration of network.inputs) {
    const value = named[declaration.name];
    if (value === undefined) continue;
    const item = shapeOf(declaration.shape, sizes, `the input ${declaration.name}`);
    const what = `the input ${declaration.name}`;
    const flat = flatten(value, what);
    const lead = flat.shaped ? leadingAxes(declaration, item, flat.shape, what) : guessLead(declaration, item, flat.data.length, batchHint, what);
    checkNumbers(declaration, sizes, item, lead, flat.data);
    read.push({ declaration, item, data: flat.data, lead });
  }
  const perStep = read.filter(({ declaration }) => declaration.perStep);
  if (perStep.length === 0) throw new SluiceError("E456", `${network.name} was given no input over time; its inputs are ${listNames(network)}`);
  const { steps, batch, single } = commonSizes(perStep, batchHint);
  for (const { declaration, lead } of read) {
    const found = declaration.perStep ? lead[1] : lead[0];
    if (declaration.perExample && (found ?? 1) !== batch)
      throw new SluiceError("E455", `the input ${declaration.name} is for ${found ?? 1} sequences, but ${perStep[0].declaration.name} has ${batch}`);
  }
  const inputs: Record<string, Float32Array | Int32Array> = {};
  for (const { declaration, data } of read) inputs[declaration.name] = declaration.type === "index" ? Int32Array.from(data) : Float32Array.from(data);
  return { steps, batch, single, inputs };
}

function commonSizes(
  read: readonly { readonly declaration: RunNetwork["inputs"][number]; readonly lead: readonly number[] }[],
  batchHint: number | undefined,
): { steps: number; batch: number; single: boolean } {
  const [first] = read;
  for (const { declaration, lead } of read) {
    if (lead[0] !== first.lead[0])
      throw new SluiceError("E455", `the input ${declaration.name} has ${lead[0]} steps, but ${first.declaration.name} has ${first.lead[0]}`);
  }
  const single = read.every(({ lead }) => lead.length === 1) && batchHint === undefined;
  const batch = read.find(({ lead }) => lead.length === 2)?.lead[1] ?? 1;
  if (batchHint !== undefined && batchHint !== batch)
    throw new SluiceError("E455", `the input ${first.declaration.name} has ${batch} sequences, but ${batchHint} are said to be there`);
  if (first.lead[0] < 1) throw new SluiceError("E455", `the input ${first.declaration.name} has no time steps`);
  return { steps: first.lead[0], batch, single };
}

// Axes before the item's own: [T] or [T, B] over time, [] or [B] for what is given once.
function leadingAxes(declaration: RunNetwork["inputs"][number], item: readonly number[], shape: readonly number[], what: string): readonly number[] {
  const own = shape.slice(Math.max(0, shape.length - item.length));
  const lead = shape.slice(0, shape.length - own.length);
  const least = declaration.perStep ? 1 : 0;
  const most = least + (declaration.perExample ? 1 : 0);
  const fits = own.length === item.length && own.every((size, i) => size === item[i]);
  if (fits && lead.length >= least && lead.length <= most) return lead;
  // One number per step may be written without its axis of length 1.
  if (item.length === 1 && item[0] === 1 && shape.length >= least && shape.length <= most) return shape;
  throw new SluiceError("E455", `${what} must have the shape ${expected(declaration, item)}, but ${shapeText(shape)} was given`);
}

function guessLead(
  declaration: RunNetwork["inputs"][number],
  item: readonly number[],
  length: number,
  batchHint: number | undefined,
  what: string,
): readonly number[] {
  const row = item.reduce((a, b) => a * b, 1);
  const batch = declaration.perExample ? batchHint : undefined;
  const chunk = row * (batch ?? 1);
  const tail = batch === undefined ? [] : [batch];
  if (!declaration.perStep) {
    if (length === chunk) return tail;
  } else if (length % chunk === 0) return [length / chunk, ...tail];
  throw new SluiceError(
    "E455",
    `${what} must have the shape ${expected(declaration, item)}; ${length} numbers are no whole number of rows of ${chunk}`,
  );
}

function expected(declaration: RunNetwork["inputs"][number], item: readonly number[]): string {
  if (!declaration.perStep) return declaration.perExample ? `${shapeText(item)} or ${shapeText(["batch", ...item])}` : shapeText(item);
  return declaration.perExample ? `${shapeText(["steps", ...item])} or ${shapeText(["steps", "batch", ...item])}` : shapeText(["steps", ...item]);
}

function checkNumbers(
  declaration: RunNetwork["inputs"][number],
  sizes: Sizes,
  item: readonly number[],
  lead: readonly number[],
  data: ArrayLike<number>,
): void {
  const range = declaration.type === "index" && declaration.range !== undefined ? sizeValue(declaration.range, sizes) : undefined;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    const good =
      declaration.type === "real" ? Number.isFinite(value) : Number.isInteger(value) && value >= 0 && (range === undefined || value < range);
    if (good) continue;
    const wanted =
      declaration.type === "real" ? "a finite number" : range === undefined ? "a whole number ≥ 0" : `a whole number from 0 to ${range - 1}`;
    throw new SluiceError("E457", `the input ${declaration.name}${placeText([...lead, ...item], i)} is ${kindOf(value)}; it must be ${wanted}`);
  }
}

function placeText(shape: readonly number[], index: number): string {
  const place: number[] = [];
  let rest = index;
  for (let k = shape.length - 1; k >= 0; k--) {
    place.unshift(rest % shape[k]);
    rest = Math.floor(rest / shape[k]);
  }
  return place.map((position) => `[${position}]`).join("");
}

/** Lengths of the sequences. @throws SluiceError E455 if they do not fit the batch */
export function readLengths(lengths: ArrayLike<number>, { steps, batch }: ReadInputs): Int32Array {
  if (lengths.length !== batch) throw new SluiceError("E455", `${lengths.length} lengths are given for ${batch} sequences`);
  for (let b = 0; b < batch; b++) {
    if (!Number.isInteger(lengths[b]) || lengths[b] < 0 || lengths[b] > steps)
      throw new SluiceError("E455", `the length of sequence ${b} must be a whole number from 0 to ${steps}, not ${lengths[b]}`);
  }
  return Int32Array.from(lengths);
}

function listNames(network: RunNetwork): string {
  return network.inputs.map((input) => input.name).join(", ") || "none";
}
