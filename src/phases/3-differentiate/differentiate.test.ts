import { expect, test } from "vitest";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { interpret, type Bindings } from "../../ir/tensor/interpret.ts";
import type { Graph, Op } from "../../ir/tensor/node.ts";
import { opTable } from "../../ir/tensor/ops.ts";
import { randomAt, randomKeys } from "../../ir/tensor/random.ts";
import { placesOf } from "../../ir/tensor/sizes.ts";
import { verify } from "../../ir/tensor/verify.ts";
import { differentiate } from "./differentiate.ts";

const T = 5;
const AXES = [
  ["t", "T"],
  ["b", 2],
  ["H", 3],
  ["D", 2],
  ["V", 5],
  ["L", 2],
  ["6", 6],
  ["groups", "T/2"],
  ["steps", 2],
] as const;

function numbers(n: number, seed: number, low = -1, high = 1): Float64Array {
  const keys = randomKeys(seed, 0);
  return Float64Array.from({ length: n }, (_, i) => low + (high - low) * randomAt(keys, i));
}

function elements(graph: Graph, name: string): number {
  const node = graph.nodes.find((each) => each.attributes.name === name)!;
  return node.axes.reduce((n, axis) => n * placesOf(graph.axes.get(axis)!, T), 1);
}

/** Reals in a range by leaf name, indices below 2. */
function bindings(graph: Graph, range: readonly [number, number]): Record<string, Float64Array> {
  const result: Record<string, Float64Array> = {};
  for (const { op, type, attributes } of graph.nodes) {
    if (op !== "input" && op !== "weight") continue;
    const name = attributes.name!;
    const seed = [...name].reduce((hash, c) => hash * 31 + c.charCodeAt(0), 7);
    const values = numbers(elements(graph, name), seed, ...range);
    result[name] = type === "index" ? values.map((value) => (value > (range[0] + range[1]) / 2 ? 1 : 0)) : values;
    if (name === "lengths") result[name] = Float64Array.from(values, (_, i) => T - i);
  }
  return result;
}

/** Compares every gradient with the five-point difference quotient of the objective. */
function check(graph: Graph, weights: string[], inputs: string[], range: readonly [number, number] = [-1, 1]): void {
  verify(graph);
  const gradient = differentiate(graph, { objective: "loss", weights, inputs });
  verify(gradient);
  const given = bindings(graph, range);
  const outputs = interpret(gradient, given, { T });
  const at = (name: string, i: number, delta: number): number => {
    const moved = given[name].slice();
    moved[i] += delta;
    return interpret(graph, { ...given, [name]: moved } as Bindings, { T }).loss[0];
  };
  for (const { name } of graph.outputs) expect(outputs[name]).toEqual(interpret(graph, given, { T })[name]);
  const h = 1e-3;
  for (const name of [...weights, ...inputs]) {
    const exact = outputs[`gradient:${name}`];
    expect(exact.length).toBe(given[name].length);
    for (let i = 0; i < exact.length; i++) {
      const numeric = (8 * (at(name, i, h) - at(name, i, -h)) - (at(name, i, 2 * h) - at(name, i, -2 * h))) / (12 * h);
      expect(Math.abs(exact[i] - numeric), `gradient of ${name}[${i}]: ${exact[i]}, difference quotient ${numeric}`).toBeLessThan(
        2e-9 * Math.max(1, Math.abs(numeric)),
      );
    }
  }
}

/** loss = Σ y ∘ r with a fixed random r, so that every element of y counts differently. */
function weighed(g: GraphBuilder, y: NodeId): Graph {
  const axes = g.axesOf(y);
  const product = g.mul(y, g.input("r", axes));
  return g.finish({ loss: axes.length > 0 ? g.sum(product, axes) : product });
}

interface Sample {
  readonly make: (g: GraphBuilder, x: NodeId, w: NodeId) => NodeId;
  readonly range?: readonly [number, number];
}

const POSITIVE = [0.3, 1.5] as const;
const unary = (op: "exp"): Sample => ({ make: (g, x, w) => g.mul(g.unary(op, x), w) });
const named = (op: string, range?: readonly [number, number]): Sample => ({ ...unary(op as "exp"), range });
const binary = (op: "add", range?: readonly [number, number]): Sample => ({ make: (g, x, w) => g.binary(op, g.mul(x, w), g.tanh(w)), range });
const pair = (op: string, range?: readonly [number, number]): Sample => binary(op as "add", range);
const still = (op: string): Sample => ({ make: (g, x, w) => g.mul(g.binary(op as "add", x, w), x) });

