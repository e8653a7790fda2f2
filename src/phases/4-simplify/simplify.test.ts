import { expect, test } from "vitest";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { interpret } from "../../ir/tensor/interpret.ts";
import type { Graph, Op } from "../../ir/tensor/node.ts";
import { printGraph } from "../../ir/tensor/print.ts";
import { randomAt, randomKeys } from "../../ir/tensor/random.ts";
import { read } from "../../ir/tensor/read.ts";
import { rewrite } from "../../ir/tensor/rewrite.ts";
import { logSigmoid, sigmoid, softplus } from "../../ir/tensor/scalar.ts";
import { verify } from "../../ir/tensor/verify.ts";
import { algebra } from "./algebra.ts";
import { normalize } from "./normalize.ts";
import { simplify } from "./simplify.ts";

const T = 5;
const AXES = [
  ["t", "T"],
  ["b", 2],
  ["D", 4],
  ["H", 3],
] as const;

function numbers(n: number, seed: number): Float64Array {
  const keys = randomKeys(seed, 0);
  return Float64Array.from({ length: n }, (_, i) => randomAt(keys, i) * 2 - 1);
}

function bindings(graph: Graph): Record<string, Float64Array> {
  const result: Record<string, Float64Array> = {};
  for (const { op, type, attributes, axes } of graph.nodes) {
    if (op !== "input" && op !== "weight") continue;
    const n = axes.reduce((product, axis) => product * (graph.axes.get(axis) === "T" ? T : (graph.axes.get(axis) as number)), 1);
    const values = numbers(
      n,
      [...attributes.name!].reduce((hash, c) => hash * 31 + c.charCodeAt(0), 7),
    );
    result[attributes.name!] = type === "index" ? values.map((value) => (value > 0 ? 1 : 0)) : values;
  }
  return result;
}

/** Simplifies, and expects the same outputs, names and axes. */
function same(graph: Graph, tolerance = 1e-12): Graph {
  verify(graph);
  const { graph: simple } = simplify(graph);
  const given = bindings(graph);
  const [before, after] = [interpret(graph, given, { T }), interpret(simple, given, { T })];
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [k, { name, node }] of graph.outputs.entries()) {
    expect(simple.nodes[simple.outputs[k].node].axes).toEqual(graph.nodes[node].axes);
    for (const [i, value] of before[name].entries()) {
      const difference = Math.abs(after[name][i] - value);
      expect(difference <= tolerance * Math.max(1, Math.abs(value)), `${name}[${i}]: ${value} became ${after[name][i]}\n${printGraph(simple)}`).toBe(
        true,
      );
    }
  }
  expect(printGraph(simplify(simple).graph)).toBe(printGraph(simple));
  return simple;
}

const count = (graph: Graph, op: Op): number => graph.nodes.filter((node) => node.op === op).length;

/** A one-node check of algebra: what a small expression becomes. */
function becomes(make: (g: GraphBuilder, x: NodeId, y: NodeId) => NodeId): string {
  const g = graphBuilder(AXES);
  const graph = g.finish({ y: make(g, g.input("x", ["b", "H"]), g.input("y", ["H"])) });
  const { graph: simple } = rewrite(graph, algebra);
  verify(simple);
  const show = (id: number): string => {
    const { op, args, attributes } = simple.nodes[id];
    if (op === "input") return attributes.name!;
    if (op === "constant") return String(attributes.value);
    return `${op}(${args.map(show).join(", ")})`;
  };
  return show(simple.outputs[0].node);
}

