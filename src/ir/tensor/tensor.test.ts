import { expect, test } from "vitest";
import { graphBuilder } from "./build.ts";
import { importNodes } from "./copy.ts";
import { interpret, interpretAll } from "./interpret.ts";
import type { Graph, Node } from "./node.ts";
import { printGraph } from "./print.ts";
import { mixBits, randomAt, randomKeys } from "./random.ts";
import { read } from "./read.ts";
import { erf, logSigmoid, sigmoid, softplus } from "./scalar.ts";
import { verify } from "./verify.ts";

const axes = [
  ["t", "T"],
  ["b", 2],
  ["D", 3],
  ["H", 2],
] as const;

/** h = tanh(W·x + U·h[t-1]), emitted and final. */
function recurrence(reverse = false): Graph {
  const g = graphBuilder(axes);
  const x = g.input("x", ["t", "b", "D"]);
  const W = g.weight("W", ["H", "D"]);
  const prime = g.otherAxis("H", ["H"]);
  const U = g.weight("U", ["H", prime]);
  const h0 = g.filled(0, ["b", "H"]);
  const run = g.scan({ reverse, sequences: [x], statics: [W, U], states: [{ name: "h", initial: h0 }] }, (b, { sequences, statics, states }) => {
    const product = b.contract(b.rename(states[0], "H", prime), statics[1], prime);
    const h = b.named(b.tanh(b.add(b.contract(sequences[0], statics[0], "D"), product)), "h", { start: 3, end: 9 });
    return { next: [h], emit: [h] };
  });
  return g.finish({ h: run.emitted[0], "h[T]": run.finals[0] });
}

const numbers = (n: number, seed: number): Float64Array => {
  const keys = randomKeys(seed, 0);
  return Float64Array.from({ length: n }, (_, i) => randomAt(keys, i) * 2 - 1);
};

test("a recurrence evaluates to what a loop by hand gives, both ways in time", () => {
  const T = 4;
  const [x, W, U] = [numbers(T * 6, 1), numbers(6, 2), numbers(4, 3)];
  for (const reverse of [false, true]) {
    const graph = recurrence(reverse);
    verify(graph);
    const { h, "h[T]": last } = interpret(graph, { x, W, U }, { T });
    const state = [0, 0, 0, 0];
    for (let i = 0; i < T; i++) {
      const t = reverse ? T - 1 - i : i;
      const before = [...state];
      for (let b = 0; b < 2; b++) {
        for (let j = 0; j < 2; j++) {
          let sum = 0;
          for (let d = 0; d < 3; d++) sum += W[j * 3 + d] * x[(t * 2 + b) * 3 + d];
          for (let k = 0; k < 2; k++) sum += U[j * 2 + k] * before[b * 2 + k];
          state[b * 2 + j] = Math.tanh(sum);
          expect(h[(t * 2 + b) * 2 + j]).toBeCloseTo(state[b * 2 + j], 14);
        }
      }
    }
    expect([...last].map((value, i) => value - state[i]).every((difference) => Math.abs(difference) < 1e-14)).toBe(true);
  }
});

test("named values inside a scan are recorded for every step", () => {
  const { named, outputs } = interpretAll(recurrence(), { x: numbers(18, 1), W: numbers(6, 2), U: numbers(4, 3) }, { T: 3 });
  expect(named.get("h")).toEqual(outputs.h);
  expect(named.get("h")!.shape).toEqual([3, 2, 2]);
});

test("read gives back what print wrote", () => {
  const g = graphBuilder([...axes, ["odd name, really", 5], ["2H", 4], ["L", 2]]);
  const x = g.input("x", ["t", "b", "H"]);
  const token = g.input("token", ["t", "b"], "index");
  const E = g.weight("E", ["odd name, really", "H"]);
  const e = g.named(g.gather(E, token, "odd name, really"), "e", { start: 0, end: 4 });
  const both = g.concat([x, e], ["H", "H"], "2H");
  const shifted = g.shift(both, -2, g.filled(-0, ["L", "b", "2H"]), "L");
  const seed = g.input("seed", [], "index");
  const mask = g.less(g.random(seed, 3, ["t", "b"]), g.constant(Infinity));
  const chosen = g.select(mask, shifted, g.constant(0.1));
  const parts = g.pad(g.slice(chosen, "2H", "H", 1), "H", "2H", 2);
  const graph = g.finish({
    "a b": g.last(parts, g.input("lengths", ["b"], "index")),
    y: g.merge(g.split(g.transpose(parts, ["t", "2H", "b"]), "2H", ["L", "H"]), ["L", "H"], "2H"),
    z: g.argmax(g.pick(parts, "b", 1), "2H"),
    w: g.scatter(e, token, "odd name, really", ["t"]),
    s: g.scan({ sequences: [x], states: [{ name: "a b", initial: g.filled(0, ["b"]) }] }, (b, p) => {
      const next = b.add(p.states[0], b.sum(p.sequences[0], "H"));
      return { next: [next], emit: [next] };
    }).emitted[0],
  });
  verify(graph);
  for (const each of [graph, recurrence(true)]) {
    expect(read(printGraph(each))).toEqual(each);
    expect(printGraph(read(printGraph(each)))).toBe(printGraph(each));
  }
});

