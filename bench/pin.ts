/**
 * Keeps the calling thread on one core, where the system allows: Linux with `taskset`. What it starts afterwards stays there too.
 *
 * Only where it was asked for: TensorFlow.js, which makes much garbage, takes up to twice as long so, while Sluice and the others stay as they are.
 *
 * Out: the core, the last one that this process may use; undefined where there is no way.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The core that `pin` takes; undefined where the system does not say. */
export function coreToPin(): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return allowed === undefined || spawnSync("taskset", ["--version"], { stdio: "ignore" }).status !== 0 ? undefined : /(\d+)$/.exec(allowed)?.[1];
  } catch {
    return undefined; // a system without /proc
  }
}

/** Pins this process's main thread. */
export function pin(): void {
  const core = coreToPin();
  if (core !== undefined) spawnSync("taskset", ["-cp", core, String(process.pid)], { stdio: "ignore" });
}
