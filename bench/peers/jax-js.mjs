/**
 * jax-js (wasm backend). It has no scan, so a jitted function holds the whole unrolled sequence. Trainers are hand-written back-propagation through
 * time with the products over all steps outside the loop. Arrays are counted by hand: `ref` keeps one alive that is used again.
 */
import { init, jit, nn, numpy as np } from "@jax-js/jax";
import { ADAM } from "../workloads.ts";
import { parallelWorkload } from "./jax-js-parallel.mjs";

export const label = "jax-js wasm";

/** Makes a workload ready; undefined if this peer cannot do it. */
export async function prepare(workload, arrays) {
  await init("wasm");
  if (workload.kind === "lstm inference" || workload.kind === "lstm streaming") return inference(workload, arrays);
  const parallel = parallelWorkload(workload, arrays);
  return parallel ? trainer(parallel) : training(workload, arrays);
}

const matrix = (values, rows, columns) => np.array(values).reshape([rows, columns]);
const transposedCopy = (values, rows, columns) => {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c];
  return matrix(result, columns, rows);
};

const inputProduct = jit((x, Wx, b) => np.matmul(x, Wx).add(b));
const lstmCell = jit((ax, h, c, Wh) => {
  const [ai, af, ag, ao] = np.split(ax.add(np.matmul(h, Wh)), 4, 1);
  const i = nn.sigmoid(ai);
  const f = nn.sigmoid(af);
  const g = np.tanh(ag);
  const o = nn.sigmoid(ao);
  const next = f.ref.mul(c).add(i.ref.mul(g.ref));
  const tanhC = np.tanh(next.ref);
  return [o.ref.mul(tanhC.ref), next, i, f, g, o, tanhC];
});
const streamingCell = jit((x, h, c, Wx, Wh, b) => {
  const [ai, af, ag, ao] = np.split(np.matmul(x, Wx).add(b).add(np.matmul(h, Wh)), 4, 1);
  const next = nn.sigmoid(af).mul(c).add(nn.sigmoid(ai).mul(np.tanh(ag)));
  return [nn.sigmoid(ao).mul(np.tanh(next.ref)), next];
});
const lstmBack = jit((dh, dc, i, f, g, o, tanhC, before, WhT) => {
  const dcAll = dc.add(dh.ref.mul(o.ref).mul(np.subtract(1, np.square(tanhC.ref))));
  const da = np.concatenate(
    [
      dcAll.ref.mul(g.ref).mul(i.ref).mul(np.subtract(1, i.ref)),
      dcAll.ref.mul(before).mul(f.ref).mul(np.subtract(1, f.ref)),
      dcAll.ref.mul(i).mul(np.subtract(1, np.square(g))),
      dh.mul(tanhC).mul(o.ref).mul(np.subtract(1, o)),
    ],
    1,
  );
  return [np.matmul(da.ref, WhT), dcAll.mul(f), da];
});
const gruCell = jit((ax, h, Wh, bh) => {
  const [xr, xz, xn] = np.split(ax, 3, 1);
  const [hr, hz, hn] = np.split(np.matmul(h.ref, Wh).add(bh), 3, 1);
  const r = nn.sigmoid(xr.add(hr));
  const z = nn.sigmoid(xz.add(hz));
  const n = np.tanh(xn.add(r.ref.mul(hn.ref)));
  return [n.ref.add(z.ref.mul(h.sub(n.ref))), r, z, n, hn];
});
const gruBack = jit((d, r, z, n, hn, before, WhT) => {
  const dn = d.ref.mul(np.subtract(1, z.ref)).mul(np.subtract(1, np.square(n.ref)));
  const dz = d.ref.mul(before.sub(n)).mul(z.ref).mul(np.subtract(1, z.ref));
  const dr = dn.ref.mul(hn).mul(r.ref).mul(np.subtract(1, r.ref));
  const dah = np.concatenate([dr.ref, dz.ref, dn.ref.mul(r)], 1);
  return [d.mul(z).add(np.matmul(dah.ref, WhT)), np.concatenate([dr, dz, dn], 1), dah];
});
const add = jit((a, b) => a.add(b));
const weightGradient = jit((x, dA) => np.matmul(x.transpose(), dA));
const inputGradient = jit((dA, WxT) => np.matmul(dA, WxT));
const columnSums = jit((dA) => dA.sum(0));
const transpose = jit((W) => W.transpose().mul(1));
const joined = (parts) => np.concatenate(parts, 0);
const meanSquared = jit((h, target) => {
  const error = h.sub(target);
  return [np.mean(np.square(error.ref)), error.mul(2 / error.size)];
});
const readOut = jit((h, Wy, by, target) => {
  const error = np.matmul(h.ref, Wy.ref).add(by).sub(target);
  const dy = error.ref.mul(2 / error.size);
  return [np.mean(np.square(error)), np.matmul(dy.ref, Wy.transpose()), np.matmul(h.transpose(), dy.ref), dy.sum(0)];
});
const adam = jit((w, m, v, gradient, rate) => {
  const mNext = m.mul(ADAM.beta1).add(gradient.ref.mul(1 - ADAM.beta1));
  const vNext = v.mul(ADAM.beta2).add(np.square(gradient).mul(1 - ADAM.beta2));
  return [w.sub(mNext.ref.div(np.sqrt(vNext.ref).add(ADAM.epsilon)).mul(rate)), mNext, vNext];
});