test("equal nodes are made once, unneeded ones left out, two names keep two nodes", () => {
  const g = graphBuilder(axes);
  const x = g.input("x", ["b", "H"]);
  expect(g.tanh(x)).toBe(g.tanh(x));
  const a = g.named(g.tanh(x), "a");
  const b = g.named(g.tanh(x), "b");
  expect(a).not.toBe(b);
  g.exp(x);
  const graph = g.finish({ a, b });
  expect(graph.nodes.map((node) => node.name ?? node.op)).toEqual(["input", "a", "b"]);
  expect([...graph.axes.keys()]).toEqual(["b", "H"]);
});

test("a copy into another builder means the same, also where an argument changed its memory order", () => {
  const graph = recurrence();
  const g = graphBuilder();
  const place = importNodes(g, graph, {
    replace: (node) =>
      node.attributes.name === "x"
        ? g.transpose(g.input("x", node.axes), ["D", "b", "t"])
        : node.op === "broadcast"
          ? g.filled(0, ["H", "b"])
          : undefined,
  });
  const copy = g.finish(graph.outputs.map(({ name, node }) => ({ name, node: place.get(node)! })));
  verify(copy);
  const inputs = { x: numbers(18, 1), W: numbers(6, 2), U: numbers(4, 3) };
  const [old, fresh] = [graph, copy].map((each) => interpret(each, inputs, { T: 3 }));
  expect(fresh.h.length).toBe(old.h.length);
  const last = copy.nodes[copy.outputs[1].node];
  expect(last.axes).toEqual(["H", "b"]);
  expect([0, 2, 1, 3].map((i) => fresh["h[T]"][i])).toEqual([...old["h[T]"]]);
});

test("verify names the node and the broken rule", () => {
  const graph = recurrence();
  const spoil = (change: (nodes: Node[]) => void): Graph => {
    const nodes = [...graph.nodes];
    change(nodes);
    return { ...graph, nodes };
  };
  const scan = graph.nodes.findIndex((node) => node.op === "scan");
  const at = (op: string) => graph.nodes.findIndex((node) => node.op === op);
  const cases: [Graph, RegExp][] = [
    [
      spoil((nodes) => (nodes[at("broadcast")] = { ...nodes[at("broadcast")], axes: ["H", "b"] })),
      /broadcast.*has axes \[H,b\], should have \[b,H\]/,
    ],
    [spoil((nodes) => (nodes[scan] = { ...nodes[scan], args: [...nodes[scan].args].reverse() })), /scan/],
    [spoil((nodes) => (nodes[at("emitted")] = { ...nodes[at("emitted")], attributes: { index: 7 } })), /emitted.*no value 7/],
    [spoil((nodes) => (nodes[at("input")] = { ...nodes[at("input")], attributes: { name: "x", lag: 1 } })), /no attribute lag/],
    [spoil((nodes) => (nodes[0] = { ...nodes[0], op: "tanh", attributes: {}, args: [5] })), /%0 tanh.*does not come before/],
    [{ ...graph, outputs: [graph.outputs[0], graph.outputs[0]] }, /two outputs have the name h/],
    [{ ...graph, axes: new Map([...graph.axes, ["H", 9]]) }, /axis H has the size/],
    [{ ...graph, axes: new Map([...graph.axes].slice(1)) }, /not declared/],
  ];
  verify(graph);
  for (const [broken, message] of cases) expect(() => verify(broken)).toThrow(message);
});