test("algebra and careful forms", () => {
  expect(becomes((g, x) => g.add(g.constant(0), g.mul(x, g.filled(1, ["b", "H"]))))).toBe("x");
  expect(becomes((g, x) => g.mul(g.constant(2), g.mul(g.constant(0.25), g.neg(x))))).toBe("mul(x, -0.5)");
  expect(becomes((g, x, y) => g.sub(x, g.neg(g.sub(g.constant(0), y))))).toBe("sub(x, y)");
  expect(becomes((g, x) => g.mul(x, g.constant(0)))).toBe("broadcast(0)");
  expect(becomes((g, x) => g.log(g.sigmoid(x)))).toBe("log_sigmoid(x)");
  expect(becomes((g, x) => g.log(g.sub(g.constant(1), g.sigmoid(x))))).toBe("neg(softplus(x))");
  expect(becomes((g, x) => g.log(g.add(g.exp(x), g.constant(1))))).toBe("softplus(x)");
  expect(becomes((g, x) => g.sub(g.constant(1), g.exp(x)))).toBe("neg(expm1(x))");
  expect(becomes((g, x) => g.div(g.constant(1), g.add(g.constant(1), g.exp(g.neg(x)))))).toBe("sigmoid(x)");
  expect(becomes((g, x) => g.select(g.less(g.constant(1), g.constant(2)), x, g.log(x)))).toBe("x");
  expect(becomes((g, x) => g.rename(g.rename(x, "H", g.declareAxis("K", 3)), "K", "H"))).toBe("x");
  expect(becomes((g, x) => g.sum(g.mul(x, g.rename(x, "H", g.declareAxis("K", 3))), "b"))).toBe("contract(x, rename(x))");
  expect(becomes((g, x) => g.sum(g.broadcast(x, g.declareAxis("K", 4)), ["K", "H"]))).toBe("mul(sum(x), 4)");
  expect(becomes((g, x) => g.mul(g.sub(x, x), g.exp(x)))).toBe("broadcast(0)");
  expect(becomes((g, x) => g.slice(g.concat([x, g.exp(x)], ["H", "H"], g.declareAxis("2H", 6)), "2H", "H", 3))).toBe("exp(x)");
  expect(becomes((g, x) => g.add(g.pad(g.exp(x), "H", g.declareAxis("2H", 6), 3), g.pad(x, "H", "2H", 0)))).toBe("concat(x, exp(x))");
});

/** What a graph of one number gives where every operation rounds to float32. */
function rounded(graph: Graph, x: number): number {
  const single: Record<string, (...values: number[]) => number> = {
    exp: Math.exp,
    expm1: Math.expm1,
    log: Math.log,
    log1p: Math.log1p,
    neg: (a) => -a,
    sqrt: Math.sqrt,
    sigmoid,
    softplus,
    log_sigmoid: logSigmoid,
    tanh: Math.tanh,
    stop_gradient: (a) => a,
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    mul: (a, b) => a * b,
    div: (a, b) => a / b,
    pow: (a, b) => a ** b,
  };
  const values: number[] = [];
  for (const { op, args, attributes } of graph.nodes) {
    const own = op === "input" ? x : op === "constant" ? attributes.value! : single[op](...args.map((arg) => values[arg]));
    values.push(Math.fround(own));
  }
  return values[graph.outputs[0].node];
}

test("careful forms keep their digits in float32 where the textbook form has none left", () => {
  const cases: [string, (g: GraphBuilder, x: NodeId) => NodeId, number, number][] = [
    ["1 - e^x", (g, x) => g.sub(g.constant(1), g.exp(x)), -1e-6, 9.999995000001667e-7],
    ["1 - e^x e^x", (g, x) => g.sub(g.constant(1), g.mul(g.exp(x), g.exp(x))), -1e-6, 1.999998000001333e-6],
    ["1 - (e^x)²", (g, x) => g.sub(g.constant(1), g.pow(g.exp(x), g.constant(2))), -1e-6, 1.999998000001333e-6],
    ["1 - e^x e^3x", (g, x) => g.sub(g.constant(1), g.mul(g.exp(x), g.exp(g.mul(g.constant(3), x)))), -1e-6, 3.999992000010667e-6],
    ["1 - (e^x)^2.5", (g, x) => g.sub(g.constant(1), g.pow(g.exp(x), g.constant(2.5))), -1e-6, 2.4999968750026042e-6],
    ["log (1 + e^x)", (g, x) => g.log(g.add(g.constant(1), g.exp(x))), -20, 2.061153620314381e-9],
    ["log (1 + e^x)", (g, x) => g.log(g.add(g.exp(x), g.constant(1))), 200, 200],
    ["log σ", (g, x) => g.log(g.sigmoid(x)), -200, -200],
    ["log (σ^8)", (g, x) => g.log(g.pow(g.sigmoid(x), g.constant(8))), -200, -1600],
    ["1 / (1 + e^-x)", (g, x) => g.div(g.constant(1), g.add(g.constant(1), g.exp(g.neg(x)))), -89, 2.2273639090486733e-39],
    ["e^x / (1 + e^x)", (g, x) => g.div(g.exp(x), g.add(g.exp(x), g.constant(1))), 100, 1],
    ["tanh", (g, x) => g.div(g.sub(g.exp(x), g.exp(g.neg(x))), g.add(g.exp(x), g.exp(g.neg(x)))), 100, 1],
    ["log (e^x / (e^x + 1))", (g, x) => g.log(g.div(g.exp(x), g.add(g.exp(x), g.constant(1)))), -200, -200],
  ];
  for (const [name, make, x, wanted] of cases) {
    const g = graphBuilder();
    const graph = g.finish({ y: make(g, g.input("x", [])) });
    const { graph: careful } = normalize(graph);
    verify(careful);
    const error = (given: Graph) => Math.abs(rounded(given, x) - wanted) / Math.max(Math.abs(wanted), 2 ** -126);
    expect(error(careful), name).toBeLessThan(3e-7);
    expect(error(graph) < 3e-5, `${name} as written`).toBe(false);
  }
});