function inference({ kind, T, B, D, H }, { inputs, weights }) {
  const Wx = transposedCopy(weights.Wx, 4 * H, D);
  const Wh = transposedCopy(weights.Wh, 4 * H, H);
  const b = np.array(weights.b);
  let h = np.zeros([B, H]);
  let c = np.zeros([B, H]);
  const one = () => {
    [h, c] = streamingCell(matrix(inputs.x, B, D), h, c, Wx.ref, Wh.ref, b.ref);
    return h.ref.dataSync();
  };
  const sequence = jit((x, Wx, Wh, b) => {
    const ax = inputProduct(x, Wx, b);
    let state = np.zeros([B, H]);
    let cell = np.zeros([B, H]);
    const hs = [];
    for (let t = 0; t < T; t++) {
      const [hNext, cNext, ...rest] = lstmCell(ax.ref.slice([t * B, (t + 1) * B]), state, cell, Wh.ref);
      for (const value of rest) value.dispose();
      hs.push(hNext.ref);
      [state, cell] = [hNext, cNext];
    }
    for (const value of [ax, state, cell, Wh]) value.dispose();
    return joined(hs);
  });
  const run = kind === "lstm streaming" ? one : () => sequence(matrix(inputs.x, T * B, D), Wx.ref, Wh.ref, b.ref).dataSync();
  return { check: async () => ({ h: Float32Array.from(run()) }), step: run };
}

