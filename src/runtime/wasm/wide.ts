/**
 * Wide vectors: V8's experimental revectoriser, which joins neighbouring 16-byte vectors into 32 bytes. Off unless asked for, and only after a check.
 *
 * In: nothing. Out: whether it is on, and why not. The check runs in a process of its own, because a fault of the experiment ends the process it happens in:
 * there the same training step is compiled plainly and for joined vectors, must give the same bits, and must be faster. Only then is the engine of this
 * process told to join. It cannot be told twice, nor late: what was compiled before is compiled again by the engine as it gets hot, and was not made for this.
 */
import type { Buffer, Program } from "../../ir/program/node.ts";
import { builtin } from "../platform.ts";
import { compileForJoining, isEngineCodeInUse, type Joining, v8Major } from "./engine.ts";
import { PROBE_STEPS, probePrograms } from "./wide-probe.ts";

export interface WideVectors {
  /** Which programs profit; absent: none, and `text` says why. */
  readonly joins?: Joining;
  /** For people. */
  readonly text: string;
}

/** The names that the option of V8 has had. */
const FLAGS = ["--experimental-wasm-revectorize", "--wasm-revectorize"];
/** The first V8 that has it. */
const FIRST_VERSION = 12;
/** How much less time the step must take to count as faster. */
const FASTER = 0.9;
const TIMEOUT_MS = 20_000;
/** Set in the checking process: an executable that holds a whole program runs that instead of the script, and must not check again. */
const CHECKING = "SLUICE_CHECKS_WIDE_VECTORS";
/** What Node ends with if it does not know an option. */
const BAD_OPTION = 9;

/** What the checking process says of each pair. */
interface Verdict {
  readonly same: boolean;
  readonly plainMs: number;
  readonly wideMs: number;
}

interface Check extends WideVectors {
  readonly flag?: string;
}

let checked: Check | undefined;
let used: WideVectors | undefined;

/** Whether wide vectors can be used here and what they bring; checked once. Changes nothing in this process. */
export function checkWideVectors(): WideVectors {
  checked ??= check();
  return checked;
}

/** Turns wide vectors on for all programs of this process, if the check allows it; to be called before the first model is made. The bits stay the same. */
export function useWideVectors(): WideVectors {
  used ??= use();
  return used;
}

function use(): WideVectors {
  if (isEngineCodeInUse()) return { text: "no wide vectors: models have been made in this process already; ask for them before the first" };
  checked ??= check();
  const { flag, joins, text } = checked;
  if (flag === undefined || joins === undefined) return { text };
  builtin("node:v8")!.setFlagsFromString(flag);
  compileForJoining(joins);
  return { joins, text };
}

function check(): Check {
  const v8 = v8Major();
  const child = builtin("node:child_process");
  if (v8 === undefined || child === undefined || process.versions.electron !== undefined || process.env[CHECKING] !== undefined)
    return { text: "no wide vectors: only Node can tell its engine to join vectors" };
  if (v8 < FIRST_VERSION) return { text: `no wide vectors: V8 ${process.versions.v8} cannot join vectors; Node 22 and newer can` };
  const pairs = probePrograms();
  const input = JSON.stringify(pairs.map(({ plain, wide }) => [told(plain), told(wide)]));
  for (const flag of FLAGS) {
    const { status, signal, stdout, error } = child.spawnSync(process.execPath, [flag, "-e", script(flag)], {
      input,
      encoding: "utf8",
      timeout: TIMEOUT_MS,
      env: { ...process.env, NODE_OPTIONS: "", [CHECKING]: "1" },
      maxBuffer: 2 ** 20,
    });
    if (status === BAD_OPTION) continue;
    const code = (error as NodeJS.ErrnoException | undefined)?.code;
    if (code === "ETIMEDOUT") return { text: `no wide vectors: their check was not done after ${TIMEOUT_MS / 1000} s` };
    // One that ends before it has read all its input is told apart by how it ended.
    if (error !== undefined && code !== "EPIPE") return { text: `no wide vectors: the check could not be run (${error.message})` };
    if (status !== 0) return { text: `no wide vectors: V8 ${process.versions.v8} fails when it joins vectors${signal ? ` (${signal})` : ""}` };
    const verdicts = verdictsIn(stdout, pairs.length);
    if (verdicts === undefined) return { text: "no wide vectors: their check ended without a result" };
    return judged(flag, pairs, verdicts);
  }
  return { text: `no wide vectors: V8 ${process.versions.v8} has no option for them on this machine` };
}