test("shift, last, pick and lags over the ends of time", () => {
  const g = graphBuilder([...axes, ["L", 2]]);
  const x = g.input("x", ["t"]);
  const two = g.input("two", ["L"]);
  const graph = g.finish({
    back: g.shift(x, 2, two, "L"),
    ahead: g.shift(x, -2, two, "L"),
    one: g.shift(x, 1, g.constant(9)),
    last: g.last(x),
    first: g.last(x, undefined, true),
    third: g.last(x, g.input("lengths", [], "index")),
  });
  const run = (T: number) =>
    interpret(graph, { x: Float64Array.from({ length: T }, (_, i) => i + 1), two: [-1, -2], lengths: [Math.min(3, T)] }, { T });
  expect(Object.values(run(4)).map((value) => [...value])).toEqual([[-1, -2, 1, 2], [3, 4, -1, -2], [9, 1, 2, 3], [4], [1], [3]]);
  expect(Object.values(run(1)).map((value) => [...value])).toEqual([[-1], [-2], [9], [1], [1], [1]]);
});

test("time folds into groups of steps, filled up with zeros, and unfolds again", () => {
  const g = graphBuilder([...axes, ["groups", "T/3"], ["steps", 3]]);
  const x = g.input("x", ["t"]);
  const folded = g.fold(x, ["groups", "steps"]);
  const graph = g.finish({
    folded,
    sums: g.sum(folded, "steps"),
    again: g.unfold(g.mul(g.transpose(folded, ["steps", "groups"]), g.to_real(g.iota("steps"))), ["groups", "steps"]),
  });
  verify(graph);
  expect(read(printGraph(graph))).toEqual(graph);
  const run = (T: number) => interpret(graph, { x: Float64Array.from({ length: T }, (_, i) => i + 1) }, { T });
  expect(Object.values(run(4)).map((value) => [...value])).toEqual([
    [1, 2, 3, 4, 0, 0],
    [6, 4],
    [0, 2, 6, 0],
  ]);
  expect(Object.values(run(3)).map((value) => [...value])).toEqual([[1, 2, 3], [6], [0, 2, 6]]);
  expect(() => g.fold(x, ["groups", "b"])).toThrow("groups of size T/3 does not hold groups of 2 steps");
});

test("scalar functions keep their digits at both ends", () => {
  const close = (actual: number, wanted: number) => expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 4e-15);
  // Reference values from 50-digit arithmetic.
  close(erf(0.5), 0.520499877813046537682746653892);
  close(erf(-1e-9), -1.12837916709551257389615890312e-9);
  close(erf(2.4), 0.999311486103354921431255012186);
  close(erf(2.6), 0.999763965583470650796008996792);
  close(erf(5), 0.99999999999846254020557196515);
  close(sigmoid(-40), 4.248354255291588995e-18);
  close(softplus(-40), 4.248354255291588995e-18);
  close(logSigmoid(-800), -800);
  close(logSigmoid(40), -4.248354255291588995e-18);
  expect([sigmoid(-1000), softplus(1000), erf(Infinity), erf(0)]).toEqual([0, 1000, 1, 0]);
  expect([sigmoid, softplus, logSigmoid, erf].every((f) => Number.isNaN(f(NaN)))).toBe(true);
});

test("random numbers: fixed bits, even spread, no relation between neighbours, streams and seeds", () => {
  expect(mixBits(1)).toBe(mixBits(1 + 2 ** 32));
  expect([0, 1, 2].map((i) => randomAt(randomKeys(7, 3), i) * 2 ** 24)).toEqual(FIXED);
  const n = 40_000;
  const series = [
    [0, 0],
    [0, 1],
    [1, 0],
    [2 ** 31, 5],
  ].map(([seed, stream]) => Float64Array.from({ length: n + 1 }, (_, i) => randomAt(randomKeys(seed, stream), i) - 0.5));
  const correlation = (a: Float64Array, b: Float64Array, lag: number) =>
    a.slice(0, n).reduce((sum, value, i) => sum + value * b[i + lag], 0) / (n / 12);
  for (const a of series) {
    const bins = new Array<number>(64).fill(0);
    for (const value of a) bins[Math.floor((value + 0.5) * 64)]++;
    const chiSquare = bins.reduce((sum, k) => sum + (k - n / 64) ** 2 / (n / 64), 0);
    expect(chiSquare).toBeLessThan(110); // 63 degrees of freedom, p ≈ 2e-4
    for (const b of series) expect(Math.abs(correlation(a, b, 1))).toBeLessThan(4 / Math.sqrt(n));
    for (const b of series) if (b !== a) expect(Math.abs(correlation(a, b, 0))).toBeLessThan(4 / Math.sqrt(n));
  }
});

/** Computed once with unbounded integers. */
const FIXED = [11523640, 10661860, 1296643];
