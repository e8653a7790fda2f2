/**
 * A pool of threads that run programs together over one shared memory.
 *
 * In: how many threads. Out: a pool whose workers sleep until a run begins, call the same entry with their number, and meet the caller inside the
 * program (its barriers), so that a run is still one synchronous call. Needs SharedArrayBuffer: Node, or a worker of a cross-origin isolated page.
 * A failure in any thread stops all of them and surfaces where the run was called, also if the thread is gone. Workers forget a program when the last one
 * who could run it is gone.
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
  /** Why the pool can run nothing more; undefined while it can. */
  failure(): string | undefined;
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

/** How long a worker looks out for the next command before it sleeps: a step's commands follow close, and waking takes a tenth of a millisecond. */
const ATTENTIVE_MS = 0.25;

// Control words: [generation of commands, program, entry, steps, threads].
const CONTROL_WORDS = 8;
const FAILED_WORD = 2; // third i32 of a program's memory: see the barrier in phase 6

/**
 * What a worker does; around it stand `answer`, which sends a word to the pool, and `collect`, which collects garbage where that can be asked for: engines
 * do not count memories among what fills up a heap, and a worker's own heap never does. (Node's `queryObjects` looks "after a full garbage collection".)
 */
const workerScript = `
const programs = new Map();
let control, seen = 0, p = 0;
function work() {
  for (;;) {
    for (const end = performance.now() + ${ATTENTIVE_MS}; Atomics.load(control, 0) === seen && performance.now() < end; );
    Atomics.wait(control, 0, seen);
    const now = Atomics.load(control, 0);
    if (now === seen) continue;
    if (control[1] < 0) { seen = now; return; }
    const program = programs.get(control[1]);
    if (program === undefined) return;
    seen = now;
    if (program.broken) { fail(program.memory); continue; }
    try { program.entries[control[2]](control[3], p, control[4]); }
    catch { fail(program.memory); }
  }
}
function fail(memory) {
  const words = new Int32Array(memory.buffer, 0, 4);
  Atomics.store(words, ${FAILED_WORD}, 1);
  Atomics.notify(words, 1);
}
function hear(message) {
  if (message.control !== undefined) { control = new Int32Array(message.control); p = message.p; answer("ready"); }
  if (message.module !== undefined) {
    const { id, memory, module } = message;
    try {
      const { exports } = new WebAssembly.Instance(module, { env: { memory, absent: () => 0 } });
      programs.set(id, { memory, entries: message.entries.map((name) => exports[name]) });
    } catch { programs.set(id, { memory, broken: true }); }
  }
  if (message.drop !== undefined) {
    for (const id of message.drop) programs.delete(id);
    collect();
  }
  if (control !== undefined) work();
}`;

interface Helper {
  post(message: unknown): void;
  /** Posts the first message and waits for the answer. */
  ready(message: unknown): Promise<void>;
  /** Why it runs nothing more; undefined while it may. Can be told at once, without waiting for events. */
  gone(): string | undefined;
  close(): void;
}

const STOPPED = "one of them was stopped from outside";

const pools = new Map<number, Promise<ThreadPool>>();

/** The process's pool of that many threads, started at first use, and again after a failure. It does not keep a process alive. @throws SluiceError E475 */
export async function threadPool(threads: number): Promise<ThreadPool> {
  const known = pools.get(threads);
  const pool = await known?.catch(() => undefined); // one that could not start is started again
  if (pool !== undefined && pool.failure() === undefined) return pool;
  pool?.close(); // what is left of it
  // Another one may have started the next pool meanwhile.
  if (pools.get(threads) === known) pools.set(threads, startThreads(threads));
  return pools.get(threads)!;
}

/** So many threads where there are any, else one, which gives the same bits: then the pool is missing and the remark says why. @throws SluiceError E475 */
export async function threadsFor(threads: number): Promise<{ readonly pool?: ThreadPool; readonly remark?: string }> {
  checkCount(threads);
  if (threads === 1) return {};
  const refused = threadsRefused();
  return refused === undefined
    ? { pool: await threadPool(threads) }
    : { remark: `one thread instead of ${threads}, with the same results: ${refused}` };
}

function checkCount(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > 64)
    throw new SluiceError("E475", `threads must be a whole number from 1 to 64, not ${threads}`);
}

