/** Sums that the float64 references share: products of a matrix and a vector, their adjoint, and the mean squared error. */

/** 1 / (1 + exp(-a)) */
export const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

/** y[r] += Σ_c W[r, c]·x[c] */
export function addProduct(y: Float64Array, W: Float32Array, x: ArrayLike<number>, xOffset: number, columns: number): void {
  for (let r = 0; r < y.length; r++) {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += W[r * columns + c] * x[xOffset + c];
    y[r] += sum;
  }
}

/** dx[c] += Σ_r W[r, c]·dy[r]; dW[r, c] += dy[r]·x[c] */
export function addAdjoint(
  dy: Float64Array,
  W: Float32Array,
  dW: Float64Array,
  x: ArrayLike<number>,
  xOffset: number,
  dx: Float64Array,
  dxOffset: number,
  columns: number,
): void {
  for (let r = 0; r < dy.length; r++) {
    for (let c = 0; c < columns; c++) {
      dx[dxOffset + c] += W[r * columns + c] * dy[r];
      dW[r * columns + c] += dy[r] * x[xOffset + c];
    }
  }
}

/** Adds the gradient of the mean of (h - target)² to dh, which lies `before` numbers later, and gives the mean. */
export function meanSquaredError(h: Float64Array, target: Float32Array, dh: Float64Array, before: number): number {
  let loss = 0;
  for (let i = 0; i < h.length; i++) {
    const error = h[i] - target[i];
    loss += error ** 2 / h.length;
    dh[before + i] += (2 * error) / h.length;
  }
  return loss;
}