/** What the checking process printed; undefined if that is anything else. */
function verdictsIn(stdout: string, pairs: number): Verdict[] | undefined {
  try {
    const told: unknown = JSON.parse(stdout);
    const isVerdict = (each: Partial<Verdict> | null): boolean =>
      typeof each?.same === "boolean" && typeof each.plainMs === "number" && typeof each.wideMs === "number";
    return Array.isArray(told) && told.length === pairs && told.every(isVerdict) ? told : undefined;
  } catch {
    return undefined; // no JSON: the sentence says that there is no result
  }
}

function judged(flag: string, pairs: readonly { readonly arithmetic: keyof Joining }[], verdicts: readonly Verdict[]): Check {
  if (verdicts.some(({ same }) => !same)) return { text: `no wide vectors: V8 ${process.versions.v8} gives other bits with them` };
  const verdict = (arithmetic: keyof Joining): Verdict | undefined => verdicts[pairs.findIndex((pair) => pair.arithmetic === arithmetic)];
  const gains = (arithmetic: keyof Joining): boolean => {
    const found = verdict(arithmetic);
    return found !== undefined && found.wideMs < FASTER * found.plainMs;
  };
  const said = (arithmetic: keyof Joining): string => {
    const found = verdict(arithmetic);
    if (found === undefined) return "";
    const times = (found.plainMs / found.wideMs).toFixed(2);
    return `${arithmetic === "fused" ? "with fused arithmetic" : "a training step"} ${gains(arithmetic) ? `${times} times as fast` : `no faster (${times}), so not used`}`;
  };
  const joins = { deterministic: gains("deterministic"), fused: gains("fused") };
  const text = [said("deterministic"), said("fused")].filter((part) => part !== "").join(", ");
  if (!joins.deterministic && !joins.fused) return { text: `no wide vectors: they bring nothing here (${text})` };
  return { flag, joins, text: `256-bit vectors with the same bits: ${text}` };
}

/** A program as the checking process needs it: what it fills, and what must come out the same. */
function told({ wasm, memoryBytes, buffers }: Program): object {
  const places = (wanted: (role: Buffer["role"]) => boolean): readonly (readonly [number, number])[] =>
    buffers.filter((buffer) => wanted(buffer.role)).map(({ offsetBytes, sizeBytes }) => [offsetBytes, sizeBytes / 4]);
  return {
    wasm: btoa(Array.from(wasm, (byte) => String.fromCharCode(byte)).join("")),
    pages: Math.ceil(memoryBytes / 65_536),
    filled: places((role) => role === "input" || role === "parameters"),
    compared: places((role) => role === "output" || role === "scalar" || role === "gradients" || role === "input_gradient"),
  };
}

/** The checking process: plain programs first, with the option off; each is warmed up until the engine's best code no longer gets faster. */
const script = (flag: string): string => `
const v8 = require("node:v8");
const pairs = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
function measure({ wasm, pages, filled, compared }) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  let state = 1;
  for (const [offset, length] of filled) {
    const view = new Float32Array(memory.buffer, offset, length);
    for (let i = 0; i < length; i++) view[i] = (state = (state * 48271) % 2147483647) / 2147483647 - 0.5;
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(wasm, "base64")), { env: { memory } });
  exports.prepare(${PROBE_STEPS});
  let best = Infinity;
  for (let round = 0, idle = 0; round < 30 && (round < 4 || idle < 3); round++, idle++) {
    const end = performance.now() + 12;
    for (let now = performance.now(); now < end; ) {
      exports.forward(${PROBE_STEPS});
      const then = performance.now();
      if (then - now < 0.97 * best) idle = 0;
      best = Math.min(best, then - now);
      now = then;
    }
  }
  exports.prepare(${PROBE_STEPS});
  exports.forward(${PROBE_STEPS});
  return { best, bits: compared.map(([offset, length]) => Buffer.from(memory.buffer, offset, 4 * length).toString("base64")).join() };
}
v8.setFlagsFromString("--no-" + ${JSON.stringify(flag)}.slice(2));
const plain = pairs.map(([program]) => measure(program));
v8.setFlagsFromString(${JSON.stringify(flag)});
const wide = pairs.map(([, program]) => measure(program));
console.log(JSON.stringify(plain.map(({ best, bits }, i) => ({ same: bits === wide[i].bits, plainMs: best, wideMs: wide[i].best }))));
`;
