/**
 * Values for the named sizes of a network.
 *
 * In: a network and what the caller (or a dataset) knows. Out: a number for every size, and concrete shapes. Never guesses a size.
 */
import type { Network, Size } from "../ir/network/node.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { isNamed, kindOf, requireKind } from "../support/options.ts";

/** `{ H: 128 }`, or a number for the one free size. */
export type GivenSizes = number | Readonly<Record<string, number>>;
export type Sizes = Readonly<Record<string, number>>;

/** The number that a size stands for; undefined if a name in it has no value yet. */
export function sizeValue(size: Size, sizes: Sizes): number | undefined {
  let total = 0;
  for (const { coefficient, names } of size.terms) {
    let term = coefficient;
    for (const name of names) {
      const value = sizes[name];
      if (value === undefined) return undefined;
      term *= value;
    }
    total += term;
  }
  return total;
}

/** Concrete shape. @throws SluiceError E450 if it is not made of whole numbers ≥ 1; `what` names its owner */
export function shapeOf(shape: readonly Size[], sizes: Sizes, what: string): number[] {
  return shape.map((size) => {
    const value = sizeValue(size, sizes);
    if (value === undefined || !Number.isInteger(value) || value < 1) {
      const text = `${what} would have size ${sizeText(size)} = ${value ?? "unknown"}; sizes must be whole numbers of at least 1`;
      throw new SluiceError("E450", `${text}${partsText(size, sizes)}`);
    }
    return value;
  });
}

/** For a size that is what others leave of a whole: which is the whole, and what it could be divided into. */
function partsText(size: Size, sizes: Sizes): string {
  const parts = remainderOf(size);
  if (!parts) return "";
  const rest = parts.others.join(" + ");
  const share = Math.floor((sizes[parts.whole] ?? 0) / (parts.others.length + 1));
  const example = share >= 1 ? `, for example ${parts.others.map((name) => `${name} = ${share}`).join(" and ")}` : "";
  return `. ${parts.whole} is made of ${rest} and this size, so ${rest} must be less than ${parts.whole}${example}`;
}

/** The names in `H - H2 - H3`: the whole, and the parts that are taken from it; undefined for every other form of size. */
export function remainderOf(size: Size): { readonly whole: string; readonly others: readonly string[] } | undefined {
  if (size.terms.some(({ coefficient, names }) => Math.abs(coefficient) !== 1 || names.length !== 1)) return undefined;
  const wholes = size.terms.filter(({ coefficient }) => coefficient === 1);
  const others = size.terms.filter(({ coefficient }) => coefficient === -1);
  if (wholes.length !== 1 || others.length === 0) return undefined;
  return { whole: wholes[0].names[0], others: others.map(({ names }) => names[0]) };
}

/** "H + 2*D - K" */
export function sizeText(size: Size): string {
  const term = ({ coefficient, names }: Size["terms"][number]): string => {
    const count = Math.abs(coefficient);
    return [...(count === 1 && names.length > 0 ? [] : [String(count)]), ...names].join("*");
  };
  // What is taken away comes last.
  const ordered = [...size.terms.filter(({ coefficient }) => coefficient >= 0), ...size.terms.filter(({ coefficient }) => coefficient < 0)];
  return ordered.map((each, k) => `${each.coefficient < 0 ? (k === 0 ? "-" : " - ") : k === 0 ? "" : " + "}${term(each)}`).join("") || "0";
}

/**
 * Sizes that follow from known widths: each pair says that a size has a value (the features of an input, a vocabulary). A size that is one name
 * times a number is solved for that name.
 * @throws SluiceError E451 if two sources disagree; the message names both
 */
export function solveSizes(known: Sizes, equalities: readonly { readonly size: Size; readonly value: number; readonly because: string }[]): Sizes {
  const sizes: Record<string, number> = { ...known };
  const sources: Record<string, string> = {};
  for (const name of Object.keys(known)) sources[name] = `${name} = ${known[name]} as given`;
  let open = [...equalities];
  for (let progress = true; progress; ) {
    progress = false;
    for (const equality of open) {
      const { size, value, because } = equality;
      const now = sizeValue(size, sizes);
      if (now !== undefined) {
        if (now !== value) {
          const names = size.terms.flatMap((term) => term.names);
          const reasons = names.map((name) => sources[name]).filter((source) => source !== undefined);
          throw new SluiceError("E451", `${because}, but ${sizeText(size)} is ${now}${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}`);
        }
        open = open.filter((other) => other !== equality);
        continue;
      }
      const solved = solveOne(size, value, sizes);
      if (solved === undefined) continue;
      sizes[solved.name] = solved.value;
      sources[solved.name] = `${solved.name} = ${solved.value} because ${because}`;
      open = open.filter((other) => other !== equality);
      progress = true;
    }
  }
  return sizes;
}

