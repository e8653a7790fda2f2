/**
 * The float64 references of the workloads that are parallel in time: minGRU, gated causal convolution, causal softmax attention.
 *
 * In: a workload and its arrays. Out: "loss", the gradient of every weight and "dx". Plain loops from the equations.
 */
import { addAdjoint, addProduct, meanSquaredError, sigmoid } from "./reference-parts.ts";
import { HEADS, type Workload, type WorkloadArrays } from "./workloads.ts";

type Results = Readonly<Record<string, Float64Array>>;

/** z = σ(Wz·x + bz), h = (1 - z)∘h[t-1] + z∘(Wh·x + bh). Feng et al. 2024 */
export function minGruTraining({ B, T, D, H }: Workload, { inputs, weights }: WorkloadArrays): Results {
  const h = new Float64Array((T + 1) * B * H); // row 0 is the state before the first step
  const gates = new Float64Array(T * B * H);
  const candidates = new Float64Array(T * B * H);
  for (let row = 0; row < T * B; row++) {
    const az = Float64Array.from(weights.bz);
    const ah = Float64Array.from(weights.bh);
    addProduct(az, weights.Wz, inputs.x, row * D, D);
    addProduct(ah, weights.Wh, inputs.x, row * D, D);
    for (let k = 0; k < H; k++) {
      const z = sigmoid(az[k]);
      h[(row + B) * H + k] = (1 - z) * h[row * H + k] + z * ah[k];
      gates[row * H + k] = z;
      candidates[row * H + k] = ah[k];
    }
  }
  const dh = new Float64Array((T + 1) * B * H);
  const loss = Float64Array.of(meanSquaredError(h.subarray(B * H), inputs.target, dh, B * H));
  const [dWz, dWh, dbz, dbh] = [weights.Wz, weights.Wh, weights.bz, weights.bh].map(({ length }) => new Float64Array(length));
  const dx = new Float64Array(T * B * D);
  const daz = new Float64Array(H);
  const dah = new Float64Array(H);
  for (let row = T * B - 1; row >= 0; row--) {
    for (let k = 0; k < H; k++) {
      const d = dh[(row + B) * H + k];
      const z = gates[row * H + k];
      daz[k] = d * (candidates[row * H + k] - h[row * H + k]) * z * (1 - z);
      dah[k] = d * z;
      dh[row * H + k] += d * (1 - z);
      dbz[k] += daz[k];
      dbh[k] += dah[k];
    }
    addAdjoint(daz, weights.Wz, dWz, inputs.x, row * D, dx, row * D, D);
    addAdjoint(dah, weights.Wh, dWh, inputs.x, row * D, dx, row * D, D);
  }
  return { loss, dWz, dWh, dbz, dbh, dx };
}

/** h = (Wf ∗ x + b) ∘ σ(Wg ∗ x + c), with tap j reading x[t-j]. Dauphin et al. 2017 */
export function convolutionTraining({ B, T, D, H }: Workload, { inputs, weights }: WorkloadArrays): Results {
  const taps = weights.Wf.length / (H * D);
  const tap = (array: Float32Array, j: number): Float32Array => array.subarray(j * H * D, (j + 1) * H * D);
  const values = new Float64Array(T * B * H);
  const gates = new Float64Array(T * B * H);
  const h = new Float64Array(T * B * H);
  for (let row = 0; row < T * B; row++) {
    const af = Float64Array.from(weights.b);
    const ag = Float64Array.from(weights.c);
    for (let j = 0; j < taps && row >= j * B; j++) {
      addProduct(af, tap(weights.Wf, j), inputs.x, (row - j * B) * D, D);
      addProduct(ag, tap(weights.Wg, j), inputs.x, (row - j * B) * D, D);
    }
    for (let k = 0; k < H; k++) {
      values[row * H + k] = af[k];
      gates[row * H + k] = sigmoid(ag[k]);
      h[row * H + k] = af[k] * gates[row * H + k];
    }
  }
  const dh = new Float64Array(T * B * H);
  const loss = Float64Array.of(meanSquaredError(h, inputs.target, dh, 0));
  const [dWf, dWg, db, dc] = [weights.Wf, weights.Wg, weights.b, weights.c].map(({ length }) => new Float64Array(length));
  const dx = new Float64Array(T * B * D);
  const daf = new Float64Array(H);
  const dag = new Float64Array(H);
  for (let row = 0; row < T * B; row++) {
    for (let k = 0; k < H; k++) {
      const g = gates[row * H + k];
      daf[k] = dh[row * H + k] * g;
      dag[k] = dh[row * H + k] * values[row * H + k] * g * (1 - g);
      db[k] += daf[k];
      dc[k] += dag[k];
    }
    for (let j = 0; j < taps && row >= j * B; j++) {
      const at = (row - j * B) * D;
      addAdjoint(daf, tap(weights.Wf, j), dWf.subarray(j * H * D, (j + 1) * H * D), inputs.x, at, dx, at, D);
      addAdjoint(dag, tap(weights.Wg, j), dWg.subarray(j * H * D, (j + 1) * H * D), inputs.x, at, dx, at, D);
    }
  }
  return { loss, dWf, dWg, db, dc, dx };
}

