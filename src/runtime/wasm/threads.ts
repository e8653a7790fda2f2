/**
 * A pool of threads that run programs together over one shared memory.
 *
 * In: how many threads. Out: a pool whose workers sleep until a run begins, call the same entry with their number, and meet the caller inside the
 * program (its barriers), so that a run is still one synchronous call. Needs SharedArrayBuffer: Node, or a worker of a cross-origin isolated page.
 * A failure in any thread stops all of them and surfaces where the run was called.
 */
import type { Program } from "../../ir/program/node.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { hasFiles } from "../platform.ts";
import { wasmFeatures } from "./probe.ts";

export interface ThreadPool {
  /** Threads of a run, the caller's own included. */
  readonly threads: number;
  /** Gives a program to every worker; returns what runs an entry on all threads. */
  load(program: Program, module: WebAssembly.Module, memory: WebAssembly.Memory): (entry: number, steps: number) => void;
  /** Ends the workers. A run after this is an error. */
  close(): void;
}

/** Why a run must keep to one thread here; undefined if it need not. `doctor` prints it. */
export function threadsRefused(): string | undefined {
  if (!wasmFeatures().threads) return "this engine has no WebAssembly threads";
  if (typeof SharedArrayBuffer === "undefined") {
    return "this page is not cross-origin isolated: serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
  }
  if (!hasFiles() && typeof document !== "undefined") return "a page's main thread may not wait; train in a worker";
  return undefined;
}

// Control words: [generation of commands, program, entry, steps, threads].
const CONTROL_WORDS = 8;
const FAILED_WORD = 2; // third i32 of a program's memory: see the barrier in phase 6

const workerScript = `
const programs = new Map();
let control, seen = 0, p = 0;
function work() {
  for (;;) {
    Atomics.wait(control, 0, seen);
    const now = Atomics.load(control, 0);
    if (now === seen) continue;
    if (control[1] < 0) { seen = now; return; }
    const program = programs.get(control[1]);
    if (program === undefined) return;
    seen = now;
    try { program.entries[control[2]](control[3], p, control[4]); }
    catch (error) {
      const words = new Int32Array(program.memory.buffer, 0, 4);
      Atomics.store(words, ${FAILED_WORD}, 1);
      Atomics.notify(words, 1);
    }
  }
}
function hear(message) {
  if (message.control !== undefined) { control = new Int32Array(message.control); p = message.p; answer("ready"); }
  if (message.module !== undefined) {
    const { exports } = new WebAssembly.Instance(message.module, { env: { memory: message.memory } });
    programs.set(message.id, { memory: message.memory, entries: message.entries.map((name) => exports[name]) });
  }
  if (control !== undefined) work();
}`;

interface Helper {
  post(message: unknown): void;
  /** Posts the first message and waits for the answer. */
  ready(message: unknown): Promise<void>;
  close(): void;
}

const pools = new Map<number, Promise<ThreadPool>>();

/** The process's pool of that many threads, started at first use. It does not keep a process alive. @throws SluiceError E475 */
export function threadPool(threads: number): Promise<ThreadPool> {
  const pool = pools.get(threads) ?? startThreads(threads);
  pools.set(threads, pool);
  return pool;
}

/** Starts threads − 1 workers. @throws SluiceError E475 with the reason if this place has no threads */
export async function startThreads(threads: number): Promise<ThreadPool> {
  const refused = threadsRefused();
  if (refused !== undefined) throw new SluiceError("E475", `no threads here: ${refused}; leave out \`threads\` to run on one`);
  if (!Number.isInteger(threads) || threads < 1 || threads > 64)
    throw new SluiceError("E475", `threads must be a whole number from 1 to 64, not ${threads}`);
  const shared = new SharedArrayBuffer(4 * CONTROL_WORDS);
  const control = new Int32Array(shared);
  const helpers: Helper[] = [];
  for (let p = 1; p < threads; p++) {
    const helper = await openHelper();
    helpers.push(helper);
    // A worker of a page begins only while its parent is free: a run that waited for it at once would wait forever.
    await helper.ready({ control: shared, p });
  }
  let programs = 0;
  let closed = false;
  const command = (words: readonly number[]): void => {
    words.forEach((word, i) => {
      control[i + 1] = word;
    });
    Atomics.add(control, 0, 1);
    Atomics.notify(control, 0);
  };
  return {
    threads,
    load(program, module, memory) {
      const id = programs++;
      command([-1]); // back to hearing messages
      for (const helper of helpers) helper.post({ id, module, memory, entries: program.entries.map((entry) => entry.name) });
      const own = new WebAssembly.Instance(module, { env: { memory } }).exports;
      const calls = program.entries.map((entry) => own[entry.name] as (steps: number, p: number, threads: number) => void);
      return (entry, steps) => {
        if (closed) throw new SluiceError("E475", "the threads of this program have been closed");
        if (threads > 1) command([id, entry, steps, threads]);
        try {
          calls[entry](steps, 0, threads);
        } catch (cause) {
          const words = new Int32Array(memory.buffer as unknown as SharedArrayBuffer, 0, 4);
          Atomics.store(words, FAILED_WORD, 1);
          Atomics.notify(words, 1);
          throw cause;
        }
      };
    },
    close() {
      closed = true;
      for (const helper of helpers) helper.close();
    },
  };
}

async function openHelper(): Promise<Helper> {
  if (hasFiles()) {
    const threadsModule = "node:worker_threads";
    const { Worker: Thread } = (await import(/* @vite-ignore */ threadsModule)) as typeof import("node:worker_threads");
    const script = `const port = require("node:worker_threads").parentPort; const answer = (word) => port.postMessage(word);\n${workerScript}\nport.on("message", hear);`;
    const thread = new Thread(script, { eval: true });
    return {
      post: (message) => thread.postMessage(message),
      ready(message) {
        thread.postMessage(message);
        return new Promise((resolve, reject) => {
          thread.once("message", () => {
            thread.unref(); // from now on it does not keep the process alive
            resolve();
          });
          thread.once("error", reject);
        });
      },
      close: () => void thread.terminate(),
    };
  }
  const url = URL.createObjectURL(
    new Blob([`const answer = (word) => postMessage(word);\n${workerScript}\nonmessage = (event) => hear(event.data);`], { type: "text/javascript" }),
  );
  const worker = new Worker(url);
  return {
    post: (message) => worker.postMessage(message),
    ready(message) {
      worker.postMessage(message);
      return new Promise((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = (event) => reject(new SluiceError("E475", `a thread could not be started: ${event.message}`));
      });
    },
    close() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
