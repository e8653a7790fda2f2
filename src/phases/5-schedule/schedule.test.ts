import { expect, test } from "vitest";
import { interpretLoops } from "../../ir/loop/interpret.ts";
import type { LoopModule } from "../../ir/loop/node.ts";
import { verifyLoopModule } from "../../ir/loop/verify.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { interpret } from "../../ir/tensor/interpret.ts";
import type { AxisName, AxisSize, Graph } from "../../ir/tensor/node.ts";
import { mixBits } from "../../ir/tensor/random.ts";
import { verify } from "../../ir/tensor/verify.ts";
import { schedule } from "./schedule.ts";

const number = (i: number): number => (mixBits(i) >>> 8) / 2 ** 23 - 1;

/** Runs an entry as P threads would, one thread after the other between two meetings. */
function runEntry(loops: LoopModule, entry: string, T: number, P: number, memory: ArrayBuffer): void {
  const { body } = loops.functions.find((one) => one.name === entry)!;
  for (const statement of body) {
    if (statement.kind !== "call") continue;
    for (let p = P - 1; p >= 0; p--) {
      const known: Record<string, number> = { T, p, P };
      const args = statement.args.map((arg) => (arg.kind === "i32" ? arg.value : known[(arg as { name: string }).name]));
      interpretLoops(loops, statement.callee, args, memory);
    }
  }
}

/**
 * Runs a graph through the schedule on memory full of NaN, compares every output with the interpreter, and the bits of one thread with those of three.
 */
function judge(graph: Graph, T: number, capacity = T + 1, tolerance = 2e-5): void {
  verify(graph);
  const alone = run(graph, T, capacity, 1);
  const three = run(graph, T, capacity, 3);
  const six = run(graph, T, capacity, 1, 6);
  for (const { name } of graph.outputs) {
    const wanted = alone.wanted[name];
    let worst = 0;
    wanted.forEach((value, i) => {
      const error = Math.abs(alone.got[name][i] - value) / Math.max(1, Math.abs(value));
      worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
    });
    expect(worst, name).toBeLessThan(tolerance);
    expect(three.got[name], `${name} in three threads`).toEqual(alone.got[name]);
    expect(six.got[name], `${name} in tiles of six rows`).toEqual(alone.got[name]);
  }
}

function run(
  graph: Graph,
  T: number,
  capacity: number,
  threads: number,
  tileRows = 4,
): { got: Record<string, Float32Array | Int32Array>; wanted: Record<string, Float64Array> } {
  const size = (axis: AxisName): number => (graph.axes.get(axis) === "T" ? T : (graph.axes.get(axis) as number));
  const leaves = graph.nodes.filter((node) => node.op === "input" || node.op === "weight");
  const bindings: Record<string, Float64Array> = {};
  leaves.forEach((node, which) => {
    const count = node.axes.reduce((product, axis) => product * size(axis), 1);
    const values = Array.from({ length: count }, (_, i) => number(which * 7919 + i));
    bindings[node.attributes.name!] = Float64Array.from(values, (v) => (node.type === "index" ? Math.floor((v + 1) * 1.5) : Math.fround(v)));
  });
  const weights = graph.nodes.filter((node) => node.op === "weight").map((node) => ({ name: node.attributes.name!, shape: node.axes.map(size) }));
  const { loops, buffers, memoryBytes } = schedule([{ entry: "run", graph }], { capacity, weights, threads, tileRows });
  verifyLoopModule(loops);
  const memory = new ArrayBuffer(memoryBytes);
  new Float32Array(memory).fill(Number.NaN);
  for (const buffer of buffers) {
    const values = bindings[buffer.name];
    if (!values || (buffer.role !== "input" && buffer.role !== "weight" && buffer.role !== "scalar" && buffer.role !== "state")) continue;
    const view =
      buffer.type === "f32" ? new Float32Array(memory, buffer.offsetBytes, values.length) : new Int32Array(memory, buffer.offsetBytes, values.length);
    view.set(values);
  }
  runEntry(loops, "prepare", T, threads, memory);
  runEntry(loops, "run", T, threads, memory);
  const wanted = interpret(graph, bindings, { T });
  const got: Record<string, Float32Array | Int32Array> = {};
  for (const { name } of graph.outputs) {
    const buffer = buffers.find((one) => one.name === name && one.role !== "input")!;
    expect(buffer, name).toBeDefined();
    const View = buffer.type === "f32" ? Float32Array : Int32Array;
    got[name] = new View(memory, buffer.offsetBytes, wanted[name].length);
  }
  return { got, wanted };
}

