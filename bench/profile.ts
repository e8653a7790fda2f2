/**
 * `npm run bench -- --profile W3 [--fused]`: where the time of one step goes, kernel by kernel, as a share of the machine's measured peak.
 *
 * The workload is compiled with every step's function exported. A step of the program is timed by calling it as the entry would; a scan is driven from here
 * time step by time step, so that the kernels inside it are timed too. The clock's own cost is measured and taken off. Beside the sum of the parts stands
 * the time of the whole step as usually compiled.
 */
import type { Program, ProgramStep } from "../src/ir/program/node.ts";
import { measurePeak } from "./kernels/product-kernel.ts";
import { median } from "./report.ts";
import { type Prepared, prepareProgram, programOf } from "./sluice.ts";
import { arraysOf, type Workload } from "./workloads.ts";

const ROUNDS = 30;
const WARM_UP_MS = 700;

type Call = (T: number, t: number, n: number) => void;

/** A step with the samples of its time, and what is inside it. */
interface Timed {
  readonly step: ProgramStep;
  readonly call: Call;
  readonly samples: number[];
  readonly inner: readonly Timed[];
  readonly times: number;
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

function timedSteps(steps: readonly ProgramStep[], exports: WebAssembly.Exports, times: number, T: number): Timed[] {
  return steps.map((step) => ({
    step,
    call: exports[step.call!.name] as Call,
    samples: [],
    inner: step.kind === "scan" ? timedSteps(step.steps ?? [], exports, T, T) : [],
    times,
  }));
}

/** Runs a step once and returns its milliseconds; a scan's are the sum of its parts'. */
function runOnce(timed: Timed, T: number, t: number, n: number, sums: Map<Timed, number>, cost: number): void {
  if (timed.inner.length > 0) {
    for (let u = 0; u < T; u++) for (const inner of timed.inner) runOnce(inner, T, timed.step.call!.reverse ? T - 1 - u : u, 1, sums, cost);
    sums.set(timed, timed.inner.reduce((sum, inner) => sum + sums.get(inner)!, 0));
    return;
  }
  const start = performance.now();
  timed.call(T, t, n);
  sums.set(timed, (sums.get(timed) ?? 0) + Math.max(0, performance.now() - start - cost));
}

function linesOf(timed: readonly Timed[], T: number, depth: number): Line[] {
  return timed.flatMap(({ step, samples, inner, times }) => {
    const flops = (step.flops.constant + step.flops.perStep * (times === 1 ? T : 1)) * times;
    return [{ label: step.label, depth, ms: median(samples), flops }, ...linesOf(inner, T, depth + 1)];
  });
}

const all = (timed: readonly Timed[]): Timed[] => timed.flatMap((one) => [one, ...all(one.inner)]);

/** Times each step of each entry, in their order, over many rounds. */
function measure(program: Program, exports: WebAssembly.Exports, T: number): Map<string, Timed[]> {
  const entries = new Map(program.entries.map(({ name, steps }) => [name, timedSteps(steps, exports, 1, T)]));
  const cost = clockCost();
  const began = performance.now();
  for (let round = 0; round < ROUNDS || performance.now() - began < WARM_UP_MS; round++) {
    const sums = new Map<Timed, number>();
    for (const steps of entries.values()) for (const timed of steps) runOnce(timed, T, 0, T, sums, cost);
    if (performance.now() - began < WARM_UP_MS) continue;
    for (const steps of entries.values()) for (const timed of all(steps)) timed.samples.push(sums.get(timed)!);
  }
  return entries;
}

/** All functions of a program, over a memory of their own that holds what the prepared one's does. */
function exportsOver(program: Program, { executable }: Prepared): WebAssembly.Exports {
  const [view] = executable.buffers.values();
  const memory = new WebAssembly.Memory({ initial: Math.ceil(view.buffer.byteLength / 65_536) });
  new Uint8Array(memory.buffer).set(new Uint8Array(view.buffer));
  return new WebAssembly.Instance(new WebAssembly.Module(program.wasm as BufferSource), { env: { memory } }).exports;
}

/** Prints the profile of a workload. */
export async function profile(workload: Workload, fused: boolean): Promise<void> {
  const arrays = arraysOf(workload);
  const peak = measurePeak(fused);
  const usual = prepareProgram(workload, arrays, programOf(workload, { fused })!.program);
  const { program } = programOf(workload, { fused, profile: true })!;
  const prepared = prepareProgram(workload, arrays, program);
  const began = performance.now();
  while (performance.now() - began < WARM_UP_MS) usual.step();
  const whole = median(
    Array.from({ length: 20 }, () => {
      const start = performance.now();
      usual.step();
      return performance.now() - start;
    }),
  );
  prepared.step();
  const entries = measure(program, exportsOver(program, prepared), workload.T);
  const { name, title, B, T, D, H } = workload;
  console.log(`${name}  ${title}, B=${B} T=${T} D=${D} H=${H}: ${whole.toFixed(3)} ms; peak of 128-bit code ${peak.toFixed(0)} GFLOP/s\n`);
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
      const rate = line.flops / line.ms / 1e6;
      const columns = [line.ms.toFixed(3).padStart(9), `${((100 * line.ms) / whole).toFixed(1)}%`.padStart(8), rate.toFixed(1).padStart(10)];
      console.log(`${columns.join("")}${`${((100 * rate) / peak).toFixed(0)}%`.padStart(10)}   ${"  ".repeat(line.depth)}${line.label}`);
    }
  }
  const rate = flops / whole / 1e6;
  console.log(`${total.toFixed(3).padStart(9)}   sum of the parts; the whole step: ${rate.toFixed(1)} GFLOP/s, ${((100 * rate) / peak).toFixed(0)}% of peak\n`);
}
