/**
 * How a feature is scaled before a network reads it: (value - mean) / deviation, over the training part alone.
 */

export interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

/** Mean and population deviation. What is constant keeps the deviation 1, so that it stays 0; any other would be arbitrary too. */
export function moments(values: ArrayLike<number>): Moments {
  const count = values.length;
  let mean = 0;
  for (let i = 0; i < count; i++) mean += values[i];
  mean /= count;
  let square = 0;
  for (let i = 0; i < count; i++) square += (values[i] - mean) ** 2 / count;
  const deviation = Math.sqrt(square);
  return { mean, deviation: deviation > 1e-12 * Math.max(1, Math.abs(mean)) ? deviation : 1 };
}
