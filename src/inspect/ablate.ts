/**
 * What a gate is worth: the metric of a trained model while one gate is held at 0, at 1, at its mean, or at its value of the first step.
 *
 * In: gates, how to measure, and the mean of each gate. Out: a row per intervention. Nothing is retrained. Never runs a model itself: `measure` does.
 * @source Greff et al. 2015 ablate by retraining; holding a gate in the trained model asks what this model makes of it.
 */
import type { GateDeclaration } from "../ir/network/node.ts";
import type { Clamp } from "../ir/network/variant.ts";

export type Intervention = "one" | "zero" | "mean" | "frozen";

/** A clamp, with the values for one of kind "values". */
export interface Hold {
  readonly clamp: Clamp;
  readonly values?: Float32Array;
}

export interface AblationRow {
  readonly gate: string;
  readonly role: string;
  readonly intervention: Intervention;
  /** "i ≡ 0", "f ≡ mean", "o frozen". */
  readonly label: string;
  readonly metric: number;
  /** metric - baseline. */
  readonly change: number;
}

export interface Ablation {
  readonly baseline: number;
  /** What could not be asked: a gate over positions has no mean that fits every length. */
  readonly leftOut: readonly Omit<AblationRow, "metric" | "change">[];
  readonly rows: readonly AblationRow[];
}

/** How an intervention is written. */
export function interventionLabel(gate: string, intervention: Intervention): string {
  return intervention === "frozen" ? `${gate} frozen` : `${gate} ≡ ${{ one: "1", zero: "0", mean: "mean" }[intervention]}`;
}

/** The clamp of an intervention. `range` is the gate's: "one" means fully open. */
export function holdOf(gate: GateDeclaration, intervention: Intervention, mean: Float32Array | undefined): Hold {
  if (intervention === "mean") return { clamp: { value: gate.value, to: { kind: "values" } }, values: mean };
  if (intervention === "frozen") return { clamp: { value: gate.value, to: { kind: "frozen" } } };
  return { clamp: { value: gate.value, to: { kind: "constant", value: intervention === "one" ? gate.range[1] : 0 } } };
}

/**
 * Measures the model as it is, then under every intervention on every gate, in order.
 * `measure` without a hold gives the baseline; `means` has the mean of each unit by gate value; without one, `≡ mean` is left out.
 */
export async function ablate(
  gates: readonly GateDeclaration[],
  interventions: readonly Intervention[],
  means: ReadonlyMap<string, Float32Array>,
  measure: (hold?: Hold) => number | Promise<number>,
): Promise<Ablation> {
  const baseline = await measure();
  const rows: AblationRow[] = [];
  const leftOut: Ablation["leftOut"][number][] = [];
  for (const gate of gates) {
    for (const intervention of interventions) {
      const asked = { gate: gate.name, role: gate.role, intervention, label: interventionLabel(gate.name, intervention) };
      if (intervention === "mean" && !means.has(gate.value)) {
        leftOut.push(asked);
        continue;
      }
      const metric = await measure(holdOf(gate, intervention, means.get(gate.value)));
      rows.push({ ...asked, metric, change: metric - baseline });
    }
  }
  return { baseline, rows, leftOut };
}