/** One use of every op, on x [t, b, H] and w [H]. */
const samples: Partial<Record<Op, Sample>> = {
  ...Object.fromEntries(
    ["neg", "abs", "sign", "step", "exp", "expm1", "sin", "cos", "erf", "sigmoid", "tanh", "softplus", "log_sigmoid", "relu"].map((op) => [
      op,
      named(op),
    ]),
  ),
  ...Object.fromEntries(["recip", "sqrt", "log", "log1p"].map((op) => [op, named(op, POSITIVE)])),
  ...Object.fromEntries(["add", "sub", "mul", "max", "min"].map((op) => [op, pair(op)])),
  div: pair("div", POSITIVE),
  pow: pair("pow", POSITIVE),
  ...Object.fromEntries(["less", "less_equal", "equal"].map((op) => [op, still(op)])),
  to_real: { make: (g, x, w) => g.mul(g.mul(x, g.to_real(g.iota("H"))), w) },
  iota: { make: (g, x, w) => g.mul(g.mul(x, g.to_real(g.iota("t"))), w) },
  random: { make: (g, x, w) => g.mul(g.mul(x, w), g.random(g.constant(3, "index"), 1, ["t", "b", "H"])) },
  constant: { make: (g, x, w) => g.add(g.mul(x, w), g.constant(2)) },
  select: { make: (g, x, w) => g.select(g.less(w, x), g.mul(x, x), g.exp(w)) },
  sum: { make: (g, x, w) => g.exp(g.sum(g.mul(x, w), ["t", "H"])) },
  max_over: { make: (g, x, w) => g.max_over(g.mul(x, w), ["t", "H"]) },
  argmax: { make: (g, x, w) => g.mul(g.to_real(g.argmax(x, "H")), g.sum(w, "H")) },
  contract: { make: (g, x, w) => g.contract(g.mul(x, g.tanh(w)), g.exp(w), ["H", "t"]) },
  rename: { make: (g, x, w) => g.contract(g.mul(g.rename(x, "H", g.otherAxis("H", ["H"])), x), w, "H") },
  transpose: { make: (g, x, w) => g.mul(g.transpose(g.mul(x, w), ["H", "t", "b"]), x) },
  broadcast: { make: (g, x, w) => g.mul(g.broadcast(g.exp(w), ["t", "b"]), x) },
  slice: { make: (g, x, w) => g.slice(g.mul(x, w), "H", "D", 1) },
  pick: { make: (g, x, w) => g.mul(g.pick(g.mul(x, w), "H", 1), g.pick(g.pick(x, "t", 2), "b", 1)) },
  concat: { make: (g, x, w) => g.concat([g.mul(x, x), g.broadcast(w, ["t", "b"])], ["H", "H"], "6") },
  pad: { make: (g, x, w) => g.pad(g.exp(g.mul(x, w)), "H", "V", 1) },
  split: { make: (g, x, w) => g.split(g.concat([x, g.mul(w, x)], ["H", "H"], "6"), "6", ["D", "H"]) },
  merge: { make: (g, x, w) => g.merge(g.transpose(g.mul(x, w), ["H", "t", "b"]), ["b", "H"], "6") },
  gather: {
    make: (g, x, w) =>
      g.mul(g.gather(g.mul(w, w), g.input("token", ["t", "b"], "index"), "H"), g.gather(x, g.input("token", ["t", "b"], "index"), "H")),
  },
  scatter: { make: (g, x, w) => g.scatter(g.mul(x, w), g.input("token", ["t", "b"], "index"), "V", ["t"]) },
  shift: {
    make: (g, x, w) =>
      g.add(g.shift(x, 1, g.expand(w, ["b", "H"])), g.shift(g.mul(x, w), -2, g.mul(g.input("c", ["L"]), g.expand(w, ["b", "H"])), "L")),
  },
  fold: { make: (g, x, w) => g.mul(g.fold(g.mul(x, w), ["groups", "steps"]), g.input("c", ["steps"])) },
  unfold: { make: (g, x, w) => g.unfold(g.mul(g.fold(x, ["groups", "steps"]), g.mul(w, g.input("c", ["steps"]))), ["groups", "steps"]) },
  solve: {
    make: (g, x, w) => {
      const other = g.otherAxis("H", ["H"]);
      const l = g.mul(w, g.rename(x, "H", other));
      return g.mul(g.solve(l, x, "H", other), g.solve(g.sin(l), g.exp(x), "H", other, true));
    },
  },
  last: { make: (g, x, w) => g.addAll([g.last(g.mul(x, w)), g.last(x, undefined, true), g.last(g.exp(x), g.input("lengths", ["b"], "index"))]) },
};

/** Leaves and those that other tests cover. */
const ELSEWHERE: readonly Op[] = ["input", "weight", "parameter", "scan", "emitted", "final", "stop_gradient"];

