/**
 * The workloads that are parallel in time, for TensorFlow.js: minGRU by a scan that doubles its reach each round, gated convolution as one product over the
 * taps side by side, attention as batched products. Gradients are written out, with explicit transposes.
 */
import * as tf from "@tensorflow/tfjs-core";
import { HEADS } from "../workloads.ts";

/** Weights, differentiation and results of a workload; undefined for the recurrent ones. */
export function parallelModel(workload, arrays) {
  switch (workload.kind) {
    case "mingru training":
      return minGru(workload, arrays);
    case "convolution":
      return convolution(workload, arrays);
    case "attention":
      return attention(workload, arrays);
    default:
      return undefined;
  }
}

const values = (tensor) => Float32Array.from(tensor.dataSync());
/** [rows, columns] as [columns, rows]. */
const turned = (array, rows, columns) => tf.tidy(() => tf.transpose(tf.tensor2d(array, [rows, columns])));
const turnedBack = (tensor) => values(tf.transpose(tensor));

function meanSquared(h, target) {
  const error = tf.sub(h, target);
  return { loss: tf.mean(tf.square(error)), dh: tf.mul(error, 2 / error.size) };
}

/** Rows moved to later time steps (count > 0) or earlier ones, with zeros where none come from. */
function shifted(x, count) {
  const [rows, columns] = x.shape;
  const zeros = tf.zeros([Math.abs(count), columns]);
  return count > 0 ? tf.concat([zeros, tf.slice(x, [0, 0], [rows - count, columns])], 0) : tf.concat([tf.slice(x, [-count, 0], [rows + count, columns]), zeros], 0);
}

/** h_t = a_t·h_{t-1} + v_t for all t at once (from the last t if `sign` is −1). Hillis & Steele 1986 */
function scan(a, v, B, T, sign) {
  let [reach, sum] = [a, v];
  for (let d = 1; d < T; d *= 2) {
    sum = tf.add(sum, tf.mul(reach, shifted(sum, sign * d * B)));
    if (2 * d < T) reach = tf.mul(reach, shifted(reach, sign * d * B));
  }
  return sum;
}

function minGru({ B, T, D, H }, { inputs, weights }) {
  const w = { W: tf.concat([turned(weights.Wz, H, D), turned(weights.Wh, H, D)], 1), b: tf.concat([tf.tensor1d(weights.bz), tf.tensor1d(weights.bh)]) };
  const x = tf.tensor2d(inputs.x, [T * B, D]);
  const target = tf.tensor2d(inputs.target, [T * B, H]);
  const one = tf.scalar(1);
  const differentiate = () => {
    const [az, candidate] = tf.split(tf.add(tf.matMul(x, w.W), w.b), 2, 1);
    const z = tf.sigmoid(az);
    const keep = tf.sub(one, z);
    const h = scan(keep, tf.mul(z, candidate), B, T, 1);
    const { loss, dh: own } = meanSquared(h, target);
    const dh = scan(shifted(keep, -B), own, B, T, -1);
    const dz = tf.mul(dh, tf.sub(candidate, shifted(h, B)));
    const dA = tf.concat([tf.mul(dz, tf.mul(z, keep)), tf.mul(dh, z)], 1);
    return { loss, gradients: { W: tf.matMul(tf.transpose(x), dA), b: tf.sum(dA, 0) }, dx: tf.matMul(dA, tf.transpose(w.W)) };
  };
  const results = ({ W, b }) => {
    const [dWz, dWh] = tf.split(W, 2, 1).map(turnedBack);
    const [dbz, dbh] = tf.split(b, 2).map(values);
    return { dWz, dWh, dbz, dbh };
  };
  return { w, differentiate, results };
}