test("softmax and log Σ e^x written out do not overflow, and their gradients are the same", () => {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["b", "H"]);
  const total = g.sum(g.exp(x), "H");
  const graph = g.finish({ p: g.div(g.exp(x), total), "log p": g.log(g.div(g.exp(x), total)), s: g.log(total) });
  const { graph: careful } = normalize(graph);
  verify(careful);
  const run = (given: Graph, values: readonly number[]) => interpret(given, { x: values }, { T });
  const small = [0.5, -1, 2, 0, 0.25, -0.75];
  for (const [name, values] of Object.entries(run(graph, small)))
    for (const [i, value] of values.entries()) expect(Math.abs(run(careful, small)[name][i] - value), name).toBeLessThan(1e-14);
  const { p, "log p": logs, s } = run(careful, [2000, 1999, -2000, -5000, -5001, -5002]);
  expect([p[0] / p[1], p[2], logs[2]].map((value) => Math.fround(value))).toEqual([
    Math.fround(Math.E),
    0,
    Math.fround(-4000 - Math.log1p(Math.exp(-1))),
  ]);
  expect(Math.abs(s[1] - (-5000 + Math.log(1 + Math.exp(-1) + Math.exp(-2))))).toBeLessThan(1e-11);
  expect(normalize(careful).graph).toBe(careful);
});

const GATES = ["i", "f", "o", "c"] as const;

/** Forward LSTM graph; gradients are written in by hand below so that this phase is tested alone. */
function lstm(options: { peepholes?: boolean; reverse?: boolean; masked?: boolean } = {}): Graph {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "D"]);
  const prime = g.otherAxis("H", ["H"]);
  const weights = GATES.flatMap((gate) => [
    g.weight(`Wx${gate}`, ["H", "D"]),
    g.weight(`Wh${gate}`, ["H", prime]),
    g.weight(`b${gate}`, ["H"]),
    g.weight(`p${gate}`, ["H"]),
  ]);
  const initial = g.input("h0", ["b", "H"]);
  const mask = g.input("valid", ["t", "b"]);
  const run = g.scan(
    {
      reverse: options.reverse ?? false,
      sequences: [x, mask],
      statics: weights,
      states: [
        { name: "h", initial },
        { name: "c", initial: g.filled(0, ["b", "H"]) },
      ],
    },
    (b, { sequences: [step, valid], statics, states: [hBefore, cBefore] }) => {
      const before = b.rename(hBefore, "H", prime);
      const gate = (k: number, peep: NodeId) => {
        const [Wx, Wh, bias, p] = statics.slice(4 * k, 4 * k + 4);
        return b.addAll([b.contract(Wx, step, "D"), b.contract(Wh, before, prime), ...(options.peepholes ? [b.mul(p, peep)] : []), bias]);
      };
      const i = b.named(b.sigmoid(gate(0, cBefore)), "i");
      const f = b.named(b.sigmoid(gate(1, cBefore)), "f");
      const c = b.named(b.add(b.mul(f, cBefore), b.mul(i, b.tanh(gate(3, cBefore)))), "c");
      const o = b.named(b.sigmoid(gate(2, c)), "o");
      const h = b.named(b.mul(o, b.tanh(c)), "h");
      const keep = (fresh: NodeId, old: NodeId) => (options.masked ? b.select(valid, fresh, old) : fresh);
      return { next: [keep(h, hBefore), keep(c, cBefore)], emit: [h, hBefore, b.contract(h, statics[0], "H")] };
    },
  );
  return g.finish({
    h: g.transpose(run.emitted[0], ["t", "b", "H"]),
    before: g.transpose(run.emitted[1], ["b", "t", "H"]),
    y: run.emitted[2],
    c: run.finals[1],
  });
}

test("an LSTM: one product of inputs, one product in the recurrence, the read-out after it", () => {
  const simple = same(lstm());
  expect(count(simple, "contract")).toBe(2);
  const scan = simple.nodes.find((node) => node.op === "scan")!.attributes.scan!;
  expect(count(scan.body, "contract")).toBe(1);
  expect(count(scan.body, "add")).toBe(2); // one of the whole pre-activation, one of the cell
  expect([scan.sequences, scan.statics, scan.states]).toEqual([1, 1, 2]);
  expect(count(simple, "shift")).toBe(1); // h before the step is the emitted h, shifted
});