test.each((Object.keys(opTable) as Op[]).filter((op) => !ELSEWHERE.includes(op)))("gradient of %s is that of difference quotients", (op) => {
  const sample = samples[op];
  expect(sample, `no sample for ${op}`).toBeDefined();
  const g = graphBuilder(AXES);
  const y = sample!.make(g, g.input("x", ["t", "b", "H"]), g.weight("w", ["H"]));
  const graph = weighed(g, y);
  expect(graph.nodes.some((node) => node.op === op)).toBe(true);
  const has = (name: string) => graph.nodes.some((node) => node.attributes.name === name);
  check(graph, has("w") ? ["w"] : [], has("x") ? ["x"] : [], sample!.range);
});

test("corners: 0 at the kinks, the side not chosen never leaks, equal maxima share", () => {
  const g = graphBuilder(AXES);
  const w = g.weight("w", ["H"]);
  const safe = g.select(g.less(g.constant(0), w), g.log(w), g.sqrt(g.mul(w, w)));
  const outputs = interpret(
    differentiate(
      g.finish({ loss: g.addAll([g.sum(safe, "H"), g.sqrt(g.contract(w, w, "H")), g.max_over(w, "H"), g.pow(g.sum(w, "H"), g.constant(0))]) }),
      {
        objective: "loss",
        weights: "all",
        inputs: [],
      },
    ),
    { w: [0, 0, 0] },
    { T },
  );
  expect([...outputs["gradient:w"]]).toEqual([1 / 3, 1 / 3, 1 / 3]);
});

test("a choice is guarded where the derivative can be infinite, and only there", () => {
  const gradient = (make: (g: GraphBuilder, x: NodeId) => NodeId, x: readonly number[]): { dx: number[]; choices: number } => {
    const g = graphBuilder(AXES);
    const input = g.input("x", ["H"]);
    const chosen = g.select(g.less(input, g.constant(1)), make(g, input), g.constant(0));
    const graph = differentiate(g.finish({ loss: g.sum(chosen, "H") }), { objective: "loss", weights: [], inputs: ["x"] });
    const choices = graph.nodes.filter((node) => node.op === "select").length;
    return { dx: [...interpret(graph, { x }, { T })["gradient:x"]], choices };
  };
  const large = gradient((g, x) => g.mul(x, g.exp(x)), [0, 2000, 3000]);
  expect(large.dx).toEqual([1, 0, 0]);
  const quotient = gradient((g, x) => g.div(g.constant(1), g.sub(x, g.constant(2))), [0, 2, 3]);
  expect(quotient.dx).toEqual([-0.25, 0, 0]);
  // The choice itself and the mask of its cotangent: nothing else is needed below bounded values.
  expect(gradient((g, x) => g.exp(g.neg(g.softplus(x))), [0, 2, 3]).choices).toBe(2);
  expect(gradient((g, x) => g.div(x, g.add(g.sigmoid(x), g.constant(1))), [0, 2, 3]).choices).toBe(2);
});

test("nothing flows through stop_gradient, and a leaf that does not matter has gradient 0", () => {
  const g = graphBuilder(AXES);
  const [w, u] = [g.weight("w", ["H"]), g.weight("u", ["D", "H"])];
  const loss = g.sum(g.mul(g.stop_gradient(w), g.mul(w, g.constant(3))), "H");
  const graph = differentiate(g.finish({ loss, other: u }), { objective: "loss", weights: "all", inputs: [] });
  const { "gradient:w": dw, "gradient:u": du } = interpret(graph, { w: [1, 2, 3], u: [1, 1, 1, 1, 1, 1] }, { T });
  expect([...dw]).toEqual([3, 6, 9]);
  expect([...du]).toEqual([0, 0, 0, 0, 0, 0]);
});