function training(workload, { inputs, weights }) {
  const { kind, T, B, D, H } = workload;
  const gru = kind === "gru training";
  const gates = gru ? 3 : 4;
  const w = {};
  for (const [name, values] of Object.entries(weights)) {
    if (name === "Wx") w[name] = transposedCopy(values, gates * H, D);
    else if (name === "Wh") w[name] = transposedCopy(values, gates * H, H);
    else if (name === "Wy") w[name] = matrix(values, H, 1);
    else w[name] = np.array(values);
  }
  const x = matrix(inputs.x, T * B, D);
  const target = kind === "adding" ? matrix(inputs.target, B, 1) : matrix(inputs.target, T * B, H);
  const rows = (array, t) => array.ref.slice([t * B, (t + 1) * B]);
  // Every argument is used through `ref` and let go at the end.
  const differentiate = ({ w, x, target }) => {
    const ax = inputProduct(x.ref, w.Wx.ref, gru ? w.bx.ref : w.b.ref);
    const saved = [];
    let h = np.zeros([B, H]);
    let c = gru ? undefined : np.zeros([B, H]);
    const hs = [];
    for (let t = 0; t < T; t++) {
      const before = h.ref;
      if (gru) {
        const [next, r, z, n, hn] = gruCell(rows(ax, t), h, w.Wh.ref, w.bh.ref);
        saved.push({ before, values: [r, z, n, hn] });
        h = next;
      } else {
        const cBefore = c.ref;
        const [next, cNext, i, f, g, o, tanhC] = lstmCell(rows(ax, t), h, c, w.Wh.ref);
        saved.push({ before, values: [i, f, g, o, tanhC, cBefore] });
        [h, c] = [next, cNext];
      }
      hs.push(h.ref);
    }
    ax.dispose();
    c?.dispose();
    let loss;
    let dhAll;
    let dh;
    const more = {};
    if (kind === "adding") {
      for (const each of hs) each.dispose();
      [loss, dh, more.Wy, more.by] = readOut(h, w.Wy.ref, w.by.ref, target.ref);
    } else {
      h.dispose();
      [loss, dhAll] = meanSquared(joined(hs), target.ref);
      dh = rows(dhAll, T - 1);
    }
    const WhT = transpose(w.Wh.ref);
    let dc = gru ? undefined : np.zeros([B, H]);
    const das = [];
    const dahs = [];
    const befores = [];
    for (let t = T - 1; t >= 0; t--) {
      const { before, values } = saved[t];
      befores[t] = before.ref;
      let below;
      if (gru) [below, das[t], dahs[t]] = gruBack(dh, ...values, before, WhT.ref);
      else {
        before.dispose();
        [below, dc, das[t]] = lstmBack(dh, dc, ...values, WhT.ref);
      }
      if (t === 0) below.dispose();
      else dh = dhAll === undefined ? below : add(below, rows(dhAll, t - 1));
    }
    for (const value of [WhT, dc, dhAll]) value?.dispose();
    const dA = joined(das);
    const dAh = gru ? joined(dahs) : dA.ref;
    const gradients = { Wx: weightGradient(x.ref, dA.ref), Wh: weightGradient(joined(befores), dAh.ref), ...more };
    if (gru) Object.assign(gradients, { bx: columnSums(dA.ref), bh: columnSums(dAh.ref) });
    else gradients.b = columnSums(dA.ref);
    dAh.dispose();
    const dx = inputGradient(dA, transpose(w.Wx.ref));
    for (const value of [x, target, ...Object.values(w)]) value.dispose();
    return { loss, gradients, dx };
  };
  const results = (gradients) =>
    Object.fromEntries(
      Object.entries(gradients).map(([name, gradient]) => {
        const values = name === "Wx" || name === "Wh" ? transpose(gradient) : gradient;
        return [`d${name}`, Float32Array.from(values.dataSync())];
      }),
    );
  return trainer({ w, x, target, differentiate, results });
}

/** Adam over `w` with what `differentiate` gives, and the results for the reference. */
function trainer({ w, x, target, differentiate, results }) {
  const zeros = () => Object.fromEntries(Object.entries(w).map(([name, value]) => [name, np.zeros(value.shape)]));
  let trained = { w, m: zeros(), v: zeros() };
  const refs = (arrays) => Object.fromEntries(Object.entries(arrays).map(([name, value]) => [name, value.ref]));
  const update = jit(({ w, m, v, x, target, rate }) => {
    const { loss, gradients, dx } = differentiate({ w: refs(w), x, target });
    const next = { w: {}, m: {}, v: {} };
    for (const [name, gradient] of Object.entries(gradients)) {
      [next.w[name], next.m[name], next.v[name]] = adam(w[name], m[name], v[name], gradient, rate.ref);
    }
    rate.dispose();
    return { loss, dx, next };
  });
  let count = 0;
  const step = () => {
    count++;
    const rate = (ADAM.learningRate * Math.sqrt(1 - ADAM.beta2 ** count)) / (1 - ADAM.beta1 ** count);
    const { loss, dx, next } = update({ ...trained, x: x.ref, target: target.ref, rate: np.array(Float32Array.of(rate)).reshape([]) });
    dx.dispose();
    trained = next;
    return loss.dataSync()[0];
  };
  const check = async () => {
    const { loss, gradients, dx } = jit(differentiate)({ w: refs(trained.w), x: x.ref, target: target.ref });
    return { loss: Float32Array.from(loss.dataSync()), dx: Float32Array.from(dx.dataSync()), ...results(gradients) };
  };
  return { check, step };
}
