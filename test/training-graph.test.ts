/** Phases 3 and 4 together: whole training graphs mean the same after simplification and have the form in which they run fast. */
import { expect, test } from "vitest";
import { graphBuilder, type GraphBuilder, type NodeId, type ScanParameters } from "../src/ir/tensor/build.ts";
import { interpret } from "../src/ir/tensor/interpret.ts";
import type { Graph, Op } from "../src/ir/tensor/node.ts";
import { isElementwise } from "../src/ir/tensor/ops.ts";
import { printGraph } from "../src/ir/tensor/print.ts";
import { randomAt, randomKeys } from "../src/ir/tensor/random.ts";
import { verify } from "../src/ir/tensor/verify.ts";
import { differentiate } from "../src/phases/3-differentiate/differentiate.ts";
import { simplify } from "../src/phases/4-simplify/simplify.ts";

const T = 4;
const AXES = [
  ["t", "T"],
  ["s", "T"],
  ["b", 2],
  ["D", 4],
  ["H", 3],
  ["N", 2],
  ["V", 5],
] as const;

function bindings(graph: Graph): Record<string, Float64Array> {
  const result: Record<string, Float64Array> = {};
  for (const { op, type, attributes, axes } of graph.nodes) {
    if (op !== "input" && op !== "weight") continue;
    const n = axes.reduce((product, axis) => product * (graph.axes.get(axis) === "T" ? T : (graph.axes.get(axis) as number)), 1);
    const keys = randomKeys(
      [...attributes.name!].reduce((hash, c) => hash * 31 + c.charCodeAt(0), 7),
      0,
    );
    result[attributes.name!] = Float64Array.from({ length: n }, (_, i) =>
      type === "index" ? Math.floor(randomAt(keys, i) * 3) : randomAt(keys, i) * 2 - 1,
    );
  }
  return result;
}

/** Differentiates and simplifies; expects the same values and axes. */
function train(graph: Graph, inputs: readonly string[] = ["x"]): Graph {
  const gradient = differentiate(graph, { objective: "loss", weights: "all", inputs });
  verify(gradient);
  const { graph: simple } = simplify(gradient);
  const given = bindings(gradient);
  const [before, after] = [interpret(gradient, given, { T }), interpret(simple, given, { T })];
  for (const [k, { name, node }] of gradient.outputs.entries()) {
    expect(simple.outputs[k].name).toBe(name);
    expect(simple.nodes[simple.outputs[k].node].axes).toEqual(gradient.nodes[node].axes);
    for (const [i, value] of before[name].entries()) {
      expect(
        Math.abs(after[name][i] - value) <= 1e-12 * Math.max(1, Math.abs(value)),
        `${name}[${i}]: ${value} became ${after[name][i]}\n${printGraph(simple)}`,
      ).toBe(true);
    }
  }
  return simple;
}

const count = (graph: Graph, op: Op): number => graph.nodes.filter((node) => node.op === op).length;

/** Contractions before the first scan, inside of each scan, and after the last one. */
function products(graph: Graph): number[] {
  const result = [0];
  for (const { op, attributes } of graph.nodes) {
    if (attributes.scan) result.push(count(attributes.scan.body, "contract"), 0);
    if (op === "contract") result[result.length - 1]++;
  }
  return result;
}

function squares(g: GraphBuilder, h: NodeId): NodeId {
  const e = g.sub(h, g.input("target", g.axesOf(h)));
  return g.sum(g.mul(e, g.mul(e, g.constant(0.5))), g.axesOf(h));
}

type Cell = (b: GraphBuilder, p: ScanParameters) => { next: readonly NodeId[]; emit: readonly NodeId[] };

