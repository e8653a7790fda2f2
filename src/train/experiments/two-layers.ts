/**
 * The network of experiments about one term of a recurrence: symbols are embedded, go through two layers of it, and are answered at each step.
 */

/** Equations named `name`; `layer` are those of a layer, from `u ∈ ℝ^D` to `z`, and what is declared of its names. */
export function twoLayers(name: string, layer: string, declared: string): string {
  return `# Two layers of a gated diagonal recurrence, each with a feed-forward layer
layer(u) → z
  n = rms_norm(u)
${layer}
  z = r + W2·gelu(W1·rms_norm(r))
  where ${declared}

${name}(token, y) → logits
  u = E[token]
  v = layer(u)
  w = layer(v)
  logits = Wy·w + by
  loss = cross_entropy(logits, y)
  where u ∈ ℝ^D, y : index
`;
}