type Sizes = readonly (readonly [AxisName, AxisSize])[];
const sizes = (B: number, D: number, H: number): Sizes => [
  ["t", "T"],
  ["b", B],
  ["D", D],
  ["H", H],
  ["H'", H],
];

function lstm(g: GraphBuilder, reverse: boolean): { h: NodeId; final: NodeId } {
  const x = g.input("x", ["t", "b", "D"]);
  const names = ["i", "f", "o", "g"];
  const statics = names.flatMap((n) => [g.weight(`W${n}`, ["H", "D"]), g.weight(`U${n}`, ["H", "H'"]), g.weight(`b${n}`, ["H"])]);
  const zero = g.filled(0, ["b", "H"]);
  const run = g.scan(
    {
      reverse,
      sequences: [x],
      statics,
      states: [
        { name: "h", initial: zero },
        { name: "c", initial: zero },
      ],
    },
    (b, p) => {
      const [h0, c0] = p.states;
      const gate = (k: number): NodeId =>
        b.add(
          b.add(b.contract(p.sequences[0], p.statics[3 * k], "D"), b.contract(b.rename(h0, "H", "H'"), p.statics[3 * k + 1], "H'")),
          p.statics[3 * k + 2],
        );
      const [i, f, o] = [0, 1, 2].map((k) => b.sigmoid(gate(k)));
      const c = b.add(b.mul(f, c0), b.mul(i, b.tanh(gate(3))));
      const h = b.mul(o, b.tanh(c));
      return { next: [h, c], emit: [h, i] };
    },
  );
  return { h: run.emitted[0], final: run.finals[1] };
}

test("a recurrence as written, both ways in time, awkward sizes", () => {
  for (const [B, D, H, T] of [
    [1, 1, 1, 1],
    [3, 5, 7, 4],
    [6, 2, 9, 3],
    [5, 8, 12, 2],
  ] as const) {
    for (const reverse of [false, true]) {
      const g = graphBuilder(sizes(B, D, H));
      const { h, final } = lstm(g, reverse);
      judge(g.finish({ h, final, before: g.shift(h, reverse ? -1 : 1, g.filled(0, ["b", "H"])) }), T);
    }
  }
});

test("products: rows, columns, long sums, several axes, initial values", () => {
  for (const [B, D, H, T] of [
    [1, 3, 2, 1],
    [2, 2, 17, 5],
    [7, 20, 9, 40],
    [4, 301, 30, 3],
    // Few columns, computed turned; few rows, whose B is read where it lies.
    [7, 2, 20, 40],
    [5, 3, 24, 9],
  ] as const) {
    const g = graphBuilder(sizes(B, D, H));
    const x = g.input("x", ["t", "b", "D"]);
    const y = g.input("y", ["t", "b", "H"]);
    const z = g.input("z", ["t", "D", "b"]);
    const W = g.weight("W", ["H", "D"]);
    const V = g.weight("V", ["D", "H"]);
    const bias = g.weight("bias", ["H"]);
    const xW = g.add(g.contract(x, W, "D"), bias);
    judge(
      g.finish({
        xW,
        both: g.add(g.contract(x, V, "D"), y),
        begunAcross: g.transpose(g.add(g.contract(y, V, "H"), x), ["t", "D", "b"]),
        dW: g.contract(xW, x, ["t", "b"]),
        dV: g.contract(x, y, ["t", "b"]),
        squares: g.contract(xW, y, ["t", "b"]),
        dots: g.contract(xW, y, "H"),
        outer: g.mul(g.rename(y, "H", "H'"), y),
        gram: g.contract(g.rename(y, "H", "H'"), y, ["t"]),
        // Rows that lie apart, and end within a tile.
        apart: g.contract(z, y, ["t"]),
      }),
      T,
      T + 3,
      1e-4,
    );
  }
});

