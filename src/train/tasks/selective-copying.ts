/**
 * Selective copying: a few symbols lie at random places among noise; say them in order when the markers come.
 *
 * Only a gate that depends on the input can skip the noise, which is the claim of selective state spaces.
 * @source Gu & Dao 2023 (Mamba), section 4.1.1, after Jing et al. 2019; defaults here are small: 64 places, 4 symbols of 8 kinds
 */
import { symbolNames } from "./copy-memory.ts";
import { makeTask } from "./task.ts";

/** Input: `places` steps of noise with `count` symbols among them, then `count` markers; target "y" the symbols, counted at the markers. */
export const selectiveCopying = makeTask({
  name: "selective-copying",
  title: "say the symbols that lay among noise, in order",
  source: "Gu & Dao 2023 (Mamba), section 4.1.1",
  options: {
    places: { value: 64, least: 1, most: 100_000, meaning: "steps before the first marker" },
    count: { value: 4, least: 1, most: 1000, meaning: "symbols to keep; at most as many as places" },
    kinds: { value: 8, least: 2, most: 20, meaning: "different symbols" },
  },
  describe: ({ places, count, kinds }) =>
    `Reads ${places} steps, ${count} of them symbols of ${kinds} kinds at random places, the others noise; at each of ${count} markers wants the next symbol. ` +
    `Guessing is right for 1 symbol in ${kinds}; 99 % right counts as solved.`,
  score: ({ kinds }) => ({
    measure: "class",
    per: "step",
    chance: 1 / kinds,
    chanceLoss: { loss: "cross_entropy", value: Math.log(kinds) },
    success: 0.99,
    meaning: "share of symbols said right",
  }),
  reads: ({ kinds }) => ["·", ...symbolNames(kinds), "?"],
  says: ({ kinds }) => symbolNames(kinds),
  length: ({ places, count }) => [places + Math.min(count, places), places + Math.min(count, places)],
  draw: (random, { places, count: wanted, kinds }) => {
    const count = Math.min(wanted, places);
    const steps = places + count;
    const symbols = new Int32Array(steps).fill(kinds + 1, places);
    const y = new Int32Array(steps);
    const chosen = random.shuffle(Array.from({ length: places }, (_, place) => place)).slice(0, count);
    chosen
      .sort((a, b) => a - b)
      .forEach((place, i) => {
        y[places + i] = random.integer(kinds);
        symbols[place] = 1 + y[places + i];
      });
    return { symbols, y, lossMask: new Float32Array(steps).fill(1, places) };
  },
});
