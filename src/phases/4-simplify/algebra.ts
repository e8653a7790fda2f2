/**
 * Rules of algebra on tensor graphs, with the careful forms (careful.ts). Data only: see ir/tensor/rewrite.ts for how they are applied.
 *
 * All are identities over the reals. As usual in such systems x·0 is taken to be 0 (an x that is not finite has been reported before).
 */
import { commonAxes, equalAxes, sameAxisSet, unionAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { AxisName, BinaryOp, Node, Op, UnaryOp } from "../../ir/tensor/node.ts";
import { isBinary, isUnary, opTable } from "../../ir/tensor/ops.ts";
import { constantValue, identity, isCommutative, type Match, type OpPattern, rule, type Rule } from "../../ir/tensor/rewrite.ts";
import { binaryFunctions, unaryFunctions } from "../../ir/tensor/scalar.ts";
import { isTimed } from "../../ir/tensor/sizes.ts";
import { carefulForms } from "./careful.ts";
import { maskForms } from "./masks.ts";
import { outerForms } from "./outer.ts";
import { isRowRoot } from "./rows.ts";
import { isSquare, scaleForms } from "./scales.ts";

const reals = ({ node }: Match): boolean => node.type === "real";

const ops = Object.keys(opTable) as Op[];
const unaryOps = ops.filter(isUnary);
const binaryOps = ops.filter(isBinary);

const size = (g: GraphBuilder, axes: readonly AxisName[]): number => axes.reduce((n, axis) => n * (g.size(axis) as number), 1);

/** The argument of a broadcast, or the node itself. */
function bare(g: GraphBuilder, id: NodeId): NodeId {
  const node = g.node(id);
  return node.op === "broadcast" ? bare(g, node.args[0]) : id;
}

/** Elementwise ops work on the values before they are broadcast. */
const lateBroadcast: Rule[] = [...unaryOps, ...binaryOps, "select" as const].map((op) =>
  rule("broadcast late", [op, ...["a", "b", "c"].slice(0, opTable[op].arity[0])], ({ g, node }) => {
    const args = node.args.map((arg) => bare(g, arg));
    return args.some((arg, i) => arg !== node.args[i]) ? g.make(op, args, node.attributes) : undefined;
  }),
);

const folding: Rule[] = [
  ...unaryOps.map((op: UnaryOp) =>
    rule("fold constants", [op, "x"], ({ g, x }) => {
      const value = constantValue(g, x.x);
      return value === undefined ? undefined : g.constant(unaryFunctions[op](value));
    }),
  ),
  ...binaryOps.map((op: BinaryOp) =>
    rule("fold constants", [op, "x", "y"], ({ g, x, node }) => {
      const [a, b] = [constantValue(g, x.x), constantValue(g, x.y)];
      if (a === undefined || b === undefined) return undefined;
      return g.constant(node.args[0] === x.x ? binaryFunctions[op](a, b) : binaryFunctions[op](b, a), node.type);
    }),
  ),
];

const arithmetic: Rule[] = [
  identity("x + 0", ["add", "x", 0], (_, { x }) => x),
  identity("x - 0", ["sub", "x", 0], (_, { x }) => x),
  rule("0 - x", ["sub", 0, "x"], ({ g, x }) => g.neg(x.x), reals),
  rule("x + x", ["add", "x", "x"], ({ g, x }) => g.mul(x.x, g.constant(2)), reals),
  rule("x - x", ["sub", "x", "x"], ({ g, node }) => g.constant(0, node.type)),
  identity("x · 1", ["mul", "x", 1], (_, { x }) => x),
  rule("x · 0", ["mul", "x", 0], ({ g, node }) => g.constant(0, node.type)),
  rule("x · -1", ["mul", "x", -1], ({ g, x }) => g.neg(x.x), reals),
  identity("x / 1", ["div", "x", 1], (_, { x }) => x),
  identity("0 / x", ["div", 0, "x"], (g) => g.constant(0)),
  identity("1 / x", ["div", 1, "x"], (g, { x }) => g.recip(x)),
  rule("x / constant", ["div", "x", "c"], ({ g, x }) => {
    const value = constantValue(g, x.c);
    return value !== undefined && Number.isInteger(Math.log2(Math.abs(value))) ? g.mul(x.x, g.constant(1 / value)) : undefined; // exact only for powers of two
  }),
  rule("x · 1/y", ["mul", "x", ["recip", "y"]], ({ g, x }) => (isRowRoot(g, x.y, x.x) ? undefined : g.div(x.x, x.y))),
  identity("- - x", ["neg", ["neg", "x"]], (_, { x }) => x),
  identity("x + -y", ["add", "x", ["neg", "y"]], (g, { x, y }) => g.sub(x, y)),
  identity("x - -y", ["sub", "x", ["neg", "y"]], (g, { x, y }) => g.add(x, y)),
  identity("-x - y", ["sub", ["neg", "x"], "y"], (g, { x, y }) => g.neg(g.add(x, y))),
  identity("-(x - y)", ["neg", ["sub", "x", "y"]], (g, { x, y }) => g.sub(y, x)),
  identity("-x · y", ["mul", ["neg", "x"], "y"], (g, { x, y }) => g.neg(g.mul(x, y))),
  identity("-x / y", ["div", ["neg", "x"], "y"], (g, { x, y }) => g.neg(g.div(x, y))),
  rule("-(c · x)", ["neg", ["mul", "c", "x"]], ({ g, x }) => {
    const value = constantValue(g, x.c);
    return value === undefined ? undefined : g.mul(g.constant(-value), x.x);
  }),
  rule("c · (d · x)", ["mul", "c", ["mul", "d", "x"]], ({ g, x }) => {
    const [c, d] = [constantValue(g, x.c), constantValue(g, x.d)];
    return c === undefined || d === undefined ? undefined : g.mul(g.constant(c * d), x.x);
  }),
  rule("c + (d + x)", ["add", "c", ["add", "d", "x"]], ({ g, x, node }) => {
    const [c, d] = [constantValue(g, x.c), constantValue(g, x.d)];
    return c === undefined || d === undefined ? undefined : g.add(x.x, g.constant(c + d, node.type));
  }),
  identity("x ^ 1", ["pow", "x", 1], (_, { x }) => x),
  identity("x ^ 0", ["pow", "x", 0], (g) => g.constant(1)),
  identity("x ^ 2", ["pow", "x", 2], (g, { x }) => g.mul(x, x)),
  identity("x ^ ½", ["pow", "x", 0.5], (g, { x }) => g.sqrt(x)),
  identity("x ^ -1", ["pow", "x", -1], (g, { x }) => g.recip(x)),
  identity("e^2x", ["exp", ["mul", "x", 2]], (g, { x }) => g.mul(g.exp(x), g.exp(x))),
  identity("√(x²)", ["sqrt", ["mul", "x", "x"]], (g, { x }) => g.abs(x)),
];

const choices: Rule[] = [
  rule("select by constant", ["select", "c", "a", "b"], ({ g, x }) => {
    const value = constantValue(g, x.c);
    return value === undefined ? undefined : value !== 0 ? x.a : x.b;
  }),
  identity("select of equals", ["select", "c", "x", "x"], (_, { x }) => x),
  identity("select of select", ["select", "c", ["select", "c", "a", "d"], "b"], (g, { c, a, b }) => g.select(c, a, b)),
  identity("select else select", ["select", "c", "a", ["select", "c", "d", "b"]], (g, { c, a, b }) => g.select(c, a, b)),
  identity("sum of equal choices", ["add", ["select", "c", "a", 0], ["select", "c", "b", 0]], (g, { c, a, b }) =>
    g.select(c, g.add(a, b), g.constant(0)),
  ),
  identity("sum of opposite choices", ["add", ["select", "c", "a", 0], ["select", "c", 0, "b"]], (g, { c, a, b }) => g.select(c, a, b)),
  identity("stop_gradient", ["stop_gradient", "x"], (_, { x }) => x),
];

/**
 * True if what is summed is itself a sum over all steps and has no step or example left (a gradient of a weight): it is small, most likely wanted whole too, and
 * its terms are not gone through a second time.
 */
function sumsWhole({ g, node }: Match): boolean {
  const { axes, attributes } = g.node(node.args[0]);
  const overTime = (over: readonly AxisName[]): boolean => over.some((axis) => isTimed(g.size(axis)));
  return overTime(attributes.over!) && !overTime(node.attributes.over!) && !overTime(axes) && !axes.includes("b");
}

const sums: Rule[] = [
  rule(
    "Σ Σ",
    ["sum", ["sum", "x"]],
    ({ g, node, x }) => g.sum(x.x, [...g.node(node.args[0]).attributes.over!, ...node.attributes.over!]),
    (match) => !sumsWhole(match),
  ),
  rule("Σ constant along it", ["sum", ["broadcast", "x"]], ({ g, node, x }) => {
    const over = node.attributes.over!;
    const constant = commonAxes(over, g.node(node.args[0]).attributes.over!).filter((axis) => !isTimed(g.size(axis)));
    if (constant.length === 0) return undefined;
    const rest = withoutAxes(over, constant);
    const inner = g.broadcast(x.x, withoutAxes(g.node(node.args[0]).attributes.over!, constant));
    return g.mul(rest.length > 0 ? g.sum(inner, rest) : inner, g.constant(size(g, constant)));
  }),
  rule("Σ -x", ["sum", ["neg", "x"]], ({ g, node, x }) => g.neg(g.sum(x.x, node.attributes.over!))),
  rule(
    "Σ x·y",
    ["sum", ["mul", "x", "y"]],
    ({ g, node, x }) => g.contract(x.x, x.y, node.attributes.over!),
    ({ g, node, x }) => !sameAxisSet(g.axesOf(node.args[0]), g.axesOf(x.x)) && !sameAxisSet(g.axesOf(node.args[0]), g.axesOf(x.y)), // others: see contract-sums.ts
  ),
  rule(
    "Σ contract",
    ["sum", ["contract", "x", "y"]],
    ({ g, node, x }) => g.contract(x.x, x.y, [...g.node(node.args[0]).attributes.over!, ...node.attributes.over!]),
    (match) => !sumsWhole(match),
  ),
  rule("Σ of a renamed", ["sum", ["rename", "x"]], ({ g, node, x }) => {
    const { from, to } = g.node(node.args[0]).attributes;
    const back = (axis: AxisName) => from![(to as readonly AxisName[]).indexOf(axis)] ?? axis;
    const kept = from!.flatMap((axis, i) =>
      node.attributes.over!.includes((to as readonly AxisName[])[i]) ? [] : [[axis, (to as readonly AxisName[])[i]] as const],
    );
    const sum = g.sum(x.x, node.attributes.over!.map(back));
    return kept.length === 0
      ? sum
      : g.rename(
          sum,
          kept.map(([axis]) => axis),
          kept.map(([, axis]) => axis),
        );
  }),
  rule("contract of broadcast", ["contract", "x", "y"], ({ g, node }) => {
    const args = node.args.map((arg) => bare(g, arg));
    if (args.every((arg, i) => arg === node.args[i])) return undefined;
    const present = unionAxes(g.axesOf(args[0]), g.axesOf(args[1]));
    const lost = withoutAxes(node.attributes.over!, present);
    if (lost.some((axis) => isTimed(g.size(axis)))) return undefined;
    const over = commonAxes(node.attributes.over!, present);
    const result = over.length > 0 ? g.contract(args[0], args[1], over) : g.mul(args[0], args[1]);
    return lost.length > 0 ? g.mul(result, g.constant(size(g, lost))) : result;
  }),
  rule("contract over an axis of one side", ["contract", "x", "y"], ({ g, node, x }) => {
    const alone = withoutAxes(node.attributes.over!, g.axesOf(x.y));
    if (alone.length === 0) return undefined;
    const rest = withoutAxes(node.attributes.over!, alone);
    const summed = g.sum(x.x, alone);
    return rest.length > 0 ? g.contract(summed, x.y, rest) : g.mul(summed, x.y);
  }),
  rule("contract -x", ["contract", ["neg", "x"], "y"], ({ g, node, x }) => g.neg(g.contract(x.x, x.y, node.attributes.over!))),
  rule("contract c·x", ["contract", ["mul", "c", "x"], "y"], ({ g, id, node, x }) => {
    if (constantValue(g, x.c) === undefined || (isSquare(g, id) && !isSquare(g, x.x))) return undefined; // see scales.ts
    return g.mul(x.c, g.contract(x.x, x.y, node.attributes.over!));
  }),
  rule("contract 0", ["contract", 0, "y"], ({ g }) => g.constant(0)),
];

/** Each pair of lists without the places where both name the same axis. */
function renaming(g: GraphBuilder, x: NodeId, from: readonly AxisName[], to: readonly AxisName[]): NodeId {
  const changed = from.flatMap((axis, i) => (axis === to[i] ? [] : [i]));
  return changed.length === 0 ? x : g.make("rename", [x], { from: changed.map((i) => from[i]), to: changed.map((i) => to[i]) });
}

/** concat of neighbouring slices of one value: that value, or a wider slice of it. Arguments are numbered 0 …, any count. */
function joinSlices({ g, node }: Match): NodeId | undefined {
  const parts = node.args.map((arg, i) => unrenamed(g, arg, node.attributes.parts![i]));
  const first = g.node(parts[0].id);
  if (first.op !== "slice" || first.attributes.to !== parts[0].axis) return undefined;
  let end = first.attributes.start!;
  for (const { id, axis } of parts) {
    const part = g.node(id);
    if (part.op !== "slice" || part.args[0] !== first.args[0] || part.attributes.to !== axis) return undefined;
    if (part.attributes.axis !== first.attributes.axis || part.attributes.start !== end) return undefined;
    end += g.size(axis) as number;
  }
  const { axis, start } = first.attributes;
  return g.slice(first.args[0], axis!, node.attributes.axis!, start!);
}

/** The node below a rename of nothing but the given axis, and the axis there. */
function unrenamed(g: GraphBuilder, id: NodeId, axis: AxisName): { id: NodeId; axis: AxisName } {
  const { op, args, attributes } = g.node(id);
  if (op !== "rename" || attributes.from!.length !== 1 || attributes.to![0] !== axis) return { id, axis };
  return unrenamed(g, args[0], attributes.from![0]);
}

/** concat of values renamed alike: the rename comes after, so that equal stacks are made once. */
function renameAfterConcat({ g, node }: Match): NodeId | undefined {
  const nodes = node.args.map((arg) => g.node(arg));
  const { from, to } = nodes[0].attributes;
  const same = nodes.every(
    (each) =>
      each.op === "rename" &&
      equalAxes(each.attributes.from!, from!) &&
      equalAxes(each.attributes.to as readonly AxisName[], to as readonly AxisName[]),
  );
  if (!same || nodes.some((each) => !sameAxisSet(g.axesOf(each.args[0]), g.axesOf(nodes[0].args[0])))) return undefined;
  const back = (axis: AxisName) => from![(to as readonly AxisName[]).indexOf(axis)] ?? axis;
  const parts = node.attributes.parts!.map(back);
  if (parts.some((part) => part !== parts[0]) || node.attributes.parts!.some((part) => part !== node.attributes.parts![0])) return undefined;
  if (g.axesOf(nodes[0].args[0]).includes(node.attributes.axis!)) return undefined;
  const joined = g.concat(
    nodes.map((each) => each.args[0]),
    parts,
    node.attributes.axis!,
  );
  const others = from!.filter((axis) => axis !== parts[0]);
  return renaming(
    g,
    joined,
    others,
    others.map((axis) => (to as readonly AxisName[])[from!.indexOf(axis)]),
  );
}

/** The same rule for concats of two to sixteen parts. */
const anyConcat = (name: string, replace: Rule["replace"]): Rule[] =>
  Array.from({ length: 16 }, (_, n) => rule(name, ["concat", ...Array.from({ length: n + 1 }, (_, i) => `x${i}`)] as OpPattern, replace));

const views: Rule[] = [
  ...anyConcat("concat of slices", joinSlices),
  ...anyConcat("rename after concat", renameAfterConcat),
  rule("concat of one", ["concat", "x"], ({ g, node, x }) => renaming(g, x.x, [node.attributes.parts![0]], [node.attributes.axis!])),
  rule("broadcast broadcast", ["broadcast", ["broadcast", "x"]], ({ g, node, x }) =>
    g.broadcast(x.x, [...node.attributes.over!, ...g.node(node.args[0]).attributes.over!]),
  ),
  rule("rename to itself", ["rename", "x"], ({ g, node, x }) => {
    const { from, to } = node.attributes;
    return from!.some((axis, i) => axis === (to as readonly AxisName[])[i]) ? renaming(g, x.x, from!, to as readonly AxisName[]) : undefined;
  }),
  rule("rename rename", ["rename", ["rename", "x"]], ({ g, node, x }) => {
    const inner = g.node(node.args[0]).attributes;
    const outer = node.attributes;
    const through = (axis: AxisName) => (outer.to as readonly AxisName[])[outer.from!.indexOf(axis)] ?? axis;
    const middle = inner.to as readonly AxisName[];
    const more = outer.from!.filter((axis) => !middle.includes(axis));
    return renaming(g, x.x, [...inner.from!, ...more], [...middle.map(through), ...more.map(through)]);
  }),
  rule("rename broadcast", ["rename", ["broadcast", "x"]], ({ g, node, x }) => {
    const { from, to } = node.attributes;
    const over = g.node(node.args[0]).attributes.over!;
    const through = (axis: AxisName) => (to as readonly AxisName[])[from!.indexOf(axis)] ?? axis;
    const inside = from!.filter((axis) => g.axesOf(x.x).includes(axis));
    return g.broadcast(renaming(g, x.x, inside, inside.map(through)), over.map(through));
  }),
  rule("slice of all", ["slice", "x"], ({ g, node, x }) => {
    const { axis, to } = node.attributes;
    return g.size(axis!) === g.size(to as AxisName) ? renaming(g, x.x, [axis!], [to as AxisName]) : undefined;
  }),
  rule("slice slice", ["slice", ["slice", "x"]], ({ g, node, x }) => {
    const inner = g.node(node.args[0]).attributes;
    if (inner.to !== node.attributes.axis) return undefined;
    return g.slice(x.x, inner.axis!, node.attributes.to as AxisName, inner.start! + node.attributes.start!);
  }),
  rule("slice or pick of broadcast", ["slice", ["broadcast", "x"]], ({ g, node, x }) => {
    const over = g.node(node.args[0]).attributes.over!;
    return over.includes(node.attributes.axis!)
      ? g.broadcast(
          x.x,
          over.map((axis) => (axis === node.attributes.axis ? (node.attributes.to as AxisName) : axis)),
        )
      : undefined;
  }),
  rule("slice or pick of broadcast", ["pick", ["broadcast", "x"]], ({ g, node, x }) => {
    const over = g.node(node.args[0]).attributes.over!;
    return over.includes(node.attributes.axis!) ? g.broadcast(x.x, withoutAxes(over, [node.attributes.axis!])) : undefined;
  }),
  rule("slice of concat", ["slice", "x"], ({ g, node, x }) => {
    const part = partOf(g, x.x, node.attributes.axis!, node.attributes.start!, g.size(node.attributes.to as AxisName) as number);
    return part && renaming(g, part.id, [part.axis], [node.attributes.to as AxisName]);
  }),
  rule("pick of concat", ["pick", "x"], ({ g, node, x }) => {
    const part = partOf(g, x.x, node.attributes.axis!, node.attributes.start!, 1);
    return part && g.pick(part.id, part.axis, node.attributes.start! - part.start);
  }),
  rule("pick of slice", ["pick", ["slice", "x"]], ({ g, node, x }) => {
    const inner = g.node(node.args[0]).attributes;
    return inner.to === node.attributes.axis ? g.pick(x.x, inner.axis!, inner.start! + node.attributes.start!) : undefined;
  }),
  rule("pad of all", ["pad", "x"], ({ g, node, x }) => {
    const { axis, to } = node.attributes;
    return g.size(axis!) === g.size(to as AxisName) ? renaming(g, x.x, [axis!], [to as AxisName]) : undefined;
  }),
  rule("slice of pad", ["slice", ["pad", "x"]], ({ g, node, x }) => {
    const inner = g.node(node.args[0]).attributes;
    const to = node.attributes.to as AxisName;
    const same = inner.to === node.attributes.axis && inner.start === node.attributes.start && g.size(inner.axis!) === g.size(to);
    return same ? renaming(g, x.x, [inner.axis!], [to]) : undefined;
  }),
  rule("split of merge", ["split", ["merge", "x"]], ({ g, node, x }) => {
    const inner = g.node(node.args[0]).attributes;
    const same = inner.to === node.attributes.axis && equalAxes(inner.axes!, node.attributes.to as readonly AxisName[]);
    return same ? x.x : undefined;
  }),
  rule("merge of split", ["merge", ["split", "x"]], ({ g, node, x }) => {
    const inner = g.node(node.args[0]).attributes;
    const same = equalAxes(node.attributes.axes!, inner.to as readonly AxisName[]);
    return same ? renaming(g, x.x, [inner.axis!], [node.attributes.to as AxisName]) : undefined;
  }),
  rule("shift of constants", ["shift", "x", "i"], ({ g, x }) => {
    const value = constantValue(g, x.x);
    return value !== undefined && value === constantValue(g, x.i) ? g.constant(value) : undefined;
  }),
  rule("last of constant", ["last", ["broadcast", "x"]], ({ g, node, x }) => {
    const over = g.node(node.args[0]).attributes.over!;
    return over.includes("t") ? g.broadcast(x.x, withoutAxes(over, ["t"])) : undefined;
  }),
  rule("sum of pads is concat", ["add", "x", "y"], ({ g, node }) => {
    const pads = addedPads(g, node.args);
    if (!pads) return undefined;
    const { to } = pads[0].attributes;
    const sorted = pads.toSorted((a, b) => a.attributes.start! - b.attributes.start!);
    let end = 0;
    for (const pad of sorted) {
      if (pad.attributes.start !== end) return undefined;
      end += g.size(pad.attributes.axis!) as number;
    }
    if (end !== g.size(to as AxisName)) return undefined;
    const parts = sorted.map((pad) => pad.attributes.axis!);
    const wanted = unionAxes(...sorted.map((pad) => withoutAxes(pad.axes, [to as AxisName])));
    const args = sorted.map((pad) => g.broadcast(pad.args[0], withoutAxes(wanted, g.axesOf(pad.args[0]))));
    return g.concat(args, parts, to as AxisName);
  }),
  rule("rename both terms", ["add", ["rename", "x"], ["rename", "y"]], ({ g, node, x }) => {
    const [a, b] = node.args.map((arg) => g.node(arg).attributes);
    const same = equalAxes(a.from!, b.from!) && equalAxes(a.to as readonly AxisName[], b.to as readonly AxisName[]);
    return same && sameAxisSet(g.axesOf(x.x), g.axesOf(x.y)) ? g.rename(g.add(x.x, x.y), a.from!, a.to as readonly AxisName[]) : undefined;
  }),
];

/** The terms of nested additions, if all are nameless pads to one axis. */
function addedPads(g: GraphBuilder, ids: readonly NodeId[], found: Node[] = []): Node[] | undefined {
  for (const id of ids) {
    const node = g.node(id);
    if (node.op === "pad" && node.name === undefined && node.attributes.to === (found[0] ?? node).attributes.to) found.push(node);
    else if (node.op !== "add" || !addedPads(g, node.args, found)) return undefined;
  }
  return found;
}

/** The argument of a concat that holds the whole range, with its axis and where it begins. */
function partOf(
  g: GraphBuilder,
  id: NodeId,
  axis: AxisName,
  start: number,
  count: number,
): { id: NodeId; axis: AxisName; start: number } | undefined {
  const { op, args, attributes } = g.node(id);
  if (op !== "concat" || attributes.axis !== axis) return undefined;
  let at = 0;
  for (const [i, part] of attributes.parts!.entries()) {
    const length = g.size(part) as number;
    if (start >= at && start + count <= at + length && (count === 1 || length === count)) return { id: args[i], axis: part, start: at };
    at += length;
  }
  return undefined;
}

/** Axes of time, then b, come first where the order of operands decides it; else equal products get equal orders of operands. */
const operandOrder: Rule[] = (["add", "mul", "max", "min", "equal", "contract"] as const).filter(isCommutative).map((op) =>
  rule("order of operands", [op, "a", "b"], ({ g, node }) => {
    const [a, b] = node.args;
    const over = node.attributes.over ?? [];
    const rank = (axes: readonly AxisName[]) => axes.map((axis) => (isTimed(g.size(axis)) ? "0" : axis === "b" ? "1" : "2")).join("");
    const [now, other] = [unionAxes(g.axesOf(a), g.axesOf(b)), unionAxes(g.axesOf(b), g.axesOf(a))].map((axes) => withoutAxes(axes, over));
    if (rank(other) < rank(now) || (equalAxes(now, other) && b < a)) return g.make(op, [b, a], node.attributes);
    return undefined;
  }),
);

export const algebra: readonly Rule[] = [
  ...lateBroadcast,
  ...folding,
  ...arithmetic,
  ...carefulForms,
  ...maskForms,
  ...scaleForms,
  ...outerForms,
  ...choices,
  ...sums,
  ...views,
  ...operandOrder,
];
