/**
 * The child process of one peer: prepares a workload, hands over what it computed, then measures when told.
 *
 * Messages in: { prepare: workload name } and { measure: least milliseconds of a sample }. Messages out: { ready: results, prepareMs, note } or {
 * unable: reason }; { sample: milliseconds per step, processor: the same in processor time, steps }. One peer per process, because the libraries
 * replace globals of Node. A peer that lives in a process of another language measures itself and has `measure` instead of `step`.
 */
import { processorMs } from "../clock.ts";
import { pin } from "../pin.ts";
import { reference } from "../reference.ts";
import { arraysOf, WORKLOADS } from "../workloads.ts";

/** Compiled tiers must be reached and caches filled before the first sample. */
const WARM_UP_MS = 500;
const WARM_UP_STEPS = 4;

/** Serves messages with a peer: `prepare(workload, arrays)` gives `{ check, step }` or `{ check, measure, note }`, `{ absent: why }` or undefined. */
export function serve(peer) {
  if (process.argv.includes("--pin")) pin();
  let prepared;
  const handle = async (message) => {
    if (message.prepare !== undefined) {
      const workload = WORKLOADS.find(({ name }) => name === message.prepare);
      const arrays = arraysOf(workload);
      const start = performance.now();
      prepared = await peer.prepare(workload, arrays);
      if (prepared === undefined) return { unable: "not offered by this peer" };
      if (prepared.absent !== undefined) return { unable: prepared.absent };
      const results = await prepared.check();
      const prepareMs = performance.now() - start;
      const differences = compare(results, reference(workload, arrays));
      await warmUp(prepared);
      return { ready: differences, prepareMs, note: prepared.note };
    }
    if (prepared.measure !== undefined) return prepared.measure(message.measure);
    const from = performance.now();
    const processor = processorMs();
    let steps = 0;
    do {
      await prepared.step();
      steps++;
    } while (performance.now() - from < message.measure);
    return { sample: (performance.now() - from) / steps, processor: (processorMs() - processor) / steps, steps };
  };
  process.on("message", async (message) => {
    try {
      process.send(await handle(message));
    } catch (error) {
      process.send({ unable: String(error?.stack ?? error) });
    }
  });
}

async function warmUp({ step, measure }) {
  if (measure !== undefined) {
    await measure(WARM_UP_MS);
    return;
  }
  const from = performance.now();
  for (let n = 0; n < WARM_UP_STEPS || performance.now() - from < WARM_UP_MS; n++) await step();
}

/** Largest difference of each result from the float64 reference, in units of the result's largest magnitude. */
function compare(results, truth) {
  const differences = {};
  for (const [name, want] of Object.entries(truth)) {
    const got = results[name];
    if (got === undefined) {
      if (name !== "dx") throw new Error(`the peer gives no ${name}`);
      continue;
    }
    if (got.length !== want.length) throw new Error(`${name} has ${got.length} numbers instead of ${want.length}`);
    let largest = 0;
    let difference = 0;
    for (let i = 0; i < want.length; i++) {
      largest = Math.max(largest, Math.abs(want[i]));
      difference = Math.max(difference, Number.isFinite(got[i]) ? Math.abs(got[i] - want[i]) : Infinity);
    }
    differences[name] = difference / largest;
  }
  return differences;
}
