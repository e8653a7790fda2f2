/**
 * Trajectories: 200 training steps of small models, reduced to hashes of their bits.
 *
 * In: a model's name, threads, and whether multiplications and additions are fused. Out: the hashes of all losses and of the parameters at the end, and the
 * losses. Sizes are awkward on purpose (tails of tiles and vectors). Runs under any Node: the bench bundles it for others; for a browser see chromium.ts.
 */
import { createHash } from "node:crypto";
import { compile, findTask, train } from "../../src/index.ts";

/** The equations of each model. */
export const MODELS = {
  lstm: `cell(x) → h
  i = σ(Wi·x + Ui·h[t-1] + bi)
  f = σ(Wf·x + Uf·h[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wc·x + Uc·h[t-1] + bc)
  o = σ(Wo·x + Uo·h[t-1] + bo)
  h = o∘tanh(c)`,
  gru_dropout: `cell(x) → y
  z = σ(Wz·x + Uz·h[t-1] + bz)
  r = σ(Wr·x + Ur·h[t-1] + br)
  h̃ = tanh(Wh·x + Uh·(r∘h[t-1]) + bh)
  h = (1 - z)∘h[t-1] + z∘h̃
  y = dropout(h, 0.2)`,
  mingru: `cell(x) → h
  z = σ(Wz·x + bz)
  h = (1 - z)∘h[t-1] + z∘(Wh·x + bh)`,
} as const;

export type TrajectoryName = keyof typeof MODELS;
export const TRAJECTORIES = Object.keys(MODELS) as readonly TrajectoryName[];

export interface Trajectory {
  /** Of the 200 losses and of the parameters after them: SHA-256 of their bytes, first 16 digits. */
  readonly losses: string;
  readonly parameters: string;
}

export interface TrajectoryOptions {
  readonly threads?: number;
  readonly fused?: boolean;
}

/** What every model is trained on, as a worker is told it. */
export const DATASET = { kind: "task", name: "adding", settings: { batch: 13, seed: 5, options: { length: 20 } } } as const;
/** How, but for threads and arithmetic. */
export const SETTINGS = { sizes: { H: 21 }, steps: 200, seed: 3, validateEvery: 0 } as const;

function hashOf(values: ArrayLike<number>): string {
  return createHash("sha256")
    .update(new Uint8Array(Float32Array.from(values).buffer))
    .digest("hex")
    .slice(0, 16);
}

/** Hashes of what a training run left. */
export function hashesOf(losses: ArrayLike<number>, parameters: ArrayLike<number>): Trajectory {
  return { losses: hashOf(losses), parameters: hashOf(parameters) };
}

/** Trains a model on the adding problem; the bits depend on nothing but the text, the data and the seed. */
export async function trajectory(
  name: TrajectoryName,
  { threads = 1, fused = false }: TrajectoryOptions = {},
): Promise<{ readonly hashes: Trajectory; readonly losses: Float32Array }> {
  const dataset = findTask(DATASET.name)!.dataset(DATASET.settings);
  const model = await train(compile(MODELS[name]), dataset, { ...SETTINGS, threads, fused });
  return { hashes: hashesOf(model.result.losses, model.parameters), losses: model.result.losses };
}