/** A recurrence over x with states [b, H], mean squared error on its first emitted value. */
function recurrent(states: readonly string[], weights: readonly (readonly [string, readonly string[]])[], cell: Cell, reverse = false): Graph {
  const g = graphBuilder(AXES);
  g.otherAxis("H", ["H"]);
  const x = g.input("x", ["t", "b", "D"]);
  const statics = weights.map(([name, axes]) => g.weight(name, axes));
  const run = g.scan({ reverse, sequences: [x], statics, states: states.map((name) => ({ name, initial: g.filled(0, ["b", "H"]) })) }, cell);
  return g.finish({ loss: squares(g, g.transpose(run.emitted[0], ["t", "b", "H"])), h: g.transpose(run.emitted[0], ["t", "b", "H"]) });
}

const affine = (b: GraphBuilder, x: NodeId, W: NodeId, h: NodeId, U: NodeId, bias: NodeId): NodeId =>
  b.add(b.add(b.contract(W, x, "D"), b.contract(U, b.rename(h, "H", "H'"), "H'")), bias);

const gateWeights = (gates: string): (readonly [string, readonly string[]])[] =>
  [...gates].flatMap((gate) => [[`W${gate}`, ["H", "D"]] as const, [`U${gate}`, ["H", "H'"]] as const, [`b${gate}`, ["H"]] as const]);

const lstm =
  (peepholes: boolean): Cell =>
  (b, { sequences: [x], statics, states: [h, c] }) => {
    const pre = (k: number, peep: NodeId) => {
      const [W, U, bias] = statics.slice(3 * k, 3 * k + 3);
      const sum = affine(b, x, W, h, U, bias);
      return peepholes ? b.add(sum, b.mul(statics[12 + k], peep)) : sum;
    };
    const [i, f] = [b.sigmoid(pre(0, c)), b.sigmoid(pre(1, c))];
    const cell = b.add(b.mul(f, c), b.mul(i, b.tanh(pre(3, c))));
    const o = b.sigmoid(pre(2, cell));
    const out = b.mul(o, b.tanh(cell));
    return { next: [out, cell], emit: [out] };
  };

test("an LSTM trains with one product before, one in each recurrence, and dW, dU, dx after", () => {
  const simple = train(recurrent(["h", "c"], gateWeights("ifoc"), lstm(false)));
  const before = products(simple);
  expect(before.slice(0, 2)).toEqual([1, 1]);
  expect(before[2]).toBe(1); // the loss
  expect(before.slice(3)).toEqual([1, 3]);
  expect(count(simple, "sum")).toBe(1); // all biases
  const [forward, backward] = simple.nodes.filter((node) => node.op === "scan").map((node) => node.attributes.scan!);
  expect([forward.sequences, forward.statics]).toEqual([2, 1]); // the inputs' product, the target (the error is taken inside)
  expect(backward.body.outputs.length - backward.states).toBe(1); // the stack of the four deltas
});

test("a peephole LSTM has the same products; its peepholes are sums over time of δ∘c", () => {
  const peepholes = [..."ifo c".replace(" ", "")].map((gate) => [`p${gate}`, ["H"]] as const);
  const simple = train(recurrent(["h", "c"], [...gateWeights("ifoc"), ...peepholes], lstm(true)));
  expect(products(simple).filter((_, k) => k % 2 === 1)).toEqual([1, 1]);
});

const gru =
  (resetAfter: boolean): Cell =>
  (b, { sequences: [x], statics, states: [h] }) => {
    const [Wz, Uz, bz, Wr, Ur, br, Wn, Un, bn] = statics;
    const [z, r] = [b.sigmoid(affine(b, x, Wz, h, Uz, bz)), b.sigmoid(affine(b, x, Wr, h, Ur, br))];
    const n = resetAfter
      ? b.tanh(b.add(b.contract(Wn, x, "D"), b.mul(r, b.add(b.contract(Un, b.rename(h, "H", "H'"), "H'"), bn))))
      : b.tanh(affine(b, x, Wn, b.mul(r, h), Un, bn));
    const out = b.add(b.mul(b.sub(b.constant(1), z), n), b.mul(z, h));
    return { next: [out], emit: [out] };
  };