// constant + coefficient·name = value, all other names known.
function solveOne(size: Size, value: number, sizes: Sizes): { name: string; value: number } | undefined {
  let constant = 0;
  let slope = 0;
  let unknown: string | undefined;
  for (const { coefficient, names } of size.terms) {
    const open = names.filter((name) => sizes[name] === undefined);
    if (open.length > 1 || (open.length === 1 && unknown !== undefined && unknown !== open[0])) return undefined;
    const factor = names.reduce((product, name) => product * (sizes[name] ?? 1), coefficient);
    if (open.length === 0) constant += factor;
    else {
      unknown = open[0];
      slope += factor;
    }
  }
  const solution = (value - constant) / slope;
  return unknown !== undefined && Number.isInteger(solution) && solution >= 1 ? { name: unknown, value: solution } : undefined;
}

/**
 * Every size of the network.
 * @throws SluiceError E452 (a name that is no size), E453 (a size without a value), E450 (a value that is no whole number ≥ 1)
 */
export function resolveSizes(network: Network, given: GivenSizes = {}): Sizes {
  const known: Record<string, number> = {};
  for (const { name, value } of network.sizes) if (value !== undefined) known[name] = value;
  const free = network.sizes.filter((size) => size.free && size.value === undefined);
  let named: Sizes;
  requireKind(typeof given === "number" || isNamed(given), "sizes", "numbers by name, { H: 32 }", given);
  if (typeof given === "number") {
    if (free.length !== 1)
      throw new SluiceError("E453", `a single number can set one free size, but ${network.name} has ${listSizes(free.map((size) => size.name))}`);
    named = { [free[0].name]: given };
  } else named = given;
  for (const [name, value] of Object.entries(named)) {
    const isKnown = network.sizes.some((size) => size.name === name);
    if (!isKnown)
      throw new SluiceError("E452", `${name} is not a size of ${network.name}, which has ${listSizes(network.sizes.map((size) => size.name))}`);
    if (!Number.isInteger(value) || value < 1)
      throw new SluiceError("E450", `the size ${name} must be a whole number of at least 1, not ${kindOf(value)}`);
    known[name] = value;
  }
  for (const { name, reasons } of free) {
    if (known[name] !== undefined) continue;
    const because = reasons.length > 0 ? ` (${reasons[0].message})` : "";
    throw new SluiceError("E453", `the size ${name} has no value${because}; give one, for example { ${name}: 32 }`);
  }
  return known;
}

/**
 * Sizes that the widths of a dataset's inputs fix, joined with those given.
 * @throws SluiceError E451 if they disagree, E456 if the network reads an input that the dataset lacks
 */
export function sizesForInputs(
  network: Network,
  given: GivenSizes,
  inputs: Readonly<Record<string, { readonly type: "real" | "index"; readonly size: number }>>,
): GivenSizes {
  const fixed: Record<string, number> = {};
  for (const { name, value } of network.sizes) if (value !== undefined) fixed[name] = value;
  const equalities: { size: Size; value: number; because: string }[] = [];
  for (const input of network.inputs) {
    const found = inputs[input.name];
    if (found === undefined) continue;
    if (found.type !== input.type)
      throw new SluiceError(
        "E456",
        `the input ${input.name} of ${network.name} is ${kindText(input.type)}, but the data give ${kindText(found.type)}`,
      );
    if (input.type === "real" && input.shape.length === 0 && found.size !== 1)
      throw new SluiceError("E451", `the data give ${found.size} features for ${input.name}, but ${network.name} reads it as one number`);
    if (input.type === "real" && input.shape.length === 1)
      equalities.push({ size: input.shape[0], value: found.size, because: `the data give ${found.size} features for ${input.name}` });
    if (input.type === "index") {
      const range = input.range ?? embeddingRows(network);
      if (range !== undefined) equalities.push({ size: range, value: found.size, because: `the data give ${found.size} values for ${input.name}` });
    }
  }
  const known = typeof given === "number" ? fixed : { ...fixed, ...given };
  const solved = solveSizes(known, equalities);
  const result: Record<string, number> = {};
  for (const { name, value } of network.sizes) if (value === undefined && solved[name] !== undefined) result[name] = solved[name];
  if (typeof given !== "number") {
    for (const [name, value] of Object.entries(given)) result[name] = value;
    return result;
  }
  const open = network.sizes.filter((size) => size.free && size.value === undefined && result[size.name] === undefined);
  if (open.length !== 1)
    throw new SluiceError("E453", `a single number can set one free size, but ${network.name} has ${listSizes(open.map((size) => size.name))} left`);
  return { ...result, [open[0].name]: given };
}

// Where the one index input is looked up in the one embedding, its rows are the vocabulary.
function embeddingRows(network: Network): Size | undefined {
  const tables = network.weights.filter((weight) => weight.role === "embedding");
  const indices = network.inputs.filter((input) => input.type === "index");
  return tables.length === 1 && indices.length === 1 ? tables[0].shape[0] : undefined;
}

function kindText(type: "real" | "index"): string {
  return type === "real" ? "real numbers" : "whole numbers (an index)";
}

function listSizes(names: readonly string[]): string {
  return names.length === 0 ? "no free size" : names.join(", ");
}