/** Starts threads − 1 workers. @throws SluiceError E475 with the reason if this place has no threads */
export async function startThreads(threads: number): Promise<ThreadPool> {
  checkCount(threads);
  const refused = threadsRefused();
  if (refused !== undefined) throw new SluiceError("E475", `no threads here: ${refused}; leave out \`threads\` to run on one`);
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
  let failed: string | undefined;
  const failure = (): string | undefined => {
    failed ??= helpers.map((helper) => helper.gone()).find((reason) => reason !== undefined);
    return failed;
  };
  const command = (words: readonly number[]): void => {
    words.forEach((word, i) => {
      control[i + 1] = word;
    });
    Atomics.add(control, 0, 1);
    Atomics.notify(control, 0);
  };
  const post = (message: unknown): void => {
    command([-1]); // back to hearing messages
    for (const helper of helpers) helper.post(message);
  };
  const dropped: number[] = [];
  const runs = new FinalizationRegistry<number>((id) => {
    if (dropped.push(id) > 1) return;
    queueMicrotask(() => post({ drop: dropped.splice(0) })); // what one collection finds leaves at once
  });
  return {
    threads,
    failure,
    load(program, module, memory) {
      const id = programs++;
      post({ id, module, memory, entries: program.entries.map((entry) => entry.name) });
      const own = new WebAssembly.Instance(module, { env: { memory, absent: () => (failure() === undefined ? 0 : 1) } }).exports;
      const calls = program.entries.map((entry) => own[entry.name] as (steps: number, p: number, threads: number) => void);
      const run = (entry: number, steps: number): void => {
        if (failed !== undefined) throw ended(failed);
        if (threads > 1) command([id, entry, steps, threads]);
        try {
          calls[entry](steps, 0, threads);
        } catch (cause) {
          const words = new Int32Array(memory.buffer as unknown as SharedArrayBuffer, 0, 4);
          const another = Atomics.exchange(words, FAILED_WORD, 1) !== 0;
          Atomics.notify(words, 1);
          const reason = failure() ?? (another ? "another thread could not do its share of a run" : undefined);
          if (reason === undefined) throw cause;
          throw ended(reason, cause);
        }
      };
      runs.register(run, id);
      return run;
    },
    close() {
      failed ??= "they have been closed";
      for (const helper of helpers) helper.close();
    },
  };
}

const ended = (reason: string, cause?: unknown): SluiceError =>
  new SluiceError(
    "E475",
    `the threads of this program are of no use any more: ${reason}; begin anew, from a checkpoint if there is one: new threads are started`,
    [],
    {
      cause,
    },
  );

async function openHelper(): Promise<Helper> {
  if (hasFiles()) {
    const threadsModule = "node:worker_threads";
    const { Worker: Thread } = (await import(/* @vite-ignore */ threadsModule)) as typeof import("node:worker_threads");
    const script = `const port = require("node:worker_threads").parentPort; const answer = (word) => port.postMessage(word);
      process.removeAllListeners("warning"); // in this worker: that queryObjects is experimental is no news to anybody
      const collect = () => void require("node:v8").queryObjects?.(WebAssembly.Memory);\n${workerScript}\nport.on("message", hear);`;
    const thread = new Thread(script, { eval: true });
    let reason: string | undefined;
    thread.on("error", (error) => {
      reason = `one of them failed (${error.message})`;
    });
    thread.on("exit", () => {
      reason ??= STOPPED;
    });
    return {
      post: (message) => thread.postMessage(message),
      gone() {
        // Events come only when this thread is free to hear them; that a loop which ran has no time of its own any more can be told at once.
        const { idle, active } = thread.performance.eventLoopUtilization();
        return reason ?? (idle < 0 || active === 0 ? STOPPED : undefined);
      },
      ready(message) {
        thread.postMessage(message);
        return new Promise((resolve, reject) => {
          thread.once("message", () => {
            thread.unref(); // from now on it does not keep the process alive
            resolve();
          });
          thread.once("error", (cause) => reject(new SluiceError("E475", `a thread could not be started: ${cause.message}`, [], { cause })));
        });
      },
      close: () => void thread.terminate(),
    };
  }
  const url = URL.createObjectURL(
    new Blob([`const answer = (word) => postMessage(word); const collect = () => {};\n${workerScript}\nonmessage = (event) => hear(event.data);`], {
      type: "text/javascript",
    }),
  );
  const worker = new Worker(url);
  let reason: string | undefined;
  return {
    post: (message) => worker.postMessage(message),
    gone: () => reason, // a page's worker ends with its page only
    ready(message) {
      worker.postMessage(message);
      return new Promise((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = (event) => {
          reason = `one of them failed (${event.message})`;
          reject(new SluiceError("E475", `a thread could not be started: ${event.message}`)); // of no effect once it has started
        };
      });
    },
    close() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}