test("a GRU that resets after the product has one product in each recurrence; before it, two", () => {
  expect(products(train(recurrent(["h"], gateWeights("zrn"), gru(true)))).filter((_, k) => k % 2 === 1)).toEqual([1, 1]);
  const simple = train(recurrent(["h"], gateWeights("zrn"), gru(false)));
  const all = products(simple);
  expect(all.filter((_, k) => k % 2 === 1)).toEqual([2, 2]);
  expect(all[0]).toBe(1);
  expect(all.at(-1)).toBe(4); // dW of all three; dU of z and r; dU of n; dx
});

test("a linear recurrence keeps no product inside, and all elementwise work", () => {
  const cell: Cell = (b, { sequences: [x], statics: [Wz, Wh], states: [h] }) => {
    const z = b.sigmoid(b.contract(Wz, x, "D"));
    const out = b.add(b.mul(b.sub(b.constant(1), z), h), b.mul(z, b.contract(Wh, x, "D")));
    return { next: [out], emit: [out] };
  };
  const simple = train(
    recurrent(
      ["h"],
      [
        ["Wz", ["H", "D"]],
        ["Wh", ["H", "D"]],
      ],
      cell,
      true,
    ),
  );
  expect(products(simple)[0]).toBe(1);
  expect(products(simple).filter((_, k) => k % 2 === 1)).toEqual([0, 0]);
  expect(simple.nodes.filter((node) => isElementwise(node.op) && node.axes.length > 0)).toEqual([]);
});

test("two layers with embedding, read-out and cross entropy", () => {
  const g = graphBuilder(AXES);
  g.otherAxis("H", ["H"]);
  const token = g.input("token", ["t", "b"], "index");
  const cell = (prefix: string, x: NodeId): NodeId => {
    const statics = gateWeights("ifoc").map(([name, axes]) => g.weight(prefix + name, axes));
    const states = ["h", "c"].map((name) => ({ name: prefix + name, initial: g.filled(0, ["b", "H"]) }));
    return g.transpose(g.scan({ sequences: [x], statics, states }, lstm(false)).emitted[0], ["t", "b", "H"]);
  };
  const h1 = cell("1.", g.gather(g.weight("E", ["V", "D"]), token, "V"));
  const h2 = cell("2.", g.contract(h1, g.weight("P", ["D", "H"]), "H"));
  const logits = g.add(g.contract(h2, g.weight("Wy", ["V", "H"]), "H"), g.weight("by", ["V"]));
  const greatest = g.max_over(logits, "V");
  const logSum = g.add(greatest, g.log(g.sum(g.exp(g.sub(logits, greatest)), "V")));
  const loss = g.sum(g.mul(g.sub(logSum, g.gather(logits, token, "V")), g.input("loss_weight", ["t", "b"])), ["t", "b"]);
  const simple = train(g.finish({ loss, logits }), []);
  expect(simple.nodes.filter((node) => node.op === "scan").length).toBe(4);
  for (const { attributes } of simple.nodes) if (attributes.scan) expect(count(attributes.scan.body, "contract")).toBe(1);
});

test("causal attention with several heads: queries, keys and values are one product", () => {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "D"]);
  const [q, k, v] = ["q", "k", "v"].map((name) => g.contract(x, g.weight(`W${name}`, ["N", "H", "D"]), "D"));
  const score = g.contract(q, g.rename(k, "t", "s"), "H");
  const masked = g.select(g.less_equal(g.iota("s"), g.iota("t")), score, g.constant(-1e30));
  const weights = g.exp(g.sub(masked, g.stop_gradient(g.max_over(masked, "s"))));
  const a = g.div(weights, g.sum(weights, "s"));
  const y = g.contract(g.contract(a, g.rename(v, "t", "s"), "s"), g.weight("Wo", ["N", "D", "H"]), ["N", "H"]);
  const simple = train(g.finish({ loss: squares(g, y), a }));
  expect(simple.nodes.filter((node) => node.op === "contract" && node.args.some((arg) => simple.nodes[arg].op === "concat")).length).toBe(1);
});

