/**
 * Two printed tensor graphs made comparable line by line: what the later one kept of the earlier has the earlier one's numbers and order, so that a pass that
 * changes one value changes one line, wherever its numbers went.
 *
 * In: the texts of a graph before and after (`printGraph`). Out: their lines. Values are the same if they are computed alike from the same ones, have the same
 * name, or are used alike by the same ones; what is new has numbers after all old ones and stands before its first use. Arguments of sums and products are
 * in the order of their numbers, and a parameter of a scan says what it is bound to, `parameter static %4`, for its index is a place in a list that changes.
 */
import { invariant } from "../support/invariant.ts";

interface Item {
  readonly axes: string;
  /** Behind the equals sign, without the comment: "add(%3, %6)". */
  readonly made: string;
  readonly args: readonly number[];
  /** Name and place in the equations, or "". */
  readonly comment: string;
  readonly body?: Block;
}

interface Block {
  readonly axes: string;
  readonly items: readonly Item[];
  readonly outs: readonly { readonly name: string; readonly node: number }[];
}

type Labels = ReadonlyMap<number, number>;

interface Aligned {
  readonly before: string[];
  readonly after: string[];
}

/** Lines of both graphs. */
export function alignGraphs(before: string, after: string): { readonly before: readonly string[]; readonly after: readonly string[] } {
  const [old, young] = [before, after].map((text) => readBlock(text.trimEnd().split("\n"), "", { at: 0 }));
  const unbound: Binding = (kind, index) => `${kind} ${index}`; // only bodies have parameters
  return alignBlocks(old, young, unbound, unbound, "");
}

/** What the parameter of a body is bound to, in words that two scans share. */
type Binding = (kind: string, index: number) => string;

function alignBlocks(old: Block, young: Block, oldBinding: Binding, youngBinding: Binding, indent: string): Aligned {
  const bind = (item: Item, binding: Binding): Item => {
    const [, kind, index] = /^parameter kind (\w+) index (\d+)$/.exec(item.made) ?? [];
    return kind === undefined ? item : { ...item, made: `parameter ${kind} ${binding(kind, Number(index))}` };
  };
  const items = [old.items.map((item) => bind(item, oldBinding)), young.items.map((item) => bind(item, youngBinding))];
  const match = matchItems({ ...old, items: items[0] }, { ...young, items: items[1] });
  const labels = new Map(match);
  let fresh = old.items.length;
  const order = orderLike(young, match, old.items.length);
  for (const number of order) if (!labels.has(number)) labels.set(number, fresh++);
  const same: Labels = new Map(old.items.map((_, number) => [number, number]));
  const result: Aligned = { before: [`${indent}axes${old.axes}`], after: [`${indent}axes${young.axes}`] };
  const bodies = new Map<number, Aligned>();
  for (const number of order) {
    const { body } = young.items[number];
    const partner = match.get(number);
    if (body === undefined || partner === undefined || old.items[partner].body === undefined) continue;
    bodies.set(
      partner,
      alignBlocks(old.items[partner].body!, body, bindingOf(old.items[partner], same), bindingOf(young.items[number], labels), `${indent}  `),
    );
  }
  items[0].forEach((item, number) => {
    result.before.push(`${indent}${drawItem(item, number, same)}`);
    if (item.body !== undefined) result.before.push(...(bodies.get(number)?.before ?? drawAlone(item, same, indent)), `${indent}}`);
  });
  for (const number of order) {
    const item = items[1][number];
    const partner = match.get(number);
    result.after.push(`${indent}${drawItem(item, labels.get(number)!, labels)}`);
    if (item.body !== undefined)
      result.after.push(...((partner === undefined ? undefined : bodies.get(partner)?.after) ?? drawAlone(item, labels, indent)), `${indent}}`);
  }
  result.before.push(...old.outs.map(({ name, node }) => `${indent}out ${name} = %${node}`));
  result.after.push(...young.outs.map(({ name, node }) => `${indent}out ${name} = %${labels.get(node)}`));
  return result;
}

/** The body of a scan that the other graph has no like of. */
function drawAlone(item: Item, labels: Labels, indent: string): string[] {
  const binding = bindingOf(item, labels);
  return alignBlocks(item.body!, item.body!, binding, binding, `${indent}  `).before;
}

/** A sequence or static is named by the value outside that it is bound to, a state by its name. */
function bindingOf({ made }: Item, labels: Labels): Binding {
  const [, inside = "", states = ""] = /^scan\(([^)]*)\).* states(.*) \{$/.exec(made) ?? [];
  const groups = inside.split(";").map((group) => numbersOf(` ${group}`));
  const names = states.trim().split(" ");
  return (kind, index) => {
    if (kind === "state") return names[index];
    return `%${labels.get(groups[kind === "sequence" ? 0 : 1][index])}`;
  };
}