test("time in groups: elementwise work, sums and products over them, and back", () => {
  for (const [B, D, H, T, room] of [
    [2, 5, 6, 7, 9],
    [3, 4, 8, 4, 4],
    [1, 8, 3, 1, 30],
  ] as const) {
    const g = graphBuilder([...sizes(B, D, H), ["k", "T/4"], ["p", 4], ["one", 1], ["2/k", "T/2"], ["2", 2]]);
    const x = g.input("x", ["t", "b", "D"]);
    const W = g.weight("W", ["H", "D"]);
    const [folded, late] = [g.fold(x, ["k", "p"]), g.fold(g.mul(x, x), ["k", "p"])];
    const steps = [0, 1, 2, 3].map((p) => g.pick(folded, "p", p));
    const product = g.contract(g.sub(steps[0], steps[3]), W, "D");
    const parts = [product, g.exp(product), g.mul(product, product), g.contract(steps[2], W, "D")].map((part) => g.broadcast(part, "one"));
    const first = g.pick(g.fold(g.shift(x, 1, g.filled(0.5, ["b", "D"])), ["k", "p"]), "p", 0);
    judge(
      g.finish({
        again: g.unfold(g.exp(g.transpose(late, ["p", "k", "b", "D"])), ["k", "p"]),
        joined: g.unfold(g.concat(parts, ["one", "one", "one", "one"], "p"), ["k", "p"]),
        dW: g.contract(g.contract(first, W, "D"), steps[1], ["k", "b"]),
        total: g.sum(late, ["k", "p"]),
        pairs: g.unfold(g.fold(x, ["2/k", "2"]), ["2/k", "2"]),
        padded: g.unfold(g.pad(g.broadcast(steps[1], "one"), "one", "p", 2), ["k", "p"]),
      }),
      T,
      room,
    );
  }
});

test("reductions, lookups, concatenations, shifts, random numbers", () => {
  const g = graphBuilder([...sizes(3, 5, 6), ["V", 4], ["DH", 11], ["L", 2], ["half", 3], ["two", 2]]);
  const x = g.input("x", ["t", "b", "D"]);
  const y = g.input("y", ["t", "b", "H"]);
  const token = g.input("token", ["t", "b"], "index");
  const lengths = g.input("lengths", ["b"], "index");
  const seed = g.input("seed", [], "index");
  const E = g.weight("E", ["V", "H"]);
  const e = g.gather(E, token, "V");
  const logits = g.contract(y, E, "H");
  const shifted = g.sub(logits, g.max_over(logits, "V"));
  const logs = g.sub(shifted, g.log(g.sum(g.exp(shifted), "V")));
  const joined = g.concat([x, g.mul(y, y)], ["D", "H"], "DH");
  const random = g.random(seed, 5, ["t", "b", "H"]);
  judge(
    g.finish({
      e,
      logs,
      picked: g.gather(logs, token, "V"),
      best: g.argmax(logits, "V"),
      counts: g.scatter(y, token, "V", ["t", "b"]),
      spots: g.scatter(g.gather(logs, token, "V"), token, "V", []),
      joined,
      middle: g.exp(g.slice(joined, "DH", "half", 4)),
      padded: g.pad(g.slice(y, "H", "half", 1), "half", "D", 2),
      back: g.shift(x, 1, g.filled(0.5, ["b", "D"])),
      ahead: g.shift(y, -1, g.filled(0.25, ["b", "H"])),
      back2: g.shift(y, 2, g.input("before", ["L", "b", "H"]), "L"),
      last: g.last(y),
      lastValid: g.last(y, lengths),
      total: g.sum(y, ["t", "b", "H"]),
      columns: g.sum(y, ["t", "b"]),
      rows: g.sum(y, "H"),
      highest: g.max_over(y, ["t"]),
      halves: g.sum(g.split(y, "H", ["two", "half"]), "two"),
      random,
      dropped: g.mul(y, g.less(random, g.constant(0.5))),
      index: g.to_real(g.iota("H")),
      causal: g.select(g.less(g.to_real(g.iota("t")), g.constant(2)), y, g.constant(0)),
      transposed: g.transpose(y, ["t", "H", "b"]),
      constant: g.filled(3, ["b", "H"]),
    }),
    5,
    8,
  );
});
