/**
 * TensorFlow.js (wasm backend, SIMD, one thread). Trainers are hand-written back-propagation through time: one product for the inputs of all steps, one
 * per step, weight gradients as one product each. Its own gradients of a product run through a slow path for transposed operands and time out of every
 * comparison; here every transpose is done explicitly, once.
 */
import * as tf from "@tensorflow/tfjs-core";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { ADAM } from "../workloads.ts";
import { parallelModel } from "./tfjs-parallel.mjs";

export const label = "TensorFlow.js wasm";

/** Makes a workload ready; undefined if this peer cannot do it. */
export async function prepare(workload, arrays) {
  setWasmPaths(`${dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json"))}/dist/`);
  setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();
  if (tf.getBackend() !== "wasm") throw new Error(`the backend is ${tf.getBackend()}`);
  if (workload.kind === "lstm inference" || workload.kind === "lstm streaming") return inference(workload, arrays);
  const parallel = parallelModel(workload, arrays);
  return parallel ? trainer(parallel.w, parallel.differentiate, parallel.results) : training(workload, arrays);
}

/** [rows, columns] transposed once, as matMul wants it. */
const transposed = (values, rows, columns) => tf.tidy(() => tf.transpose(tf.tensor2d(values, [rows, columns])));

function inference({ kind, T, B, D, H }, { inputs, weights }) {
  const Wx = transposed(weights.Wx, 4 * H, D);
  const Wh = transposed(weights.Wh, 4 * H, H);
  const b = tf.tensor1d(weights.b);
  const cell = (a, c) => {
    const [i, f, g, o] = tf.split(a, 4, 1);
    const next = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    return [tf.mul(tf.sigmoid(o), tf.tanh(next)), next];
  };
  if (kind === "lstm streaming") {
    let h = tf.zeros([B, H]);
    let c = tf.zeros([B, H]);
    const run = () => {
      const [hNext, cNext] = tf.tidy(() => cell(tf.add(tf.add(tf.matMul(tf.tensor2d(inputs.x, [B, D]), Wx), b), tf.matMul(h, Wh)), c));
      tf.dispose([h, c]);
      h = hNext;
      c = cNext;
      return h.dataSync();
    };
    return { check: async () => ({ h: Float32Array.from(run()) }), step: run };
  }
  const run = () => {
    const all = tf.tidy(() => {
      const ax = tf.unstack(tf.reshape(tf.add(tf.matMul(tf.tensor2d(inputs.x, [T * B, D]), Wx), b), [T, B, 4 * H]));
      let [h, c] = cell(ax[0], tf.zeros([B, H]));
      const hs = [h];
      for (let t = 1; t < T; t++) {
        [h, c] = cell(tf.add(ax[t], tf.matMul(h, Wh)), c);
        hs.push(h);
      }
      return tf.stack(hs);
    });
    const values = all.dataSync();
    all.dispose();
    return values;
  };
  return { check: async () => ({ h: Float32Array.from(run()) }), step: run };
}