/** Which old value each young one is. */
function matchItems(old: Block, young: Block): Map<number, number> {
  const match = new Map<number, number>();
  const taken = new Set<number>();
  const pair = (youngNumber: number, oldNumber: number): void => {
    match.set(youngNumber, oldNumber);
    taken.add(oldNumber);
  };
  const keyOf = (item: Item, labels: (number: number) => number | undefined): string | undefined => {
    if (item.body !== undefined) return item.made.replace(/\([^)]*\)/, "");
    const args = item.args.map(labels);
    if (args.includes(undefined)) return undefined;
    return `${item.axes}${withArgs(item.made, isFree(item.made) ? args.map(Number).sort((a, b) => a - b) : args.map(Number))}`;
  };
  const alike = (): void => {
    const byKey = new Map<string, number[]>();
    old.items.forEach((item, number) => {
      const key = keyOf(item, (arg) => arg)!;
      if (!taken.has(number)) byKey.set(key, [...(byKey.get(key) ?? []), number]);
    });
    young.items.forEach((item, number) => {
      const key = match.has(number) ? undefined : keyOf(item, (arg) => match.get(arg));
      const found = key === undefined ? undefined : byKey.get(key)?.shift();
      if (found !== undefined) pair(number, found);
    });
  };
  alike();
  const named = new Map(
    old.items.flatMap(({ comment, axes }, number) => (comment === "" || taken.has(number) ? [] : [[comment + axes, number] as const])),
  );
  young.items.forEach(({ comment, axes }, number) => {
    const found = comment === "" || match.has(number) ? undefined : named.get(comment + axes);
    if (found !== undefined && !taken.has(found)) pair(number, found);
  });
  for (const { name, node } of young.outs) {
    const found = old.outs.find((out) => out.name === name)?.node;
    if (found !== undefined && !match.has(node) && !taken.has(found) && young.items[node].axes === old.items[found].axes) pair(node, found);
  }
  // From the results back to what they are made of.
  for (let number = young.items.length - 1; number >= 0; number--) {
    const partner = match.get(number);
    if (partner === undefined) continue;
    const [mine, theirs] = [young.items[number], old.items[partner]];
    if (mine.args.length !== theirs.args.length || mine.body !== undefined) continue;
    const open = theirs.args.filter((arg) => !taken.has(arg));
    mine.args.forEach((arg, place) => {
      if (match.has(arg)) return;
      const sought = young.items[arg];
      const fits = (candidate: number): boolean => {
        const item = old.items[candidate];
        return !taken.has(candidate) && item.axes === sought.axes && (item.body === undefined) === (sought.body === undefined);
      };
      // Of several that would do, the one made most alike.
      const likeness = (candidate: number): number => {
        const made = new Set(old.items[candidate].args);
        const shared = sought.args.filter((each) => made.has(match.get(each) ?? -1)).length;
        return shared + (opOf(old.items[candidate]) === opOf(sought) ? sought.args.length : 0);
      };
      const candidates = isFree(mine.made) ? open : [theirs.args[place]];
      const [found] = candidates.filter(fits).sort((one, other) => likeness(other) - likeness(one));
      if (found !== undefined) pair(arg, found);
    });
  }
  alike();
  return match;
}

/** Young values in the order of the old ones that they are, each after what it is made of. */
function orderLike(young: Block, match: Labels, oldCount: number): number[] {
  const youngOf = new Map([...match].map(([youngNumber, oldNumber]) => [oldNumber, youngNumber]));
  const order: number[] = [];
  const done = new Set<number>();
  const place = (number: number): void => {
    if (done.has(number)) return;
    done.add(number);
    young.items[number].args.forEach(place);
    order.push(number);
  };
  for (let number = 0; number < oldCount; number++) if (youngOf.has(number)) place(youngOf.get(number)!);
  young.items.forEach((_, number) => place(number));
  return order;
}

function drawItem(item: Item, number: number, labels: Labels): string {
  const args = item.args.map((arg) => labels.get(arg)!);
  if (isFree(item.made)) args.sort((a, b) => a - b);
  return `%${number} ${item.axes} = ${withArgs(item.made, args)}${item.comment === "" ? "" : `  # ${item.comment}`}`;
}

/** A number of a value; names of axes may hold the sign too. */
const REFERENCE = /(?<=[( ])%(\d+)/g;

const opOf = ({ made }: Item): string => /^\w*/.exec(made)![0];

/** True for what may take its arguments in any order. */
const isFree = (made: string): boolean => /^(?:add|mul|max|min|equal)\(/.test(made);

function withArgs(made: string, args: readonly number[]): string {
  if (args.length === 0) return made;
  let place = 0;
  return made.replaceAll(REFERENCE, () => `%${args[place++]}`);
}

const numbersOf = (text: string): number[] => [...text.matchAll(REFERENCE)].map(([, number]) => Number(number));

/** Reads a printed graph, from the line of its axes on. */
function readBlock(lines: readonly string[], indent: string, reader: { at: number }): Block {
  const axes = lines[reader.at++].slice(indent.length + "axes".length);
  const items: Item[] = [];
  const outs: { name: string; node: number }[] = [];
  for (; reader.at < lines.length; reader.at++) {
    const line = lines[reader.at].slice(indent.length);
    const out = /^out (.*) = %(\d+)$/.exec(line);
    if (out !== null) outs.push({ name: out[1], node: Number(out[2]) });
    if (out !== null) continue;
    const node = /^%\d+ (\[[^\]]*\](?: index)?) = (.*?)(?: {2}# (.*))?$/.exec(line);
    if (node === null) break; // the end of a body
    const [, itemAxes, made, comment = ""] = node;
    reader.at += made.endsWith("{") ? 1 : 0;
    const body = made.endsWith("{") ? readBlock(lines, `${indent}  `, reader) : undefined;
    items.push({ axes: itemAxes, made, args: made.startsWith("parameter") ? [] : numbersOf(made), comment, body });
  }
  invariant(items.length > 0 || outs.length === 0, "a graph with results has values");
  return { axes, items, outs };
}
