/**
 * Loads a Program into WebAssembly: one memory, one instance, named views.
 *
 * In: a Program. Out: an Executable. Synchronous, so that a model can be used right after it was made. The memory never grows, so the views stay valid.
 */
import type { Buffer, Program } from "../../ir/program/node.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { invariant } from "../../support/invariant.ts";
import type { Executable } from "../executable.ts";
import { moduleOf } from "./module-cache.ts";
import { wasmFeatures } from "./probe.ts";
import type { ThreadPool } from "./threads.ts";

const pageBytes = 65_536;
const greatestPages = 65_536;

/** @throws SluiceError E471 if the engine has no SIMD, E472 if the memory cannot be had */
export function loadProgram(program: Program, pool?: ThreadPool): Executable {
  if (!wasmFeatures().simd) throw new SluiceError("E471", 'this engine has no WebAssembly SIMD; use `device: "interpreter"`, or a newer engine');
  invariant(program.threads === 1 || pool !== undefined, "a program for several threads needs a pool");
  const memory = allocate(program);
  const shared = program.threads > 1 ? pool!.load(program, moduleOf(program.wasm), memory) : undefined;
  const instance = shared ? undefined : new WebAssembly.Instance(moduleOf(program.wasm), { env: { memory } });
  // A module may bring its own memory instead of importing one.
  const own = instance?.exports.memory;
  const bytes = own instanceof WebAssembly.Memory ? own.buffer : memory.buffer;
  invariant(bytes.byteLength >= program.memoryBytes, `a memory of ${bytes.byteLength} bytes for a program of ${program.memoryBytes}`);

  const buffers = new Map<string, Float32Array | Int32Array>();
  const shapes = new Map<string, Buffer>();
  for (const buffer of program.buffers) {
    if (buffer.role === "scratch") continue;
    const View = buffer.type === "f32" ? Float32Array : Int32Array;
    buffers.set(buffer.name, new View(bytes, buffer.offsetBytes, buffer.sizeBytes / 4));
    shapes.set(buffer.name, buffer);
  }
  const entries = new Map<string, (steps: number) => void>();
  for (const [number, { name }] of program.entries.entries()) {
    if (shared) {
      entries.set(name, (steps) => shared(number, steps));
      continue;
    }
    const entry = instance!.exports[name];
    invariant(typeof entry === "function", `the module has no entry ${name}`);
    entries.set(name, entry as (steps: number) => void);
  }
  return {
    device: "wasm",
    program,
    buffers,
    shapes,
    run(entry, steps) {
      const call = entries.get(entry);
      invariant(call !== undefined, `no entry ${entry}`);
      invariant(steps >= 0 && steps <= program.capacity, `${steps} steps in a program for ${program.capacity}`);
      call(steps);
    },
  };
}

function allocate(program: Program): WebAssembly.Memory {
  const pages = Math.max(1, Math.ceil(program.memoryBytes / pageBytes));
  const mebibytes = Math.ceil(program.memoryBytes / 2 ** 20);
  const cure = "use a smaller batch, fewer steps per batch or smaller sizes";
  if (pages > greatestPages) throw new SluiceError("E472", `this program needs ${mebibytes} MiB, more than the 4096 MiB of WebAssembly; ${cure}`);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: program.threads > 1 });
  } catch (cause) {
    throw new SluiceError("E472", `no memory for this program, which needs ${mebibytes} MiB; ${cure}`, [], { cause });
  }
}