/** Peephole LSTM over x [t, b, D], its loss on all h, the last c and a gate. */
function lstm(reverse: boolean, masked: boolean): Graph {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "D"]);
  const prime = g.otherAxis("H", ["H"]);
  const gates = ["i", "f", "o", "c"] as const;
  const weights = gates.flatMap((gate) => [
    g.weight(`Wx${gate}`, ["H", "D"]),
    g.weight(`Wh${gate}`, ["H", prime]),
    g.weight(`b${gate}`, ["H"]),
    g.weight(`p${gate}`, ["H"]),
  ]);
  const h0 = g.input("h0", ["b", "H"]);
  const c0 = g.filled(0, ["b", "H"]);
  const valid = g.input("valid", ["t", "b"], "index");
  const run = g.scan(
    {
      reverse,
      sequences: masked ? [x, g.to_real(valid)] : [x],
      statics: weights,
      states: [
        { name: "h", initial: h0 },
        { name: "c", initial: c0 },
      ],
    },
    (b, { sequences: [step, mask], statics, states: [hBefore, cBefore] }) => {
      const before = b.rename(hBefore, "H", prime);
      const preactivation = (k: number, peep: NodeId) => {
        const [Wx, Wh, bias, p] = statics.slice(4 * k, 4 * k + 4);
        return b.addAll([b.contract(step, Wx, "D"), b.contract(before, Wh, prime), b.mul(peep, p), bias]);
      };
      const i = b.named(b.sigmoid(preactivation(0, cBefore)), "i");
      const f = b.sigmoid(preactivation(1, cBefore));
      const c = b.add(b.mul(f, cBefore), b.mul(i, b.tanh(preactivation(3, cBefore))));
      const o = b.sigmoid(preactivation(2, c));
      const h = b.mul(o, b.tanh(c));
      const keep = (fresh: NodeId, old: NodeId) => (mask === undefined ? fresh : b.select(mask, fresh, old));
      return { next: [keep(h, hBefore), keep(c, cBefore)], emit: [h, i] };
    },
  );
  const r = g.input("r", ["t", "b", "H"]);
  const loss = g.addAll([
    g.sum(g.mul(run.emitted[0], r), ["t", "b", "H"]),
    g.sum(run.finals[1], ["b", "H"]),
    g.sum(g.mul(run.emitted[1], run.emitted[1]), ["t", "b", "H"]),
  ]);
  return g.finish({ loss, h: run.emitted[0] });
}

test.each([
  [false, false],
  [true, false],
  [false, true],
  [true, true],
])("LSTM, reverse %s, masked %s", (reverse, masked) => {
  const weights = ["i", "f", "o", "c"].flatMap((gate) => [`Wx${gate}`, `Wh${gate}`, `b${gate}`, `p${gate}`]);
  check(lstm(reverse, masked), weights, ["x", "h0"]);
});

test("the backward scan reads gates and one cell sequence, not the products", () => {
  const gradient = differentiate(lstm(false, false), { objective: "loss", weights: "all", inputs: [] });
  const forward = gradient.nodes.find((node) => node.op === "scan")!.attributes.scan!;
  const kept = forward.body.outputs.slice(forward.states).map((output) => forward.body.nodes[output.node].op);
  expect(kept.toSorted()).toEqual(["add", "mul", "sigmoid", "sigmoid", "sigmoid", "tanh", "tanh"]); // c, h; i, f, o; tanh of both
});

test("states read two steps back, as a chain of states; a state that nothing needs; scans one after the other", () => {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "H"]);
  const w = g.weight("w", ["H"]);
  const zero = g.filled(0, ["b", "H"]);
  const first = g.scan(
    {
      sequences: [x],
      statics: [w],
      states: [
        { name: "h", initial: g.input("h1", ["b", "H"]) },
        { name: "h~2", initial: zero },
        { name: "unused", initial: zero },
      ],
    },
    (b, { sequences, statics, states }) => {
      const h = b.tanh(b.addAll([sequences[0], b.mul(statics[0], states[1]), b.mul(b.constant(0.5), states[0])]));
      return { next: [h, states[0], b.add(states[2], h)], emit: [states[1], h] };
    },
  );
  const second = g.scan(
    { reverse: true, sequences: [first.emitted[1]], states: [{ name: "s", initial: first.finals[1] }] },
    (b, { sequences, states }) => ({
      next: [b.mul(b.sigmoid(states[0]), sequences[0])],
      emit: [states[0]],
    }),
  );
  const r = g.input("r", ["t", "b", "H"]);
  const loss = g.add(g.contract(g.mul(second.emitted[0], first.emitted[0]), r, ["t", "b", "H"]), g.sum(second.finals[0], ["b", "H"]));
  check(g.finish({ loss, unused: first.finals[2] }), ["w"], ["x", "h1"]);
});

test("a matrix state (delta rule), its key normalised in the recurrence", () => {
  const g = graphBuilder(AXES);
  const [k, v] = [g.input("x", ["t", "b", "H"]), g.input("v", ["t", "b", "D"])];
  const W = g.weight("W", ["H", g.otherAxis("H", ["H"])]);
  const prime = g.otherAxis("H", ["H"]);
  const run = g.scan(
    { sequences: [k, v], statics: [W, g.weight("beta", [])], states: [{ name: "S", initial: g.filled(0, ["b", "D", "H"]) }] },
    (b, { sequences: [key, value], statics: [matrix, beta], states: [S] }) => {
      const projected = b.contract(b.rename(key, "H", prime), matrix, prime);
      const unit = b.div(projected, b.sqrt(b.contract(projected, projected, "H")));
      const error = b.sub(value, b.contract(S, unit, "H"));
      const next = b.add(S, b.mul(b.sigmoid(beta), b.mul(error, unit)));
      return { next: [next], emit: [b.contract(next, key, "H")] };
    },
  );
  check(weighed(g, run.emitted[0]), ["W", "beta"], ["x", "v"]);
});
