/**
 * `npm run bench -- --profile W3 [--fused]` or `--profile --cell MECHANISM` (at W3): where the time of one step goes, kernel by kernel, as a share of the machine's measured peak.
 *
 * The workload is compiled with every step's function exported. A step of the program is timed by calling it as the entry would; a scan is driven from here
 * time step by time step, and a strip strip by strip, so that the kernels inside are timed too. Every call counts with its best time of many rounds (wall or processor
 * time, whichever is smaller), so that other work on the machine does not show; the clock's own cost is taken off. Beside the sum of the parts stands the best time of the whole step as usually compiled.
 */
import type { Program, ProgramStep } from "../src/ir/program/node.ts";
import type { Executable } from "../src/runtime/executable.ts";
import { measurePeak } from "./kernels/product-kernel.ts";
import { now, undisturbed } from "./clock.ts";
import { median } from "./report.ts";
import { prepareProgram, programOf } from "./sluice.ts";
import { type PreparedCell, prepareCell } from "./variants.ts";
import { arraysOf, type Workload, WORKLOADS } from "./workloads.ts";

const ROUNDS = 20;
const ROUNDS_MS = 4000;
const WARM_UP_MS = 700;

type Call = (T: number, t: number, n: number) => void;

/** A step, the best time of each of its calls in a round, and what is inside it. */
interface Timed {
  readonly step: ProgramStep;
  readonly call: Call;
  readonly bestMs: Float64Array;
  readonly inner: readonly Timed[];
}

interface Line {
  readonly label: string;
  readonly depth: number;
  readonly ms: number;
  readonly flops: number;
}

/** Milliseconds that reading the clock twice takes. */
function clockCost(): number {
  const samples = Array.from({ length: 2000 }, () => {
    const start = performance.now();
    return performance.now() - start;
  });
  return median(samples);
}

/** Rounds of the loop that a scan or a strip is. */
const roundsOf = ({ call }: ProgramStep, T: number): number => Math.ceil(T / (call!.rows ?? 1));

function timedSteps(steps: readonly ProgramStep[], exports: WebAssembly.Exports, T: number): Timed[] {
  const timed =
    (calls: number) =>
    (step: ProgramStep): Timed => ({
      step,
      call: exports[step.call!.name] as Call,
      bestMs: new Float64Array(calls).fill(Number.POSITIVE_INFINITY),
      inner: (step.steps ?? []).map(timed(roundsOf(step, T))),
    });
  return steps.map(timed(1));
}

function runOnce({ step, call, bestMs, inner }: Timed, T: number, t: number, n: number, at: number, cost: number): void {
  if (inner.length > 0) {
    const { reverse, rows = 1, causal } = step.call!;
    const rounds = roundsOf(step, T);
    for (let u = 0; u < rounds; u++) {
      const begin = rows * (reverse ? rounds - 1 - u : u);
      const count = Math.min(rows, T - begin);
      for (const one of inner) runOnce(one, causal ? begin + count : T, begin, count, u, cost);
    }
    return;
  }
  if (n >= (step.call!.ifShorterThan ?? Number.POSITIVE_INFINITY)) {
    bestMs[at] = 0;
    return;
  }
  const before = n > 1 || T === 1 ? now() : undefined;
  const start = performance.now();
  call(T, t, n);
  const wall = performance.now() - start - cost;
  // Processor time counts microseconds: it decides only for what others' turns on the core would hide.
  bestMs[at] = Math.max(0, Math.min(bestMs[at], before !== undefined && wall > 1 ? undisturbed(before) : wall));
}

const msOf = ({ bestMs, inner }: Timed): number =>
  inner.length > 0 ? inner.reduce((sum, one) => sum + msOf(one), 0) : bestMs.reduce((p, q) => p + q);

function linesOf(timed: readonly Timed[], T: number, depth: number, around?: ProgramStep): Line[] {
  const call = around?.call;
  return timed.flatMap((one) => {
    const { constant, perStep, perPair } = one.step.flops;
    const whole = perStep * T + (call?.causal ? 0.5 : 1) * perPair * T * T;
    // In a scan the work is that of one time step, in a strip the constant part is that of one round.
    const flops = constant * one.bestMs.length + whole;
    return [{ label: one.step.label, depth, ms: msOf(one), flops }, ...linesOf(one.inner, T, depth + 1, one.step)];
  });
}

