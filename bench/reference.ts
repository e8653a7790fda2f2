/**
 * What the workloads must compute: the plainest loops in float64, written from the papers' equations and nothing else.
 *
 * In: a workload and its arrays. Out: results by name: "h" of an inference; "loss" and "d<weight>", "dx" of a training step. Every peer, Sluice
 * included, is compared with this before it is timed.
 */
import { attentionTraining, convolutionTraining, minGruTraining } from "./reference-parallel.ts";
import { addAdjoint, addProduct, meanSquaredError, sigmoid } from "./reference-parts.ts";
import type { Workload, WorkloadArrays } from "./workloads.ts";

export type Results = Readonly<Record<string, Float32Array | Float64Array>>;

/** Results of a workload. @throws Error for a workload without a reference */
export function reference(workload: Workload, arrays: WorkloadArrays): Results {
  switch (workload.kind) {
    case "lstm inference":
    case "lstm streaming":
      return { h: lstm(workload, arrays).h };
    case "lstm training":
    case "adding":
      return lstmTraining(workload, arrays);
    case "gru training":
      return gruTraining(workload, arrays);
    case "mingru training":
      return minGruTraining(workload, arrays);
    case "convolution":
      return convolutionTraining(workload, arrays);
    case "attention":
      return attentionTraining(workload, arrays);
    default:
      throw new Error(`no reference for ${workload.kind}`);
  }
}

function lstm({ B, T, D, H }: Workload, { inputs, weights }: WorkloadArrays): { h: Float64Array; c: Float64Array; gates: Float64Array } {
  const h = new Float64Array(T * B * H);
  const c = new Float64Array(T * B * H);
  const gates = new Float64Array(T * B * 4 * H);
  const zero = new Float64Array(H);
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      const row = t * B + b;
      const a = Float64Array.from(weights.b);
      addProduct(a, weights.Wx, inputs.x, row * D, D);
      addProduct(a, weights.Wh, t === 0 ? zero : h, t === 0 ? 0 : (row - B) * H, H);
      for (let k = 0; k < H; k++) {
        const [i, f, g, o] = [sigmoid(a[k]), sigmoid(a[H + k]), Math.tanh(a[2 * H + k]), sigmoid(a[3 * H + k])];
        const before = t === 0 ? 0 : c[(row - B) * H + k];
        c[row * H + k] = f * before + i * g;
        h[row * H + k] = o * Math.tanh(c[row * H + k]);
        for (const [gate, value] of [i, f, g, o].entries()) gates[row * 4 * H + gate * H + k] = value;
      }
    }
  }
  return { h, c, gates };
}

function lstmTraining(workload: Workload, arrays: WorkloadArrays): Results {
  const { B, T, D, H, kind } = workload;
  const { inputs, weights } = arrays;
  const { h, c, gates } = lstm(workload, arrays);
  const dh = new Float64Array((T + 1) * B * H); // one more row in front, for the state before the first step
  const dc = new Float64Array((T + 1) * B * H);
  const results: Record<string, Float64Array> = {};
  if (kind === "adding") {
    const dWy = new Float64Array(H);
    const dby = new Float64Array(1);
    let loss = 0;
    for (let b = 0; b < B; b++) {
      let y = weights.by[0];
      for (let k = 0; k < H; k++) y += weights.Wy[k] * h[((T - 1) * B + b) * H + k];
      const error = y - inputs.target[b];
      loss += error ** 2 / B;
      dby[0] += (2 * error) / B;
      for (let k = 0; k < H; k++) {
        dWy[k] += ((2 * error) / B) * h[((T - 1) * B + b) * H + k];
        dh[(T * B + b) * H + k] += ((2 * error) / B) * weights.Wy[k];
      }
    }
    Object.assign(results, { loss: Float64Array.of(loss), dWy, dby });
  } else {
    results.loss = Float64Array.of(meanSquaredError(h, inputs.target, dh, B * H));
  }
  const dWx = new Float64Array(4 * H * D);
  const dWh = new Float64Array(4 * H * H);
  const db = new Float64Array(4 * H);
  const dx = new Float64Array(T * B * D);
  const zero = new Float64Array(H);
  const da = new Float64Array(4 * H);
  for (let t = T - 1; t >= 0; t--) {
    for (let b = 0; b < B; b++) {
      const row = t * B + b;
      for (let k = 0; k < H; k++) {
        const [i, f, g, o] = [0, 1, 2, 3].map((gate) => gates[row * 4 * H + gate * H + k]);
        const tanhC = Math.tanh(c[row * H + k]);
        const dhk = dh[(row + B) * H + k];
        const dck = dc[(row + B) * H + k] + dhk * o * (1 - tanhC ** 2);
        const before = t === 0 ? 0 : c[(row - B) * H + k];
        da[k] = dck * g * i * (1 - i);
        da[H + k] = dck * before * f * (1 - f);
        da[2 * H + k] = dck * i * (1 - g ** 2);
        da[3 * H + k] = dhk * tanhC * o * (1 - o);
        dc[row * H + k] = dck * f;
      }
      for (let r = 0; r < 4 * H; r++) db[r] += da[r];
      addAdjoint(da, weights.Wx, dWx, inputs.x, row * D, dx, row * D, D);
      addAdjoint(da, weights.Wh, dWh, t === 0 ? zero : h, t === 0 ? 0 : (row - B) * H, dh, row * H, H);
    }
  }
  return { ...results, dWx, dWh, db, dx };
}

