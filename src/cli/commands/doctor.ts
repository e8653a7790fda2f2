/**
 * `sluice doctor`: whether this machine can do what Sluice needs, by doing it: features of WebAssembly, a compiled LSTM against the interpreter, its
 * gradient against finite differences, and how fast it is.
 */
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { accessSync, constants } from "node:fs";
import { checkModelGradient } from "../../inspect/check-model.ts";
import { bytes, figure, pad } from "../../inspect/draw.ts";
import { MECHANISMS } from "../../mechanisms/index.ts";
import { compile, networkOf } from "../../model/compiled.ts";
import { createModel } from "../../model/model.ts";
import { threadsRefused } from "../../runtime/wasm/threads.ts";
import { engineCodeText } from "../../runtime/wasm/engine.ts";
import { wasmFeatures } from "../../runtime/wasm/probe.ts";
import { checkWideVectors } from "../../runtime/wasm/wide.ts";
import { createRandom } from "../../support/random.ts";
import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { VERSION } from "../version.ts";

interface Finding {
  readonly name: string;
  readonly text: string;
  /** False if Sluice cannot work so. */
  readonly ok: boolean;
  readonly cure?: string;
}

const EQUATIONS = `${MECHANISMS.lstm}
doctor(x, y) → ŷ
  h = lstm(x)
  ŷ = Wy·h + by
  loss = mse(ŷ, y)
  where h ∈ ℝ^H
`;
const SIZES = { H: 8, D: 3 };

export const doctor: CommandDefinition<object> = {
  name: "doctor",
  summary: "check what this machine can do, by doing it",
  examples: ["sluice doctor", "sluice doctor --json"],
  run({ terminal, json, emit }) {
    const findings = [...machine(), ...numerics(), speed()];
    if (json) emit({ version: VERSION, ok: findings.every((finding) => finding.ok), findings });
    else {
      for (const finding of findings) {
        terminal.print(`${finding.ok ? terminal.green("ok") : terminal.red("no")}  ${pad(finding.name, 12)} ${finding.text}`);
        if (!finding.ok && finding.cure) terminal.print(`                  ${finding.cure}`);
      }
    }
    return findings.every((finding) => finding.ok) ? EXIT.ok : EXIT.content;
  },
};

function machine(): Finding[] {
  const features = wasmFeatures();
  const [major, minor] = process.versions.node.split(".").map(Number);
  let writable = true;
  try {
    accessSync(process.cwd(), constants.W_OK);
  } catch {
    writable = false; // the answer, not an error
  }
  return [
    { name: "sluice", text: VERSION, ok: true },
    {
      name: "node",
      text: process.version,
      ok: major > 20 || (major === 20 && minor >= 20),
      cure: "install Node 20.20 or newer from https://nodejs.org",
    },
    {
      name: "machine",
      text: `${process.platform} ${process.arch}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown"}, ${bytes(freemem())} of ${bytes(totalmem())} free`,
      ok: true,
    },
    {
      name: "simd",
      text: features.simd ? "128-bit WebAssembly SIMD" : "no WebAssembly SIMD",
      ok: features.simd,
      cure: "use a Node whose WebAssembly has SIMD (every one since 16.4)",
    },
    {
      name: "fused",
      text: features.relaxedSimd ? "relaxed SIMD: fused multiply-add can be used" : "no relaxed SIMD; results are the same, products a little slower",
      ok: true,
    },
    { name: "code", text: engineCodeText(), ok: true },
    {
      name: "threads",
      text: threadsRefused() ?? `${availableParallelism()} threads over one shared memory; \`--threads\` chooses, the bits are the same`,
      ok: true,
    },
    { name: "wide", text: wideText(), ok: true },
    {
      name: "folder",
      text: `${process.cwd()} ${writable ? "can be written" : "cannot be written"}`,
      ok: writable,
      cure: "models are written here unless --out says otherwise; go to a folder of your own",
    },
  ];
}

/** Whether `--wide` would do anything, found by a process that tries it. */
function wideText(): string {
  const { joins, text } = checkWideVectors();
  return joins === undefined ? text : `${text}; \`--wide\` turns them on`;
}

/** A compiled LSTM against the interpreter, and its gradient against finite differences. */
function numerics(): Finding[] {
  const compiled = compile({ name: "doctor.gate", text: EQUATIONS });
  const network = networkOf(compiled);
  const sizes = {
    ...Object.fromEntries(network.sizes.filter((size) => size.free).map((size) => [size.name, 2])),
    ...pick(
      SIZES,
      network.sizes.map((size) => size.name),
    ),
  };
  const model = createModel(compiled, { sizes });
  const judge = createModel(compiled, { sizes, device: "interpreter" });
  const random = createRandom(7);
  const steps = 9;
  const width = (name: string): number => (model.network.inputs.find((input) => input.name === name)!.shape[0].terms[0].names[0] === "D" ? 3 : 2);
  const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const x = numbers(steps * 2 * width("x"));
  const y = numbers(steps * 2 * width("y"));
  const inputs = { x: { data: x, shape: [steps, 2, width("x")] }, y: { data: y, shape: [steps, 2, width("y")] } };
  const [ours, theirs] = [model, judge].map((each) => each.run(inputs, { outputs: ["ŷ"] })["ŷ"].data);
  let difference = 0;
  for (let i = 0; i < ours.length; i++) difference = Math.max(difference, Math.abs(ours[i] - theirs[i]));
  const check = checkModelGradient(network, model.sizes, model.parameters, { steps, batch: 2, inputs: { x, y } }, 3);
  return [
    { name: "kernels", text: `compiled LSTM against the interpreter: largest difference ${figure(difference, 2)}`, ok: difference < 1e-5 },
    {
      name: "gradients",
      text: `against finite differences at ${check.coordinates} places: largest relative error ${figure(check.largestRelativeError, 2)}`,
      ok: check.largestRelativeError < 1e-3,
    },
  ];
}

function pick(values: Readonly<Record<string, number>>, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}

/** How long an LSTM takes that others are measured with: one sequence of 100 steps, 64 inputs, 128 units. */
function speed(): Finding {
  const started = performance.now();
  const compiled = compile({ name: "lstm.gate", text: MECHANISMS.lstm });
  const free = networkOf(compiled).sizes.filter((size) => size.free);
  const model = createModel(compiled, { sizes: Object.fromEntries(free.map((size) => [size.name, size.name === "D" ? 64 : 128])) });
  const width = model.sizes.D ?? 128;
  const x = { data: new Float32Array(100 * width).fill(0.1), shape: [100, width] };
  model.run(x);
  const firstMs = performance.now() - started;
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    const from = performance.now();
    model.run(x);
    times.push(performance.now() - from);
  }
  const median = times.sort((a, b) => a - b)[15];
  return {
    name: "speed",
    text: `LSTM, 100 steps, ${width} → 128: ${figure(median, 2)} ms (${Math.round(firstMs)} ms from its equations to the first result)`,
    ok: true,
  };
}