test("a gated convolution: one product a tap for both halves, one a tap for their weights, one for dx", () => {
  const g = graphBuilder([...AXES, ["J", 3], ["L", 2]]);
  const x = g.input("x", ["t", "b", "D"]);
  const conv = (name: string): NodeId => {
    const W = g.weight(name, ["J", "H", "D"]);
    const zero = g.filled(0, ["b", "D"]);
    const before = [x, g.shift(x, 1, zero), g.shift(x, 2, g.broadcast(zero, "L"), "L")];
    return g.addAll([...before.map((each, j) => g.contract(each, g.pick(W, "J", j), "D")), g.weight(`b${name}`, ["H"])]);
  };
  const gated = g.mul(conv("Wf"), g.sigmoid(conv("Wg")));
  expect(count(train(g.finish({ loss: squares(g, gated), gated })), "contract")).toBe(3 + 1 + 3 + 1);
});

test("a masked peephole LSTM run backwards, with learned initial states and dropout between its steps", () => {
  const g = graphBuilder(AXES);
  g.otherAxis("H", ["H"]);
  const x = g.input("x", ["t", "b", "D"]);
  const keep = g.less(g.random(g.input("seed", [], "index"), 1, ["b", "H"]), g.constant(0.8));
  const statics = gateWeights("ifoc").map(([name, axes]) => g.weight(name, axes));
  const states = ["h", "c"].map((name) => ({ name, initial: g.expand(g.weight(`${name}0`, ["H"]), ["b", "H"]) }));
  const valid = g.less(g.iota("t"), g.input("lengths", ["b"], "index"));
  const run = g.scan({ reverse: true, sequences: [x, valid], statics: [...statics, keep], states }, (b, p) => {
    const h = b.mul(p.states[0], b.mul(p.statics[12], b.constant(1 / 0.8)));
    const { next, emit } = lstm(false)(b, { ...p, states: [h, p.states[1]] });
    const chosen = next.map((fresh, k) => b.select(p.sequences[1], fresh, p.states[k]));
    return { next: chosen, emit: [b.select(p.sequences[1], emit[0], b.constant(0))] };
  });
  const h = g.transpose(run.emitted[0], ["t", "b", "H"]);
  const simple = train(g.finish({ loss: g.add(squares(g, h), g.sum(run.finals[1], g.axesOf(run.finals[1]))), h }));
  expect(products(simple).filter((_, k) => k % 2 === 1)).toEqual([1, 1]);
});

test("a matrix state by the delta rule", () => {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "D"]);
  g.declareAxis("K", 3);
  const statics = [g.weight("Wq", ["K", "D"]), g.weight("Wk", ["K", "D"]), g.weight("Wv", ["H", "D"]), g.weight("wb", ["D"]), g.weight("wa", ["D"])];
  const run = g.scan(
    { sequences: [x], statics, states: [{ name: "S", initial: g.filled(0, ["b", "H", "K"]) }] },
    (b, { sequences, statics: W, states: [S] }) => {
      const [q, key, v, beta, alpha] = W.map((w) => b.contract(sequences[0], w, "D"));
      const k = b.div(key, b.sqrt(b.add(b.contract(key, key, "K"), b.constant(1e-6))));
      const [gate, decay] = [b.sigmoid(beta), b.sigmoid(alpha)];
      const old = b.contract(S, k, "K");
      const next = b.mul(decay, b.sub(S, b.mul(gate, b.mul(old, k))));
      const written = b.add(next, b.mul(gate, b.mul(v, k)));
      return { next: [written], emit: [b.contract(written, q, "K")] };
    },
  );
  train(g.finish({ loss: squares(g, run.emitted[0]), y: run.emitted[0] }));
});
