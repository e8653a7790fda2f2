/**
 * PyTorch on the CPU, where a Python with it is installed (Debian: python3-torch and libopenblas0-pthread). It runs in a process of its own, which
 * also does the timing: a call through a pipe would cost more than a step of the small workloads.
 *
 * OpenBLAS chooses its kernels and takes as many threads as are asked for: whatever the environment says about that is left out. The C library is
 * told to keep freed memory, which PyTorch asks for again in each step: by default it gives large blocks back to the system, and a step takes up to
 * a third longer.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ADAM, HEADS } from "../workloads.ts";

export const label = "PyTorch";

/** Trials of a way to start it: the first warms up. */
const TRIALS = 4;
const TRIAL_MS = 300;

/** What to do where no Python has it. */
export const ABSENT = "not installed (Debian: apt-get install python3-torch libopenblas0-pthread; SLUICE_PYTHON names another Python)";

/** Debian keeps its builds of OpenBLAS here; one has threads of its own beside PyTorch's, the other shares them. */
const OPENBLAS_BUILDS = ["openblas-pthread", "openblas-openmp"].map((build) => `/usr/lib/x86_64-linux-gnu/${build}`);

/** How PyTorch may be started: on one thread as it is, on several with what keeps the threads of PyTorch and of OpenBLAS out of each other's way. */
export function settingsFor(threads) {
  if (threads === 1) return [{}];
  const builds = OPENBLAS_BUILDS.filter((folder) => existsSync(folder)).map((folder) => ({ LD_LIBRARY_PATH: folder }));
  return (builds.length > 0 ? builds : [{}]).flatMap((build) => [build, { ...build, GOMP_SPINCOUNT: "1000" }]);
}

function environment(threads, settings = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(OPENBLAS|OMP|MKL|GOTO)_/.test(name));
  return {
    ...Object.fromEntries(kept),
    OPENBLAS_NUM_THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
    PYTHONDONTWRITEBYTECODE: "1",
    MALLOC_MMAP_THRESHOLD_: "1000000000",
    MALLOC_TRIM_THRESHOLD_: "4000000000",
    MALLOC_TOP_PAD_: "100000000",
    ...settings,
  };
}

/** The Python that has PyTorch; undefined where none has. */
export function pythonWithTorch() {
  const candidates = process.env.SLUICE_PYTHON ? [process.env.SLUICE_PYTHON] : ["python3", "/usr/bin/python3"];
  return candidates.find((python) => spawnSync(python, ["-c", "import torch, numpy"], { env: environment(1), stdio: "ignore" }).status === 0);
}

/** A Python script that is asked with lines of JSON and arrays, and answers so. */
export function startPython(script, threads, settings) {
  const python = pythonWithTorch();
  if (python === undefined) throw new Error(ABSENT);
  const child = spawn(python, [join(process.cwd(), "bench/peers", script)], { env: environment(threads, settings), stdio: ["pipe", "pipe", "inherit"] });
  let received = Buffer.alloc(0);
  let waiting;
  const deliver = () => {
    const end = received.indexOf(10);
    if (waiting === undefined || end < 0) return;
    const message = JSON.parse(received.subarray(0, end).toString());
    const lengths = Object.entries(message.arrays);
    if (received.length < end + 1 + 4 * lengths.reduce((sum, [, length]) => sum + length, 0)) return;
    let offset = end + 1;
    const arrays = {};
    for (const [name, length] of lengths) {
      arrays[name] = new Float32Array(Uint8Array.from(received.subarray(offset, offset + 4 * length)).buffer);
      offset += 4 * length;
    }
    received = received.subarray(offset);
    const { resolve } = waiting;
    waiting = undefined;
    resolve({ message, arrays });
  };
  const parts = [];
  child.stdout.on("data", (part) => {
    parts.push(part);
    received = Buffer.concat([received, ...parts.splice(0)]);
    deliver();
  });
  child.on("exit", () => waiting?.reject(new Error(`${script} ended`)));
  process.on("exit", () => child.kill());
  process.on("disconnect", () => process.exit());
  return {
    ask: (message, arrays = {}) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        const lengths = Object.fromEntries(Object.entries(arrays).map(([name, { length }]) => [name, length]));
        child.stdin.write(`${JSON.stringify({ ...message, arrays: lengths })}\n`);
        for (const values of Object.values(arrays)) child.stdin.write(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
      }),
    stop: () => child.kill(),
  };
}

/**
 * Makes a workload ready, started in the fastest of several ways if it has several threads. It measures itself: `measure(leastMs)` gives a sample.
 * `{ absent }` says why there is none.
 */
export async function prepare(workload, arrays, { threads = 1 } = {}) {
  if (pythonWithTorch() === undefined) return { absent: ABSENT };
  let best;
  for (const settings of settingsFor(threads)) {
    const prepared = await prepareWith(workload, arrays, threads, settings);
    const samples = [];
    for (let n = 0; n < TRIALS; n++) samples.push((await prepared.measure(TRIAL_MS)).sample);
    const ms = Math.min(...samples.slice(1));
    if (best === undefined || ms < best.ms) {
      best?.prepared.stop();
      best = { ms, prepared };
    } else prepared.stop();
  }
  return best.prepared;
}

async function prepareWith({ kind, B, T, D, H }, { inputs, weights }, threads, settings) {
  const python = startPython("pytorch.py", threads, settings);
  const order = { kind, sizes: { B, T, D, H, heads: HEADS }, adam: ADAM, threads, inputs: Object.keys(inputs), weights: Object.keys(weights) };
  const { message, arrays } = await python.ask(order, { ...inputs, ...weights });
  const { torch, blas, openblas, way } = message;
  const setting = Object.values(settings).map((value) => `, ${value}`).join("");
  const note = `PyTorch ${torch}, ${blas}${openblas ? "" : " (not OpenBLAS: its products are slow)"}${setting}; ${way}`;
  return {
    note,
    check: async () => arrays,
    measure: async (leastMs) => (await python.ask({ measure: leastMs })).message,
    stop: python.stop,
  };
}
