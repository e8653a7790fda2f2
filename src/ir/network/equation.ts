/** Resolved equations: the input of phase 2's `build`. Nouns only. (Owner: phase 2; see infer.ts.) */
export interface Equation {
  readonly name: string;
}
