/**
 * Copy memory: read ten symbols, wait, and say them again in order.
 *
 * @source Hochreiter & Schmidhuber 1997 (idea); Arjovsky, Shah & Bengio 2016, section 4.1 (this form: alphabet of 8, blank, delimiter; T blanks)
 * Saying blank until the end and guessing there costs 10 ln 8 / (T + 20) nats per step.
 */
import { makeTask } from "./task.ts";

const BLANK = 0;

/** Input: `count` symbols, `delay` - 1 blanks, a delimiter, `count` blanks. Target: blanks, then the symbols. */
export const copyMemory = makeTask({
  name: "copy-memory",
  title: "say the symbols again after a long wait",
  source: "Arjovsky, Shah & Bengio 2016, section 4.1",
  options: {
    delay: { value: 100, least: 1, most: 100_000, meaning: "steps between the last symbol read and the first to say" },
    count: { value: 10, least: 1, most: 1000, meaning: "symbols to keep" },
    kinds: { value: 8, least: 2, most: 20, meaning: "different symbols" },
    everywhere: { value: 1, least: 0, most: 1, meaning: "1: the loss counts at every step, as in the paper; 0: only while recalling" },
  },
  describe: ({ delay, count, kinds }) =>
    `Reads ${count} symbols of ${kinds} kinds, then blanks; after a delimiter, ${delay} steps later, wants the symbols again in order. ` +
    `Guessing is right for 1 symbol in ${kinds} (${baseline(delay, count, kinds).toPrecision(3)} nats per step where the loss counts everywhere); 99 % right counts as solved.`,
  score: ({ delay, count, kinds, everywhere }) => ({
    measure: "class",
    per: "step",
    except: BLANK,
    chance: 1 / kinds,
    chanceLoss: { loss: "cross_entropy", value: everywhere === 1 ? baseline(delay, count, kinds) : Math.log(kinds) },
    success: 0.99,
    meaning: "share of symbols recalled",
  }),
  reads: ({ kinds }) => ["·", ...symbolNames(kinds), "|"],
  says: ({ kinds }) => ["·", ...symbolNames(kinds)],
  length: ({ delay, count }) => [delay + 2 * count, delay + 2 * count],
  draw: (random, { delay, count, kinds, everywhere }) => {
    const steps = delay + 2 * count;
    const symbols = new Int32Array(steps);
    const y = new Int32Array(steps);
    for (let i = 0; i < count; i++) symbols[i] = y[steps - count + i] = 1 + random.integer(kinds);
    symbols[steps - count - 1] = kinds + 1;
    const lossMask = new Float32Array(steps).fill(1, everywhere === 1 ? 0 : steps - count);
    return { symbols, y, lossMask };
  },
});

function baseline(delay: number, count: number, kinds: number): number {
  return (count * Math.log(kinds)) / (delay + 2 * count);
}

/** A, B, C … */
export function symbolNames(kinds: number): string[] {
  return Array.from({ length: kinds }, (_, kind) => String.fromCharCode(65 + kind));
}