/** Times each step of each entry, in their order, over many rounds. */
function measure(program: Program, exports: WebAssembly.Exports, T: number): Map<string, Timed[]> {
  const entries = new Map(program.entries.map(({ name, steps }) => [name, timedSteps(steps, exports, T)]));
  const cost = clockCost();
  const began = performance.now();
  for (let round = 0; round < ROUNDS || performance.now() - began < ROUNDS_MS; round++) {
    for (const steps of entries.values()) for (const timed of steps) runOnce(timed, T, 0, T, 0, cost);
  }
  return entries;
}

/** All functions of a program, over a memory of their own that holds what the prepared one's does. */
function exportsOver(program: Program, executable: Executable): WebAssembly.Exports {
  const [view] = executable.buffers.values();
  const memory = new WebAssembly.Memory({ initial: Math.ceil(view.buffer.byteLength / 65_536) });
  new Uint8Array(memory.buffer).set(new Uint8Array(view.buffer));
  return new WebAssembly.Instance(new WebAssembly.Module(program.wasm as BufferSource), { env: { memory } }).exports;
}

/** Prints the profile of a workload. */
export function profile(workload: Workload, fused: boolean): void {
  const arrays = arraysOf(workload);
  const prepared = (profiled: boolean): PreparedCell => {
    const { program } = programOf(workload, { fused, profile: profiled })!;
    return { ...prepareProgram(workload, arrays, program), program };
  };
  printProfile(workload, `${workload.name}  ${workload.title}`, fused, prepared);
}

/** Prints the profile of a mechanism in the place of W3's LSTM. */
export function profileCell(cell: string, fused: boolean): void {
  const workload = WORKLOADS.find(({ name }) => name === "W3")!;
  printProfile(workload, `${cell}  training step at W3`, fused, (profile) => prepareCell(cell, "", { fused, profile }));
}

function printProfile({ B, T, D, H }: Workload, title: string, fused: boolean, prepare: (profiled: boolean) => PreparedCell): void {
  const peak = measurePeak(fused);
  const usual = prepare(false);
  const { program, executable, step } = prepare(true);
  const began = performance.now();
  let warm = 0;
  for (; performance.now() - began < WARM_UP_MS; warm++) usual.step();
  const steps = Math.max(1, Math.ceil(10 / ((performance.now() - began) / warm)));
  let whole = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = now();
    for (let step = 0; step < steps; step++) usual.step();
    whole = Math.min(whole, undisturbed(start) / steps);
  }
  step();
  const entries = measure(program, exportsOver(program, executable), T);
  console.log(`${title}, B=${B} T=${T} D=${D} H=${H}: ${whole.toFixed(3)} ms; peak of 128-bit code ${peak.toFixed(0)} GFLOP/s\n`);
  console.log("       ms   share   GFLOP/s   of peak");
  let total = 0;
  let flops = 0;
  for (const [entry, timed] of entries) {
    if (timed.length === 0) continue;
    console.log(`  ${entry}`);
    for (const line of linesOf(timed, T, 0)) {
      if (line.depth === 0) {
        total += line.ms;
        flops += line.flops;
      }
      const rate = line.ms > 0 ? line.flops / line.ms / 1e6 : 0;
      const columns = [line.ms.toFixed(3).padStart(9), `${((100 * line.ms) / whole).toFixed(1)}%`.padStart(8), rate.toFixed(1).padStart(10)];
      console.log(`${columns.join("")}${`${((100 * rate) / peak).toFixed(0)}%`.padStart(10)}   ${"  ".repeat(line.depth)}${line.label}`);
    }
  }
  const rate = flops / whole / 1e6;
  console.log(
    `${total.toFixed(3).padStart(9)}   sum of the parts; the whole step: ${rate.toFixed(1)} GFLOP/s, ${((100 * rate) / peak).toFixed(0)}% of peak\n`,
  );
}