/** Forward and backward of the LSTM over the whole sequence; `outer` gives the loss and dh of each step. */
function lstmGradients({ T, B, H }, x, w, outer) {
  const one = tf.scalar(1);
  const ax = tf.unstack(tf.reshape(tf.add(tf.matMul(x, w.Wx), w.b), [T, B, 4 * H]));
  const saved = [];
  let h = tf.zeros([B, H]);
  let c = tf.zeros([B, H]);
  const hs = [];
  for (let t = 0; t < T; t++) {
    const [ai, af, ag, ao] = tf.split(tf.add(ax[t], tf.matMul(h, w.Wh)), 4, 1);
    const i = tf.sigmoid(ai);
    const f = tf.sigmoid(af);
    const g = tf.tanh(ag);
    const o = tf.sigmoid(ao);
    const next = tf.add(tf.mul(f, c), tf.mul(i, g));
    const tanhC = tf.tanh(next);
    saved.push({ i, f, g, o, tanhC, before: c, hBefore: h });
    c = next;
    h = tf.mul(o, tanhC);
    hs.push(h);
  }
  const { loss, dhs, more } = outer(hs);
  const WhT = tf.transpose(w.Wh);
  let dh = tf.zeros([B, H]);
  let dc = tf.zeros([B, H]);
  const das = [];
  for (let t = T - 1; t >= 0; t--) {
    const { i, f, g, o, tanhC, before } = saved[t];
    const dhAll = dhs[t] === undefined ? dh : tf.add(dh, dhs[t]);
    const dcAll = tf.add(dc, tf.mul(tf.mul(dhAll, o), tf.sub(one, tf.square(tanhC))));
    const da = tf.concat(
      [
        tf.mul(tf.mul(dcAll, g), tf.mul(i, tf.sub(one, i))),
        tf.mul(tf.mul(dcAll, before), tf.mul(f, tf.sub(one, f))),
        tf.mul(tf.mul(dcAll, i), tf.sub(one, tf.square(g))),
        tf.mul(tf.mul(dhAll, tanhC), tf.mul(o, tf.sub(one, o))),
      ],
      1,
    );
    das[t] = da;
    dc = tf.mul(dcAll, f);
    if (t > 0) dh = tf.matMul(da, WhT);
  }
  const dA = tf.concat(das, 0);
  const hBefore = tf.concat(saved.map((step) => step.hBefore), 0);
  return {
    loss,
    gradients: { Wx: tf.matMul(tf.transpose(x), dA), Wh: tf.matMul(tf.transpose(hBefore), dA), b: tf.sum(dA, 0), ...more },
    dx: tf.matMul(dA, tf.transpose(w.Wx)),
  };
}

function gruGradients({ T, B, H }, x, w, outer) {
  const one = tf.scalar(1);
  const ax = tf.unstack(tf.reshape(tf.add(tf.matMul(x, w.Wx), w.bx), [T, B, 3 * H]));
  const saved = [];
  let h = tf.zeros([B, H]);
  const hs = [];
  for (let t = 0; t < T; t++) {
    const [xr, xz, xn] = tf.split(ax[t], 3, 1);
    const [hr, hz, hn] = tf.split(tf.add(tf.matMul(h, w.Wh), w.bh), 3, 1);
    const r = tf.sigmoid(tf.add(xr, hr));
    const z = tf.sigmoid(tf.add(xz, hz));
    const n = tf.tanh(tf.add(xn, tf.mul(r, hn)));
    saved.push({ r, z, n, hn, hBefore: h });
    h = tf.add(n, tf.mul(z, tf.sub(h, n)));
    hs.push(h);
  }
  const { loss, dhs } = outer(hs);
  const WhT = tf.transpose(w.Wh);
  let dh = tf.zeros([B, H]);
  const daxs = [];
  const dahs = [];
  for (let t = T - 1; t >= 0; t--) {
    const { r, z, n, hn, hBefore } = saved[t];
    const d = tf.add(dh, dhs[t]);
    const dn = tf.mul(tf.mul(d, tf.sub(one, z)), tf.sub(one, tf.square(n)));
    const dz = tf.mul(tf.mul(d, tf.sub(hBefore, n)), tf.mul(z, tf.sub(one, z)));
    const dr = tf.mul(tf.mul(dn, hn), tf.mul(r, tf.sub(one, r)));
    daxs[t] = tf.concat([dr, dz, dn], 1);
    dahs[t] = tf.concat([dr, dz, tf.mul(dn, r)], 1);
    if (t > 0) dh = tf.add(tf.mul(d, z), tf.matMul(dahs[t], WhT));
  }
  const dAx = tf.concat(daxs, 0);
  const dAh = tf.concat(dahs, 0);
  const hBefore = tf.concat(saved.map((step) => step.hBefore), 0);
  return {
    loss,
    gradients: { Wx: tf.matMul(tf.transpose(x), dAx), Wh: tf.matMul(tf.transpose(hBefore), dAh), bx: tf.sum(dAx, 0), bh: tf.sum(dAh, 0) },
    dx: tf.matMul(dAx, tf.transpose(w.Wx)),
  };
}