function convolution({ B, T, D, H }, { inputs, weights }) {
  const taps = weights.Wf.length / (H * D);
  const stacked = (array) => tf.concat(Array.from({ length: taps }, (_, j) => turned(array.subarray(j * H * D, (j + 1) * H * D), H, D)), 0);
  const w = { W: tf.concat([stacked(weights.Wf), stacked(weights.Wg)], 1), b: tf.concat([tf.tensor1d(weights.b), tf.tensor1d(weights.c)]) };
  const x = tf.tensor2d(inputs.x, [T * B, D]);
  const target = tf.tensor2d(inputs.target, [T * B, H]);
  const one = tf.scalar(1);
  const differentiate = () => {
    const rows = tf.concat(Array.from({ length: taps }, (_, j) => (j === 0 ? x : shifted(x, j * B))), 1);
    const [value, a] = tf.split(tf.add(tf.matMul(rows, w.W), w.b), 2, 1);
    const gate = tf.sigmoid(a);
    const { loss, dh } = meanSquared(tf.mul(value, gate), target);
    const dA = tf.concat([tf.mul(dh, gate), tf.mul(tf.mul(dh, value), tf.mul(gate, tf.sub(one, gate)))], 1);
    const parts = tf.split(tf.matMul(dA, tf.transpose(w.W)), taps, 1);
    const dx = parts.reduce((sum, part, j) => tf.add(sum, shifted(part, -j * B)));
    return { loss, gradients: { W: tf.matMul(tf.transpose(rows), dA), b: tf.sum(dA, 0) }, dx };
  };
  const results = ({ W, b }) => {
    const [dWf, dWg] = tf.split(W, 2, 1).map((half) => values(tf.concat(tf.split(half, taps, 0).map((tap) => tf.transpose(tap)), 0)));
    const [db, dc] = tf.split(b, 2).map(values);
    return { dWf, dWg, db, dc };
  };
  return { w, differentiate, results };
}

function attention({ B, T, D, H }, { inputs, weights }) {
  const K = H / HEADS;
  const w = { W: tf.concat(["Wq", "Wk", "Wv"].map((name) => turned(weights[name], H, D)), 1), Wo: turned(weights.Wo, H, H) };
  const x = tf.tensor2d(inputs.x, [T * B, D]);
  const target = tf.tensor2d(inputs.target, [T * B, H]);
  const scale = 1 / Math.sqrt(K);
  const mask = tf.tensor2d(
    Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0)),
    [T, T],
  );
  /** [T·B, H] as [B·heads, T, K]. */
  const byHead = (part) => tf.reshape(tf.transpose(tf.reshape(part, [T, B, HEADS, K]), [1, 2, 0, 3]), [B * HEADS, T, K]);
  const byRow = (part) => tf.reshape(tf.transpose(tf.reshape(part, [B, HEADS, T, K]), [2, 0, 1, 3]), [T * B, H]);
  const turn = (part) => tf.transpose(part, [0, 2, 1]);
  const differentiate = () => {
    const [q, k, v] = tf.split(tf.matMul(x, w.W), 3, 1).map(byHead);
    const a = tf.softmax(tf.add(tf.mul(tf.matMul(q, turn(k)), scale), mask));
    const o = byRow(tf.matMul(a, v));
    const { loss, dh } = meanSquared(tf.matMul(o, w.Wo), target);
    const dO = byHead(tf.matMul(dh, tf.transpose(w.Wo)));
    const dAll = tf.matMul(dO, turn(v));
    const dScores = tf.mul(tf.mul(a, tf.sub(dAll, tf.sum(tf.mul(a, dAll), 2, true))), scale);
    const dqkv = tf.concat([tf.matMul(dScores, k), tf.matMul(turn(dScores), q), tf.matMul(turn(a), dO)].map(byRow), 1);
    return { loss, gradients: { W: tf.matMul(tf.transpose(x), dqkv), Wo: tf.matMul(tf.transpose(o), dh) }, dx: tf.matMul(dqkv, tf.transpose(w.W)) };
  };
  const results = ({ W, Wo }) => {
    const [dWq, dWk, dWv] = tf.split(W, 3, 1).map(turnedBack);
    return { dWq, dWk, dWv, dWo: turnedBack(Wo) };
  };
  return { w, differentiate, results };
}