/** y = Wo·[heads: Σ_s softmax_s(q·k[s] / √K)·v[s]], s ≤ t, without biases. Vaswani et al. 2017 */
export function attentionTraining({ B, T, D, H }: Workload, { inputs, weights }: WorkloadArrays): Results {
  const K = H / HEADS;
  const [q, k, v, o, h] = Array.from({ length: 5 }, () => new Float64Array(T * B * H));
  const share = new Float64Array(B * HEADS * T * T); // [b, head, t, s]
  for (let row = 0; row < T * B; row++) {
    addProduct(q.subarray(row * H, (row + 1) * H), weights.Wq, inputs.x, row * D, D);
    addProduct(k.subarray(row * H, (row + 1) * H), weights.Wk, inputs.x, row * D, D);
    addProduct(v.subarray(row * H, (row + 1) * H), weights.Wv, inputs.x, row * D, D);
  }
  const at = (t: number, b: number, head: number): number => (t * B + b) * H + head * K;
  const dot = (x: Float64Array, i: number, y: Float64Array, j: number): number => {
    let sum = 0;
    for (let e = 0; e < K; e++) sum += x[i + e] * y[j + e];
    return sum;
  };
  const addScaled = (y: Float64Array, j: number, factor: number, x: Float64Array, i: number): void => {
    for (let e = 0; e < K; e++) y[j + e] += factor * x[i + e];
  };
  const everyQuery = (act: (t: number, b: number, head: number, shares: Float64Array) => void): void => {
    for (let b = 0; b < B; b++)
      for (let head = 0; head < HEADS; head++)
        for (let t = 0; t < T; t++) {
          const from = ((b * HEADS + head) * T + t) * T;
          act(t, b, head, share.subarray(from, from + t + 1));
        }
  };
  everyQuery((t, b, head, shares) => {
    for (let s = 0; s <= t; s++) shares[s] = dot(q, at(t, b, head), k, at(s, b, head)) / Math.sqrt(K);
    const greatest = shares.reduce((x, y) => Math.max(x, y));
    let total = 0;
    for (let s = 0; s <= t; s++) total += shares[s] = Math.exp(shares[s] - greatest);
    for (let s = 0; s <= t; s++) {
      shares[s] /= total;
      addScaled(o, at(t, b, head), shares[s], v, at(s, b, head));
    }
  });
  for (let row = 0; row < T * B; row++) addProduct(h.subarray(row * H, (row + 1) * H), weights.Wo, o as ArrayLike<number>, row * H, H);
  const [dq, dk, dv, dO, dh] = Array.from({ length: 5 }, () => new Float64Array(T * B * H));
  const loss = Float64Array.of(meanSquaredError(h, inputs.target, dh, 0));
  const [dWq, dWk, dWv, dWo] = Array.from({ length: 4 }, () => new Float64Array(H * D));
  const dx = new Float64Array(T * B * D);
  for (let row = 0; row < T * B; row++) addAdjoint(dh.subarray(row * H, (row + 1) * H), weights.Wo, dWo, o, row * H, dO, row * H, H);
  everyQuery((t, b, head, shares) => {
    const here = at(t, b, head);
    const towards = Float64Array.from(shares, (_, s) => dot(dO, here, v, at(s, b, head)));
    const mean = shares.reduce((sum, a, s) => sum + a * towards[s], 0);
    for (let s = 0; s <= t; s++) {
      const there = at(s, b, head);
      const dScore = (shares[s] * (towards[s] - mean)) / Math.sqrt(K);
      addScaled(dv, there, shares[s], dO, here);
      addScaled(dq, here, dScore, k, there);
      addScaled(dk, there, dScore, q, here);
    }
  });
  for (let row = 0; row < T * B; row++) {
    addAdjoint(dq.subarray(row * H, (row + 1) * H), weights.Wq, dWq, inputs.x, row * D, dx, row * D, D);
    addAdjoint(dk.subarray(row * H, (row + 1) * H), weights.Wk, dWk, inputs.x, row * D, dx, row * D, D);
    addAdjoint(dv.subarray(row * H, (row + 1) * H), weights.Wv, dWv, inputs.x, row * D, dx, row * D, D);
  }
  return { loss, dWq, dWk, dWv, dWo, dx };
}
