/**
 * Workers with one face: a browser's Worker and Node's worker_threads.
 *
 * In: the address of a script. Out: a port to post messages to and hear from. Messages are plain data; arrays are copied unless they are handed over.
 */
import { SluiceError } from "../support/diagnostic.ts";
import { hasFiles } from "./platform.ts";

export interface Port {
  post(message: unknown, handOver?: readonly ArrayBuffer[]): void;
  listen(onMessage: (message: unknown) => void, onError: (error: unknown) => void): void;
  /** Ends the worker, whatever it does. */
  close(): void;
}

const threadsModule = "node:worker_threads";

/** Starts a worker that runs the script. @throws SluiceError E473 if the platform has no workers */
export async function openWorker(script: URL | string): Promise<Port> {
  if (hasFiles()) {
    const { Worker: Thread } = (await import(/* @vite-ignore */ threadsModule)) as typeof import("node:worker_threads");
    const thread = new Thread(script);
    return {
      post: (message, handOver = []) => thread.postMessage(message, [...handOver]),
      listen(onMessage, onError) {
        thread.on("message", onMessage);
        thread.on("error", onError);
      },
      close: () => void thread.terminate(),
    };
  }
  if (typeof Worker === "undefined") throw new SluiceError("E473", "this platform has no workers; train on the thread itself, with `train`");
  const worker = new Worker(script, { type: "module" });
  return {
    post: (message, handOver = []) => worker.postMessage(message, [...handOver]),
    listen(onMessage, onError) {
      worker.addEventListener("message", (event) => onMessage(event.data));
      worker.addEventListener("error", (event) => onError(event.error ?? new Error(event.message)));
    },
    close: () => worker.terminate(),
  };
}

/** The port of the worker that this code runs in. */
export async function parentPort(): Promise<Omit<Port, "close">> {
  if (hasFiles()) {
    const { parentPort: parent } = (await import(/* @vite-ignore */ threadsModule)) as typeof import("node:worker_threads");
    if (parent === null) throw new SluiceError("E473", "this script is the inside of a worker; start it with `trainInWorker`");
    return {
      post: (message, handOver = []) => parent.postMessage(message, [...handOver]),
      listen: (onMessage) => void parent.on("message", onMessage),
    };
  }
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  return {
    post: (message, handOver = []) => scope.postMessage(message, [...handOver]),
    listen: (onMessage) => scope.addEventListener("message", (event) => onMessage(event.data)),
  };
}
