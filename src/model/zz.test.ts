import { test } from "vitest";
import { compile } from "./compiled.ts";
import { sizesForInputs } from "./sizes.ts";
import { findTask } from "../train/tasks/list.ts";
test("x", () => {
  const c = compile(`cell(x) → h
  z = σ(Wz·x + Uz·h[t-1])
  h = z∘h[t-1] + (1 - z)∘tanh(Wh·x)

recall(x, y) → p
  h = cell(x)
  p = W·h + b
  loss = cross_entropy(p, y)
`);
  const d = findTask("flag-recall").dataset({ batch: 4, seed: 3 });
  console.log(d.inputs, sizesForInputs(c.network!, { H: 4 }, d.inputs));
});
