/**
 * The few things that a platform gives: files (Node only), a clock, a pause. Names of Node's modules are computed, so that a bundle for
 * browsers has none of them.
 */
import { SluiceError } from "../support/diagnostic.ts";

const nodePrefix = "node:";

function isNode(): boolean {
  return typeof process !== "undefined" && process.versions?.node !== undefined;
}

async function nodeModule<T>(name: string, use: string): Promise<T> {
  if (!isNode()) throw new SluiceError("E466", `${use} needs Node; in a browser use the bytes instead (toBytes, loadModel)`);
  return (await import(/* @vite-ignore */ nodePrefix + name)) as T;
}

interface Builtins {
  readonly "node:v8": typeof import("node:v8");
  readonly "node:child_process": typeof import("node:child_process");
}

/** A module of Node at once; undefined elsewhere. */
export function builtin<N extends keyof Builtins>(name: N): Builtins[N] | undefined {
  return isNode() ? (process.getBuiltinModule?.(name) as Builtins[N] | undefined) : undefined;
}

/** True where files can be read and written. */
export const hasFiles: () => boolean = isNode;

/** Milliseconds of a clock that never goes back. */
export function nowMs(): number {
  return performance.now();
}

/**
 * Writes a file whole or not at all: into a temporary file beside it, flushed to the disk, then renamed over the old one.
 * @throws SluiceError E467 with the system's reason (folder missing, no permission, disk full); the old file is then untouched
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array | string): Promise<void> {
  const { open, rename, unlink } = await nodeModule<typeof import("node:fs/promises")>("fs/promises", "writing a file");
  const { dirname, basename, join } = await nodeModule<typeof import("node:path")>("path", "writing a file");
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${++written}.partial`);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined); // it may not exist
    throw new SluiceError("E467", `${path} could not be written: ${reasonText(cause)}`, [], { cause });
  }
  await syncFolder(dirname(path), open);
}

let written = 0;

// Makes the rename itself durable; some systems do not allow to open a folder, and then there is nothing to do.
async function syncFolder(path: string, open: typeof import("node:fs/promises").open): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  if (folder === undefined) return;
  await folder.sync().catch(() => undefined);
  await folder.close();
}

/** Bytes of a file. @throws SluiceError E468 with the system's reason */
export async function readFileBytes(path: string | URL): Promise<Uint8Array> {
  const { readFile } = await nodeModule<typeof import("node:fs/promises")>("fs/promises", "reading a file");
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SluiceError("E468", `${path} could not be read: ${reasonText(cause)}`, [], { cause });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
  EMFILE: "too many files are open",
};

function reasonText(cause: unknown): string {
  const code = (cause as { code?: string }).code ?? "";
  return reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
}

/** Lets timers, input and signals have their turn. */
export function pause(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port2.onmessage = () => {
      port1.close();
      resolve();
    };
    port1.postMessage(undefined);
  });
}