function gruTraining({ B, T, D, H }: Workload, { inputs, weights }: WorkloadArrays): Results {
  const h = new Float64Array((T + 1) * B * H); // row 0 is the state before the first step
  const saved = new Float64Array(T * B * 4 * H); // r, z, n, U·h + b of the candidate
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      const row = t * B + b;
      const ax = Float64Array.from(weights.bx);
      const ah = Float64Array.from(weights.bh);
      addProduct(ax, weights.Wx, inputs.x, row * D, D);
      addProduct(ah, weights.Wh, h, row * H, H);
      for (let k = 0; k < H; k++) {
        const r = sigmoid(ax[k] + ah[k]);
        const z = sigmoid(ax[H + k] + ah[H + k]);
        const n = Math.tanh(ax[2 * H + k] + r * ah[2 * H + k]);
        h[(row + B) * H + k] = (1 - z) * n + z * h[row * H + k];
        for (const [place, value] of [r, z, n, ah[2 * H + k]].entries()) saved[row * 4 * H + place * H + k] = value;
      }
    }
  }
  const dh = new Float64Array((T + 1) * B * H);
  const loss = Float64Array.of(meanSquaredError(h.subarray(B * H), inputs.target, dh, B * H));
  const dWx = new Float64Array(3 * H * D);
  const dWh = new Float64Array(3 * H * H);
  const dbx = new Float64Array(3 * H);
  const dbh = new Float64Array(3 * H);
  const dx = new Float64Array(T * B * D);
  const dax = new Float64Array(3 * H);
  const dah = new Float64Array(3 * H);
  for (let t = T - 1; t >= 0; t--) {
    for (let b = 0; b < B; b++) {
      const row = t * B + b;
      for (let k = 0; k < H; k++) {
        const [r, z, n, u] = [0, 1, 2, 3].map((place) => saved[row * 4 * H + place * H + k]);
        const d = dh[(row + B) * H + k];
        const dn = d * (1 - z) * (1 - n ** 2);
        const dz = d * (h[row * H + k] - n) * z * (1 - z);
        const dr = dn * u * r * (1 - r);
        [dax[k], dax[H + k], dax[2 * H + k]] = [dr, dz, dn];
        [dah[k], dah[H + k], dah[2 * H + k]] = [dr, dz, dn * r];
        dh[row * H + k] += d * z;
      }
      for (let i = 0; i < 3 * H; i++) {
        dbx[i] += dax[i];
        dbh[i] += dah[i];
      }
      addAdjoint(dax, weights.Wx, dWx, inputs.x, row * D, dx, row * D, D);
      addAdjoint(dah, weights.Wh, dWh, h, row * H, dh, row * H, H);
    }
  }
  return { loss, dWx, dWh, dbx, dbh, dx };
}
