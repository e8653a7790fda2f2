/**
 * Analytic gradients against finite differences, on a sample of coordinates.
 *
 * In: a loss as a function of the flat parameters, the gradient to be judged, where each weight lies. Out: the largest relative error and where it is.
 * Coordinates are drawn by a fixed sequence, some from every weight, so that two runs check the same ones. Never changes the parameters it is given.
 */

/** A stretch of the flat parameter array. */
export interface WeightRange {
  readonly name: string;
  readonly start: number;
  readonly length: number;
}

export interface GradientCheck {
  /** Number of coordinates that were compared. */
  readonly coordinates: number;
  /** max |analytic - numeric| / max(|analytic|, |numeric|, scale), where scale is the root mean square of the gradient. */
  readonly largestRelativeError: number;
  readonly worst?: { readonly weight: string; readonly index: number; readonly analytic: number; readonly numeric: number };
}

/**
 * Compares `gradient` with (-L(+2ε) + 8 L(+ε) - 8 L(-ε) + L(-2ε)) / 12ε at sampled coordinates.
 * `loss` should be computed in float64; the error of the difference is then about ε⁴ and 10⁻¹⁶/ε.
 */
export function checkGradient(
  loss: (parameters: Float64Array) => number,
  parameters: ArrayLike<number>,
  gradient: ArrayLike<number>,
  weights: readonly WeightRange[],
  options: { readonly perWeight?: number; readonly epsilon?: number } = {},
): GradientCheck {
  const perWeight = options.perWeight ?? 3;
  const epsilon = options.epsilon ?? 1e-3;
  let squares = 0;
  for (let i = 0; i < gradient.length; i++) squares += gradient[i] * gradient[i];
  const scale = Math.sqrt(squares / Math.max(1, gradient.length));

  const at = Float64Array.from(parameters);
  const moved = (coordinate: number, by: number): number => {
    const kept = at[coordinate];
    at[coordinate] = kept + by;
    const value = loss(at);
    at[coordinate] = kept;
    return value;
  };

  let coordinates = 0;
  let largest = 0;
  let worst: GradientCheck["worst"];
  for (const weight of weights) {
    for (const index of sampled(weight.length, perWeight)) {
      const coordinate = weight.start + index;
      const near = moved(coordinate, epsilon) - moved(coordinate, -epsilon);
      const far = moved(coordinate, 2 * epsilon) - moved(coordinate, -2 * epsilon);
      const numeric = (8 * near - far) / (12 * epsilon);
      const analytic = gradient[coordinate];
      const error = Math.abs(analytic - numeric) / Math.max(Math.abs(analytic), Math.abs(numeric), scale, Number.MIN_VALUE);
      coordinates++;
      if (!Number.isNaN(largest) && !(error <= largest)) {
        largest = error;
        worst = { weight: weight.name, index, analytic, numeric };
      }
    }
  }
  return { coordinates, largestRelativeError: largest, worst };
}

/** Up to `count` different indices below `length`, spread by the golden ratio. */
function sampled(length: number, count: number): number[] {
  const chosen = new Set<number>();
  for (let i = 0; chosen.size < Math.min(count, length) && i < 8 * count; i++) chosen.add(Math.floor(((0.5 + i * 0.6180339887498949) % 1) * length));
  return [...chosen];
}
