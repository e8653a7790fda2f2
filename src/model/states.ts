/**
 * What a recurrence begins with and carries on: the buffers "state:…" of a program that carries its states.
 */
import type { Network } from "../ir/network/node.ts";
import type { Executable } from "../runtime/executable.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { isNamed, kindOf, requireKind } from "../support/options.ts";
import { type ArrayInput, flatten, shapeText } from "./arrays.ts";
import type { RunNetwork, RunningModel } from "./run.ts";

const prefix = "state:";

export interface StateSlot {
  /** "h", or "h~2" for its value two steps before. */
  readonly name: string;
  readonly view: Float32Array;
  /** Of one sequence. */
  readonly shape: readonly number[];
}

/** States that a program carries. */
export function stateSlots(executable: Executable): readonly StateSlot[] {
  const slots: StateSlot[] = [];
  for (const [name, buffer] of executable.shapes) {
    if (!name.startsWith(prefix)) continue;
    const shape = buffer.shape.filter((_, i) => buffer.axes[i] !== "b") as number[];
    slots.push({ name: name.slice(prefix.length), view: executable.buffers.get(name) as Float32Array, shape });
  }
  return slots;
}

/** True if every state of the network begins with a constant, so that beginning anew needs no program of its own. */
export function statesBeginConstant(network: Network): boolean {
  return network.states.every((state) => state.initial.kind === "constant");
}

/** What lies before the first step: of "h" the value one step before it, of "h~2" that of two steps. Also of what is read earlier without being recurrent. */
function beginningOf({ states, initials = [] }: Pick<RunNetwork, "states" | "initials">, name: string): Network["states"][number]["initial"] {
  const [declared, depth = "1"] = name.split("~");
  const state = states.find((each) => each.name === declared);
  if (state !== undefined && depth === "1") return state.initial;
  let value = initials.find((each) => each.state === declared && each.lag === Number(depth))?.value;
  while (value?.kind === "component") value = value.operand;
  if (value === undefined) return { kind: "constant", value: 0 };
  if (value.kind === "number") return { kind: "constant", value: value.value };
  return value.kind === "weight" || value.kind === "input" ? { kind: value.kind, name: value.name } : { kind: "expression" };
}

/**
 * Writes the states as the equations begin them: constants, or learned values repeated for each sequence.
 * @throws SluiceError E461 for a state that begins with an input or an expression and is not among `given`
 */
export function beginStates(
  network: Pick<RunNetwork, "states" | "initials">,
  slots: readonly StateSlot[],
  batch: number,
  weights: Pick<RunningModel, "index" | "parameters">,
  given: ReadonlySet<string> = new Set(),
): void {
  for (const { name, view } of slots) {
    if (given.has(name)) continue;
    const initial = beginningOf(network, name);
    if (initial.kind === "constant") view.fill(initial.value);
    else if (initial.kind === "weight") repeatWeight(view, batch, initial.name, weights);
    else
      throw new SluiceError(
        "E461",
        `the state ${name} begins with ${initial.kind === "input" ? `the input ${initial.name}` : "an expression"}; give its first value, initial: { ${name}: … }`,
      );
  }
}

function repeatWeight(view: Float32Array, batch: number, name: string, { index, parameters }: Pick<RunningModel, "index" | "parameters">): void {
  const { offset, length } = index.get(name)!;
  const values = parameters.subarray(offset, offset + length);
  const row = view.length / batch;
  for (let b = 0; b < batch; b++) for (let i = 0; i < row; i++) view[b * row + i] = values[length === 1 ? 0 : i];
}

/** Writes states given by a caller: one value for all sequences, or one for each. @throws SluiceError E455, E461 */
export function writeStates(slots: readonly StateSlot[], batch: number, given: Readonly<Record<string, ArrayInput>>): ReadonlySet<string> {
  requireKind(isNamed(given), "initial", "states by name, { h: … }", given);
  for (const [name, value] of Object.entries(given)) {
    const slot = slots.find((each) => each.name === name);
    if (slot === undefined)
      throw new SluiceError("E461", `there is no state ${name}; the states are ${slots.map((each) => each.name).join(", ") || "none"}`);
    const { data } = flatten(value, `the state ${name}`);
    const row = slot.view.length / batch;
    if (data.length !== row && data.length !== slot.view.length) {
      const each = shapeText(slot.shape);
      throw new SluiceError(
        "E455",
        `the state ${name} must have the shape ${each} or ${shapeText([batch, ...slot.shape])}, but ${data.length} numbers were given`,
      );
    }
    for (let i = 0; i < slot.view.length; i++) {
      const number = data[data.length === row ? i % row : i];
      if (!Number.isFinite(number)) throw new SluiceError("E457", `the state ${name} has the value ${kindOf(number)}; it must be a finite number`);
      slot.view[i] = number;
    }
  }
  return new Set(Object.keys(given));
}
