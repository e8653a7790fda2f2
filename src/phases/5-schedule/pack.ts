/**
 * Packing as loops: a product's B laid in panels [n / width][k][width] before the product runs.
 *
 * In: a pack step whose places have addresses. Out: a loop function of (T, t, n) that fills the panels from each part of B. It reads in the order of
 * the memory: along the columns where they lie side by side, else along the terms, where a column that is read across would touch a line of the
 * cache for each element. Never computes anything: the bits that come out are those that went in.
 */
import type { Expression, Lanes, LoopFunction, Statement } from "../../ir/loop/node.ts";
import { add32, clear, div32, forLoop, i32, i32Local, letLocal, load, loopFunction, mul32, rem32, store } from "../../ir/loop/build.ts";
import { strideOf } from "./access.ts";
import { KERNEL_PARAMETERS, SHARED_PARAMETERS, type AddressOf, type Sharing } from "./nest.ts";
import { alone } from "./share.ts";
import type { PackSize, PackStep } from "./step.ts";

/** Elements that one round of the loop along the terms moves. */
const RUN = 8;

const times = (size: PackSize): Expression => (size === "T" ? i32Local("T") : i32(size));

/** The loop function that fills the panels of a product's B. */
export function lowerPack(step: PackStep, name: string, addressOf: AddressOf, bound: boolean, sharing: Sharing): LoopFunction {
  const ragged = step.columns !== undefined && step.columns % step.panelWidth !== 0;
  const body: Statement[] = ragged ? [clear(i32(addressOf(step.panels)), i32(4 * step.panels.elements))] : [];
  for (const part of step.parts) body.push(...packPart(step, part, addressOf, bound));
  return loopFunction(name, sharing === "none" ? KERNEL_PARAMETERS : SHARED_PARAMETERS, sharing === "none" ? body : alone(body), step.label);
}

function packPart(step: PackStep, part: PackStep["parts"][number], addressOf: AddressOf, bound: boolean): Statement[] {
  const { panelWidth: width, terms } = step;
  const ks = part.kAxes.map((axis, i) => ({ axis, size: part.kSizes[i], counter: `d${i}` }));
  const ns = part.nAxes.map((axis, i) => ({ axis, size: part.nSizes[i], counter: `d${ks.length + i}` }));
  const stride = (axis: string): Expression => i32(4 * strideOf(part.source, axis));
  /** Number of a column or term: its axes counted through row-major. */
  const linear = (loops: typeof ks, starts: readonly number[], full: readonly PackSize[]): Expression =>
    full.reduce<Expression>((sum, size, i) => add32(mul32(sum, times(size)), add32(i32Local(loops[i].counter), i32(starts[i]))), i32(0));
  let from: Expression = i32(addressOf(part.source.place) + 4 * part.source.offset);
  if (bound) from = add32(mul32(i32Local("t"), stride("t")), from);
  for (const { axis, counter } of [...ks, ...ns]) from = add32(mul32(i32Local(counter), stride(axis)), from);
  let home: Expression = i32(addressOf(step.panels));
  step.outer.forEach(({ axis, stride: elements }, d) => {
    from = add32(mul32(i32Local(`o${d}`), stride(axis)), from);
    home = add32(mul32(i32Local(`o${d}`), i32(4 * elements)), home);
  });
  const column = linear(ns, part.nStarts, step.nFull);
  const to = add32(
    add32(mul32(div32(column, i32(width)), i32(4 * width * terms)), mul32(rem32(column, i32(width)), i32(4))),
    add32(mul32(linear(ks, part.kStarts, step.kFull), i32(4 * width)), home),
  );

  const lastTerm = ks[ks.length - 1];
  const alongTerms = strideOf(part.source, ns[ns.length - 1].axis) !== 1 && lastTerm.size !== "T" && strideOf(part.source, lastTerm.axis) === 1;
  const loops = alongTerms ? [...ns, ...ks] : [...ks, ...ns];
  const { counter, size } = loops[loops.length - 1];
  let nest = alongTerms
    ? packTerms(counter, size as number, from, to, 4 * width)
    : packColumns(counter, size, from, to, columnsAligned(step, part) && strideOf(part.source, ns[ns.length - 1].axis) === 1);
  for (const loop of loops.slice(0, -1).reverse()) nest = [forLoop(loop.counter, i32(0), times(loop.size), 1, nest)];
  for (let d = step.outer.length - 1; d >= 0; d--) nest = [forLoop(`o${d}`, i32(0), times(step.outer[d].size), 1, nest)];
  return nest;
}

/** True if four columns that begin at a multiple of four lie in one panel. */
function columnsAligned({ nFull }: PackStep, { nStarts }: PackStep["parts"][number]): boolean {
  const last = nStarts.length - 1;
  const full = nFull[last];
  return nStarts[last] % 4 === 0 && (last === 0 || (full !== "T" && full % 4 === 0));
}

/** Columns side by side in memory, four at a time; or one by one. */
function packColumns(counter: string, size: PackSize, from: Expression, to: Expression, aligned: boolean): Statement[] {
  const moved = (lanes: Lanes): Statement[] => [store(to, 0, load(from, 0, lanes), lanes)];
  if (size === "T" || !aligned) return [forLoop(counter, i32(0), times(size), 1, moved(1))];
  const whole = size - (size % 4);
  return [
    ...(whole > 0 ? [forLoop(counter, i32(0), i32(whole), 4, moved(4))] : []),
    ...(whole < size ? [letLocal(counter, i32(whole)), ...moved((size - whole) as Lanes)] : []),
  ];
}

/** Terms side by side in memory: one column from its first term to its last. */
function packTerms(counter: string, size: number, from: Expression, to: Expression, row: number): Statement[] {
  const move = (count: number): Statement[] =>
    Array.from({ length: count }, (_, i) => store(i32Local("into"), row * i, load(i32Local("read"), 4 * i, 1), 1));
  const whole = size - (size % RUN);
  return [
    letLocal(counter, i32(0)),
    letLocal("into", to),
    letLocal("first", from),
    ...(whole > 0
      ? [
          forLoop("read", i32Local("first"), add32(i32Local("first"), i32(4 * whole)), 4 * RUN, [
            ...move(RUN),
            letLocal("into", add32(i32Local("into"), i32(RUN * row))),
          ]),
        ]
      : []),
    ...(whole < size ? [letLocal("read", add32(i32Local("first"), i32(4 * whole))), ...move(size - whole)] : []),
  ];
}
