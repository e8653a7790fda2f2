/**
 * A few words for what a gate did over one example, from thresholds on its values: nothing is said that the row does not show.
 *
 * In: one value for each time step and what stood at each step. Out: a caption, or "" where nothing stands out.
 */

/** A step stands out if its value is this much of the range away from the median of the others. */
const STANDS_OUT = 0.2;
/** A gate holds if from then on its values stay above this share of the range. */
const HOLDS = 0.6;

/**
 * "opens on the digit after “!”", "shuts on “!”, then holds": the step that stands out most, by name, and what follows.
 * `places[t]` names step t: "“!”", "the digit after “!”".
 */
export function captionOf(values: ArrayLike<number>, places: readonly string[], range: readonly [number, number] = [0, 1]): string {
  const width = range[1] - range[0];
  const series = Array.from(values, (value) => (value - range[0]) / width);
  if (series.length < 3) return "";
  const middle = median(series);
  const highest = series.indexOf(Math.max(...series));
  const lowest = series.indexOf(Math.min(...series));
  const rise = series[highest] - middle;
  const fall = middle - series[lowest];
  if (Math.max(rise, fall) < STANDS_OUT) {
    if (middle > 1 - STANDS_OUT) return "stays open";
    return middle < STANDS_OUT ? "stays shut" : "";
  }
  if (rise >= fall) return `opens on ${places[highest]}`;
  const after = series.slice(lowest + 1, -1);
  const holds = after.length > 1 && after.every((value) => value > HOLDS);
  return `shuts on ${places[lowest]}${holds ? ", then holds" : ""}`;
}

function median(series: readonly number[]): number {
  const sorted = [...series].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