test.each([{ peepholes: true }, { reverse: true }, { masked: true }, { peepholes: true, reverse: true, masked: true }])(
  "an LSTM stays itself with %o",
  (options) => {
    const simple = same(lstm(options));
    expect(count(simple.nodes.find((node) => node.op === "scan")!.attributes.scan!.body, "contract")).toBe(1);
  },
);

test("the terms of a backward step become one product; what no state needs follows the recurrence", () => {
  const g = graphBuilder(AXES);
  const e = g.input("e", ["t", "b", "H"]);
  const x = g.input("x", ["t", "b", "D"]);
  const prime = g.otherAxis("H", ["H"]);
  const U = ["a", "b", "c"].map((name) => g.weight(`U${name}`, ["H", prime]));
  const W = ["a", "b", "c"].map((name) => g.weight(`W${name}`, ["H", "D"]));
  const run = g.scan(
    { reverse: true, sequences: [e, x], statics: [...U, ...W], states: [{ name: "dh", initial: g.filled(0, ["b", "H"]) }] },
    (b, p) => {
      const total = b.add(p.states[0], p.sequences[0]);
      const deltas = [b.mul(total, total), b.tanh(total), b.sin(total)];
      const terms = deltas.map((delta, k) => b.rename(b.contract(delta, p.statics[k], "H"), prime, "H"));
      const dx = b.addAll(deltas.map((delta, k) => b.contract(delta, p.statics[3 + k], "H")));
      const dW = deltas.map((delta) => b.contract(delta, p.sequences[1], "b"));
      return { next: [b.addAll(terms)], emit: [dx, ...dW, ...deltas.map((delta) => b.sum(delta, "b"))] };
    },
  );
  const [dx, ...rest] = run.emitted;
  const simple = same(g.finish({ dx, ...Object.fromEntries(rest.map((each, k) => [`d${k}`, g.sum(each, "t")])) }));
  expect(count(simple.nodes.find((node) => node.op === "scan")!.attributes.scan!.body, "contract")).toBe(1);
  expect(count(simple, "contract")).toBe(2); // dx; dW of all three
  expect(count(simple, "sum")).toBe(1); // biases of all three
});

test("a GRU that resets before the product keeps two products in the recurrence, one outside", () => {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "D"]);
  const prime = g.otherAxis("H", ["H"]);
  const weights = ["z", "r", "n"].flatMap((name) => [g.weight(`W${name}`, ["H", "D"]), g.weight(`U${name}`, ["H", prime])]);
  const run = g.scan(
    { sequences: [x], statics: weights, states: [{ name: "h", initial: g.filled(0, ["b", "H"]) }] },
    (b, { sequences, statics, states }) => {
      const product = (k: number, h: NodeId) =>
        b.add(b.contract(sequences[0], statics[2 * k], "D"), b.contract(b.rename(h, "H", prime), statics[2 * k + 1], prime));
      const [z, r] = [b.sigmoid(product(0, states[0])), b.sigmoid(product(1, states[0]))];
      const h = b.add(b.mul(b.sub(b.constant(1), z), states[0]), b.mul(z, b.tanh(product(2, b.mul(r, states[0])))));
      return { next: [h], emit: [h, z] };
    },
  );
  const simple = same(g.finish({ h: run.emitted[0], z: run.emitted[1] }));
  expect(count(simple, "contract")).toBe(1);
  expect(count(simple.nodes.find((node) => node.op === "scan")!.attributes.scan!.body, "contract")).toBe(2);
});

test("a recurrence without its states is none; an unused state goes, a state that never changes is a static", () => {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "H"]);
  const w = g.weight("w", ["H"]);
  const zero = g.filled(0, ["b", "H"]);
  const start = g.input("h0", ["b", "H"]);
  const run = g.scan(
    {
      sequences: [x],
      statics: [w],
      states: [
        { name: "unused", initial: zero },
        { name: "fixed", initial: start },
      ],
    },
    (b, { sequences, statics, states }) => ({
      next: [b.add(states[0], sequences[0]), states[1]],
      emit: [b.tanh(b.mul(statics[0], b.add(sequences[0], states[1]))), statics[0]],
    }),
  );
  const simple = same(g.finish({ y: run.emitted[0], w: run.emitted[1], fixed: run.finals[1] }));
  expect(simple.nodes.map((node) => node.op)).not.toContain("scan");
});

