/**
 * The workloads that are parallel in time, for jax-js: minGRU by a scan that doubles its reach each round, gated convolution as one product over the taps
 * side by side, attention as batched products. Gradients are the library's own, compiled with the step. Arrays are counted by hand.
 */
import { jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { HEADS } from "../workloads.ts";

const turned = (values, rows, columns) => {
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = values[r * columns + c];
  return result;
};
const zeros = (rows, columns) => np.zeros([rows, columns]);
const meanSquared = (h, target) => np.mean(np.square(h.sub(target)));
/** Rows moved to later time steps, with zeros before them. */
const later = (x, count) => {
  const [rows, columns] = x.shape;
  return np.concatenate([zeros(count, columns), x.slice([0, rows - count])], 0);
};

/** Weights as arrays [shape, values], the loss of (w, x, target), and results from gradients; undefined for the recurrent workloads. */
function parallelModel({ kind, B, T, D, H }, { weights }) {
  const matrices = (names, rows, columns) => Object.fromEntries(names.map((name) => [name, np.array(turned(weights[name], rows, columns)).reshape([columns, rows])]));
  const vectors = (names) => Object.fromEntries(names.map((name) => [name, np.array(weights[name])]));
  switch (kind) {
    case "mingru training": {
      const loss = ({ Wz, Wh, bz, bh }, x, target) => {
        const z = nn.sigmoid(np.matmul(x.ref, Wz).add(bz));
        let sum = np.matmul(x, Wh).add(bh).mul(z.ref);
        let reach = np.subtract(1, z);
        for (let d = 1; d < T; d *= 2) {
          sum = sum.ref.add(reach.ref.mul(later(sum, d * B)));
          if (2 * d < T) reach = reach.ref.mul(later(reach, d * B));
          else reach.dispose();
        }
        return meanSquared(sum, target);
      };
      return { w: { ...matrices(["Wz", "Wh"], H, D), ...vectors(["bz", "bh"]) }, loss };
    }
    case "convolution": {
      const taps = weights.Wf.length / (H * D);
      const w = vectors(["b", "c"]);
      for (const name of ["Wf", "Wg"]) {
        const parts = Array.from({ length: taps }, (_, j) => np.array(turned(weights[name].subarray(j * H * D, (j + 1) * H * D), H, D)).reshape([D, H]));
        w[name] = np.concatenate(parts, 0);
      }
      const loss = ({ Wf, Wg, b, c }, x, target) => {
        const rows = np.concatenate(Array.from({ length: taps }, (_, j) => (j === 0 ? x.ref : later(x.ref, j * B))), 1);
        x.dispose();
        const value = np.matmul(rows.ref, Wf).add(b);
        return meanSquared(value.mul(nn.sigmoid(np.matmul(rows, Wg).add(c))), target);
      };
      return { w, loss, taps };
    }
    case "attention": {
      const K = H / HEADS;
      const byHead = (part) => part.reshape([T, B, HEADS, K]).transpose([1, 2, 0, 3]);
      const mask = () =>
        np.array(Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0))).reshape([T, T]);
      const loss = ({ Wq, Wk, Wv, Wo }, x, target) => {
        const q = byHead(np.matmul(x.ref, Wq));
        const k = byHead(np.matmul(x.ref, Wk));
        const v = byHead(np.matmul(x, Wv));
        const a = nn.softmax(np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(K)).add(mask()), -1);
        const o = np.matmul(a, v).transpose([2, 0, 1, 3]).reshape([T * B, H]);
        return meanSquared(np.matmul(o, Wo), target);
      };
      return { w: { ...matrices(["Wq", "Wk", "Wv"], H, D), ...matrices(["Wo"], H, H) }, loss };
    }
    default:
      return undefined;
  }
}

/** Weights, inputs, `differentiate(w, x, target)` giving { loss, gradients, dx }, and the results for the reference. */
export function parallelWorkload(workload, arrays) {
  const model = parallelModel(workload, arrays);
  if (model === undefined) return undefined;
  const { B, T, D, H } = workload;
  const withGradients = valueAndGrad(model.loss, { argnums: [0, 1] });
  const differentiate = ({ w, x, target }) => {
    const [loss, [gradients, dx]] = withGradients(w, x, target);
    return { loss, gradients, dx };
  };
  const results = (gradients) =>
    Object.fromEntries(
      Object.entries(gradients).map(([name, gradient]) => {
        const [rows, columns] = gradient.shape;
        const values = Float32Array.from(gradient.dataSync());
        if (columns === undefined) return [`d${name}`, values];
        if (model.taps === undefined) return [`d${name}`, turned(values, rows, columns)];
        const all = new Float32Array(values.length);
        for (let j = 0; j < model.taps; j++) all.set(turned(values.subarray(j * D * H, (j + 1) * D * H), D, H), j * D * H);
        return [`d${name}`, all];
      }),
    );
  return {
    w: model.w,
    x: np.array(arrays.inputs.x).reshape([T * B, D]),
    target: np.array(arrays.inputs.target).reshape([T * B, H]),
    differentiate: jit(differentiate),
    results,
  };
}
