/**
 * Products of the decays between the steps of a chunk, by levels of halves: none is ever divided by another, and no logarithm is taken.
 *
 *     P[t, s] = d_{s+1}···d_{t-1}        s and t in the two halves of one block of 2h steps, r the first step of the second half:
 *     P[t, s] = (d_r···d_{t-1})·(d_{s+1}···d_{r-1})
 *
 * In: the decay of every step of a chunk, a number or one for each row. Out: for a value of each step, its product with the decays from the first step of its half on
 * (`lead`) or up to the last one of it (`trail`), for h = 1, 2, 4, … Each level is the one before, times the product of the other half. So every product is taken over
 * exactly the steps between, as step by step, for decays of any size and sign. After the secondary chunks of Yang et al. 2024 (arXiv:2312.06635).
 */
import type { GraphBuilder, NodeId } from "../../../ir/tensor/build.ts";
import type { AxisName } from "../../../ir/tensor/node.ts";

export interface DecayProducts {
  /** x_t times the decays of the steps before t in its block of h steps, for h = 1, 2, …, C. */
  readonly lead: (x: NodeId) => readonly NodeId[];
  /** x_t times the decays of the steps after t in its block of h steps, for h = 1, 2, …, C. */
  readonly trail: (x: NodeId) => readonly NodeId[];
  /** The product of all decays of the chunk. */
  readonly all: NodeId;
}

/** Products of the decays `d` along the axis `t` of C steps, C a power of 2. */
export function decayProducts(g: GraphBuilder, d: NodeId, t: AxisName): DecayProducts {
  const steps = g.size(t) as number;
  const levels: { readonly half: AxisName; readonly to: readonly AxisName[]; readonly first: NodeId; readonly second: NodeId }[] = [];
  let blocks = t;
  let product = d;
  for (let size = 2; size <= steps; size *= 2) {
    const [outer, half, inner] = [
      g.freshAxis(`blocks of ${size}`, steps / size),
      g.freshAxis(`halves of ${size}`, 2),
      g.freshAxis(`half of ${size}`, size / 2),
    ];
    const pairs = g.split(product, blocks, [outer, half]);
    const [first, second] = [g.pick(pairs, half, 0), g.pick(pairs, half, 1)];
    levels.push({ half, to: [outer, half, inner], first, second });
    product = g.mul(first, second);
    blocks = outer;
  }
  const chain = (x: NodeId, own: 0 | 1): NodeId[] => {
    const values = [x];
    for (const { half, to, first, second } of levels) {
      const halves = g.split(values[values.length - 1], t, to);
      const isSecond = g.to_real(g.iota(half));
      const other = own === 1 ? g.select(isSecond, first, g.constant(1)) : g.select(isSecond, g.constant(1), second);
      values.push(g.merge(g.mul(halves, other), to, t));
    }
    return values;
  };
  return { lead: (x) => chain(x, 1), trail: (x) => chain(x, 0), all: g.pick(product, blocks, 0) };
}

/** For h = 2, 4, …, C/2: 1 where t and s are in the same block of h steps. */
export function sameBlocks(g: GraphBuilder, t: AxisName, s: AxisName): NodeId[] {
  const steps = g.size(t) as number;
  const masks: NodeId[] = [];
  for (let size = 2; size < steps; size *= 2) {
    const blocks = g.freshAxis(`blocks of ${size}`, steps / size);
    const block = (axis: AxisName): NodeId => g.sum(g.less_equal(g.mul(g.iota(blocks), g.constant(size, "index")), g.iota(axis)), blocks);
    masks.push(g.equal(block(t), block(s)));
  }
  return masks;
}