test("elementwise work on inputs stays in the recurrence, what depends on weights alone is done once", () => {
  const g = graphBuilder(AXES);
  const x = g.input("x", ["t", "b", "H"]);
  const run = g.scan(
    { sequences: [x], statics: [g.weight("L", ["H"])], states: [{ name: "h", initial: g.filled(0, ["b", "H"]) }] },
    (b, { sequences, statics, states }) => {
      const decay = b.exp(b.neg(b.softplus(statics[0])));
      const z = b.sigmoid(sequences[0]);
      const h = b.add(b.mul(decay, states[0]), b.mul(z, sequences[0]));
      return { next: [h], emit: [h, z] };
    },
  );
  const simple = same(g.finish({ h: run.emitted[0], z: run.emitted[1] }));
  const body = simple.nodes.find((node) => node.op === "scan")!.attributes.scan!.body;
  expect(count(simple, "sigmoid")).toBe(1); // of the weight
  expect(count(body, "sigmoid")).toBe(1); // of the input
});

/** A random well-typed graph: a scan over random bodies between random outer work. */
function randomGraph(seed: number): Graph {
  let position = 0;
  const keys = randomKeys(seed, 99);
  const below = (n: number): number => Math.floor(randomAt(keys, position++) * n);
  const g = graphBuilder(AXES);
  const prime = g.otherAxis("H", ["H"]);
  const weights = [g.weight("W", ["H", prime]), g.weight("U", ["H", prime]), g.weight("V", ["H", "D"]), g.weight("w", ["H"])];
  const grow = (b: GraphBuilder, start: readonly NodeId[], W: readonly NodeId[], steps: number): NodeId[] => {
    const pool = [...start];
    const any = (): NodeId => pool[below(pool.length)];
    for (let k = 0; k < steps; k++) {
      const x = any();
      const choice = below(14);
      if (choice === 0) pool.push(b.add(x, any()));
      else if (choice === 1) pool.push(b.mul(b.tanh(x), any()));
      else if (choice === 2) pool.push(b.sub(any(), b.neg(x)));
      else if (choice <= 6) pool.push(b.mul(b.constant(0.3), b.contract(b.rename(x, "H", prime), W[below(2)], prime)));
      else if (choice === 7) pool.push(b.rename(b.contract(x, W[below(2)], "H"), prime, "H"));
      else if (choice === 8) pool.push(b.add(b.sigmoid(x), W[3]));
      else if (choice === 9) pool.push(b.select(b.less(x, b.constant(0.1)), any(), x));
      else if (choice === 10) pool.push(b.expand(b.sum(x, "H"), b.axesOf(x)));
      else if (choice === 11) pool.push(b.max(x, any()));
      else if (choice === 12) pool.push(b.contract(b.contract(x, W[2], "H"), W[2], "D"));
      else {
        const [axis, half] = [b.declareAxis("2H", 6), any()];
        const both = b.concat([x, b.expand(half, b.axesOf(x))], ["H", "H"], axis);
        pool.push(b.slice(b.add(both, b.tanh(both)), axis, "H", below(4)));
      }
    }
    return pool;
  };
  const x = g.input("x", ["t", "b", "H"]);
  const outer = grow(g, [x, g.shift(x, 1, g.filled(0, ["b", "H"]))], weights, 3);
  const initial = g.input("h0", ["b", "H"]);
  const states = [0, 1].map((k) => ({ name: `s${k}`, initial: k === 0 ? initial : g.filled(0, ["b", "H"]) }));
  const run = g.scan({ reverse: below(2) === 1, sequences: outer.slice(-2), statics: weights, states }, (b, p) => {
    const pool = grow(b, [...p.sequences, ...p.states], p.statics, 4 + below(12));
    const any = (): NodeId => pool[pool.length - 1 - below(Math.min(8, pool.length))];
    const bounded = (id: NodeId): NodeId => b.expand(b.tanh(id), ["b", "H"]);
    return {
      next: [bounded(any()), bounded(any())],
      emit: [any(), any(), b.contract(any(), p.statics[2], "H")].map((id) => b.expand(id, ["b", ...b.axesOf(id).filter((axis) => axis !== "b")])),
    };
  });
  const after = grow(g, [...run.emitted.slice(0, 2), x], weights, 4);
  const outputs = [...after.slice(-2), run.emitted[2], ...run.finals];
  return g.finish(Object.fromEntries(outputs.map((id, k) => [`y${k}`, id])));
}

test("random graphs mean the same after simplification, and print and read back", () => {
  for (let seed = 0; seed < 80; seed++) {
    const simple = same(randomGraph(seed), 1e-11);
    expect(read(printGraph(simple))).toEqual(simple);
  }
});
