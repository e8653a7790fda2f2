import { expect, test } from "vitest";
import { compileProgram, type Unit } from "../compile.ts";
import { interpretUnits } from "../runtime/interpreter.ts";
import { loadProgram } from "../runtime/wasm/load.ts";
import { biasCorrections, momentNames, type OptimizerOptions, optimizerGraph } from "./optimizer.ts";

type Device = "wasm" | "interpreter";

function open(device: Device, options: OptimizerOptions) {
  const units: Unit[] = [{ entry: "update", graph: optimizerGraph(options, 3) }];
  const room = { capacity: 1, batch: 1, weights: [{ name: "w", shape: [3] }] };
  return device === "wasm" ? loadProgram(compileProgram(units, room).program) : interpretUnits(units, room);
}

interface Result {
  readonly parameters: number[];
  readonly norm: number;
}

/** Minimises ½·Σ k·p² for some steps and returns every iterate. */
function descend(device: Device, options: OptimizerOptions, steps: number, clip = Infinity, rate = 0.1): Result[] {
  const curvature = [1, 4, 0.25];
  const executable = open(device, options);
  const buffer = (name: string): Float32Array => executable.buffers.get(name) as Float32Array;
  buffer("parameters").set([1, -2, 3]);
  executable.buffers.get("optimizer:decays")?.fill(1);
  const results: Result[] = [];
  for (let step = 1; step <= steps; step++) {
    buffer("gradients").set(curvature.map((k, i) => k * buffer("parameters")[i]));
    buffer("learning_rate")[0] = rate;
    buffer("clip")[0] = Math.min(clip, 3e38);
    const { correction1, correction2 } = biasCorrections(options, step);
    executable.buffers.get("correction1")?.fill(correction1);
    executable.buffers.get("correction2")?.fill(correction2);
    executable.run("update", 0);
    results.push({ parameters: [...buffer("parameters")], norm: buffer("norm")[0] });
  }
  return results;
}

/** The same by the textbook, in plain numbers. */
function reference(options: OptimizerOptions, steps: number, rate = 0.1): number[] {
  const curvature = [1, 4, 0.25];
  const p = [1, -2, 3];
  const a = [0, 0, 0];
  const b = [0, 0, 0];
  for (let n = 1; n <= steps; n++) {
    for (let i = 0; i < 3; i++) {
      const g = curvature[i] * p[i];
      if (options.kind === "sgd") {
        a[i] = 0.9 * a[i] + g;
        p[i] -= rate * (options.nesterov ? g + 0.9 * a[i] : a[i]);
      } else if (options.kind === "rmsprop") {
        b[i] = 0.9 * b[i] + 0.1 * g * g;
        a[i] = (options.momentum ?? 0) * a[i] + g / (Math.sqrt(b[i]) + 1e-8);
        p[i] -= rate * a[i];
      } else {
        a[i] = 0.9 * a[i] + 0.1 * g;
        b[i] = 0.999 * b[i] + 0.001 * g * g;
        if (options.kind === "adamw") p[i] -= rate * 0.01 * p[i];
        p[i] -= (rate * (a[i] / (1 - 0.9 ** n))) / (Math.sqrt(b[i] / (1 - 0.999 ** n)) + 1e-8);
      }
    }
  }
  return p;
}

const all: readonly OptimizerOptions[] = [
  { kind: "sgd" },
  { kind: "sgd", nesterov: true },
  { kind: "rmsprop" },
  { kind: "rmsprop", momentum: 0.5 },
  { kind: "adam" },
  { kind: "adamw" },
];

const devices: readonly Device[] = ["interpreter", "wasm"];

test.each(devices)("every optimizer takes the steps of its paper: %s", (device) => {
  for (const options of all) {
    const found = descend(device, options, 7)[6].parameters;
    const wanted = reference(options, 7);
    for (let i = 0; i < 3; i++) expect(found[i], `${JSON.stringify(options)} ${i}`).toBeCloseTo(wanted[i], 5);
  }
});

test.each(devices)("the norm is that before clipping, and clipping scales the whole gradient: %s", (device) => {
  const [{ parameters, norm }] = descend(device, { kind: "sgd", momentum: 0 }, 1, 0.5, 1);
  const gradient = [1, -8, 0.75];
  const wanted = Math.hypot(...gradient);
  expect(norm).toBeCloseTo(wanted, 5);
  for (const [i, start] of [1, -2, 3].entries()) expect(parameters[i]).toBeCloseTo(start - (0.5 / wanted) * gradient[i], 5);
});

test.each(devices)("a gradient that is not finite changes nothing: %s", (device) => {
  for (const options of all) {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const executable = open(device, options);
      const names = ["parameters", ...momentNames(options).map((name) => `optimizer:${name}`)];
      for (const name of names) (executable.buffers.get(name) as Float32Array).set([1, 2, 3]);
      for (const name of ["learning_rate", "clip", "correction1", "correction2"]) executable.buffers.get(name)?.fill(1);
      executable.buffers.get("gradients")!.set([0.5, bad, 0.5]);
      executable.run("update", 0);
      for (const name of names) expect([...executable.buffers.get(name)!]).toEqual([1, 2, 3]);
      expect(Number.isFinite(executable.buffers.get("norm")![0])).toBe(false);
    }
  }
});

test("the moments of a weight without a gradient come to 0 and do not stay denormal", () => {
  const executable = open("wasm", { kind: "adam" });
  const buffer = (name: string): Float32Array => executable.buffers.get(name) as Float32Array;
  buffer("parameters").set([1, -2, 3]);
  buffer("learning_rate")[0] = 0.01;
  buffer("clip")[0] = 3e38;
  for (let step = 1; step <= 1500; step++) {
    buffer("gradients").set(step < 10 ? [1, -1e-3, 5] : [0, 0, 0]);
    const { correction1, correction2 } = biasCorrections({ kind: "adam" }, step);
    buffer("correction1")[0] = correction1;
    buffer("correction2")[0] = correction2;
    executable.run("update", 0);
  }
  expect([...buffer("optimizer:m")]).toEqual([0, 0, 0]);
  expect(Math.min(...buffer("optimizer:v"))).toBeGreaterThan(0);
});