function training(workload, { inputs, weights }) {
  const { kind, T, B, D, H } = workload;
  const gates = kind === "gru training" ? 3 : 4;
  const w = {};
  for (const [name, values] of Object.entries(weights)) {
    if (name === "Wx") w[name] = transposed(values, gates * H, D);
    else if (name === "Wh") w[name] = transposed(values, gates * H, H);
    else if (name === "Wy") w[name] = tf.tensor2d(values, [H, 1]);
    else w[name] = tf.tensor1d(values);
  }
  const x = tf.tensor2d(inputs.x, [T * B, D]);
  const target = kind === "adding" ? tf.tensor2d(inputs.target, [B, 1]) : tf.tensor2d(inputs.target, [T * B, H]);
  const meanSquared = (hs) => {
    const error = tf.sub(tf.concat(hs, 0), target);
    const dhs = tf.unstack(tf.reshape(tf.mul(error, 2 / (T * B * H)), [T, B, H]));
    return { loss: tf.mean(tf.square(error)), dhs, more: {} };
  };
  const readOut = (hs) => {
    const last = hs[T - 1];
    const error = tf.sub(tf.add(tf.matMul(last, w.Wy), w.by), target);
    const dy = tf.mul(error, 2 / B);
    const dhs = [];
    dhs[T - 1] = tf.matMul(dy, tf.transpose(w.Wy));
    return { loss: tf.mean(tf.square(error)), dhs, more: { Wy: tf.matMul(tf.transpose(last), dy), by: tf.sum(dy, 0) } };
  };
  const differentiate = () =>
    (kind === "gru training" ? gruGradients : lstmGradients)(workload, x, w, kind === "adding" ? readOut : meanSquared);
  const readGradient = (name, gradient) => read(name === "Wx" || name === "Wh" ? tf.transpose(gradient) : gradient);
  return trainer(w, differentiate, (gradients) => Object.fromEntries(Object.entries(gradients).map(([name, value]) => [`d${name}`, readGradient(name, value)])));
}

const read = (tensor) => Float32Array.from(tensor.dataSync());

/** Adam over `w` with what `differentiate` gives, and the results for the reference. */
function trainer(w, differentiate, results) {
  const m = Object.fromEntries(Object.entries(w).map(([name, value]) => [name, tf.zerosLike(value)]));
  const v = Object.fromEntries(Object.entries(w).map(([name, value]) => [name, tf.zerosLike(value)]));
  let count = 0;
  const step = () => {
    count++;
    const rate = (ADAM.learningRate * Math.sqrt(1 - ADAM.beta2 ** count)) / (1 - ADAM.beta1 ** count);
    const { loss, next } = tf.tidy(() => {
      const { loss, gradients } = differentiate();
      const next = Object.entries(gradients).map(([name, gradient]) => {
        const mNext = tf.add(tf.mul(m[name], ADAM.beta1), tf.mul(gradient, 1 - ADAM.beta1));
        const vNext = tf.add(tf.mul(v[name], ADAM.beta2), tf.mul(tf.square(gradient), 1 - ADAM.beta2));
        return [name, tf.sub(w[name], tf.mul(tf.div(mNext, tf.add(tf.sqrt(vNext), ADAM.epsilon)), rate)), mNext, vNext];
      });
      return { loss, next };
    });
    for (const [name, wNext, mNext, vNext] of next) {
      tf.dispose([w[name], m[name], v[name]]);
      [w[name], m[name], v[name]] = [wNext, mNext, vNext];
    }
    const value = loss.dataSync()[0];
    loss.dispose();
    return value;
  };
  const check = async () =>
    tf.tidy(() => {
      const { loss, gradients, dx } = differentiate();
      return { loss: read(loss), dx: read(dx), ...results(gradients) };
    });
  return { check, step };
}
