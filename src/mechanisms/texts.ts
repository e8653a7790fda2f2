/**
 * The standard mechanisms: name → equations. Made by scripts/mechanisms.mjs from the .gate files of this folder; edit those.
 */
export const MECHANISM_TEXTS = {
  attention_residuals: `# Residuals by a softmax over depth: each layer reads a mixture of all earlier ones, weighed by a learned query
# Moonshot AI 2026, "Attention residuals" (arXiv 2603.15031)
attention_residuals(x) → y
  h1 = swiglu_ffn(rms_norm(x))
  p2 = softmax([w2·rms_norm(x); w2·rms_norm(h1)])
  x2 = p2[1] * x + p2[2] * h1
  h2 = swiglu_ffn(rms_norm(x2))
  p3 = softmax([w3·rms_norm(x); w3·rms_norm(h1); w3·rms_norm(h2)])
  y = p3[1] * x + p3[2] * h1 + p3[3] * h2
  where x, w2, w3 ∈ ℝ^D
`,
  attention: `# Causal attention with several heads
# Vaswani et al. 2017, "Attention is all you need" (arXiv 1706.03762), eq. 1 and section 3.2.2
attention(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  v[n] = Wv[n]·x
  a[n,s] = softmax_s(q[n]·k[n,s] / √K)
  y = Σ_n Wo[n]·(Σ_s a[n,s] * v[n,s])
  where s ≤ t, n ∈ 1..N, q[n] ∈ ℝ^K
`,
  bilinear_ffn: `# Feed-forward layer of Transformers: bilinear layer: a gated linear unit without its nonlinearity, then a matrix
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 6
bilinear_ffn(x) → y
  y = W2·((W·x)∘(V·x))
`,
  bilinear: `# Bilinear layer: a gated linear unit without its nonlinearity
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 4
bilinear(x) → y
  y = (W·x + b)∘(V·x + c)
`,
  char_model: `# A language model by characters: embedding, two LSTM layers, read-out; trained to name the next character
char_model(token) → logits
  e = E[token]
  h1 = lstm(e)
  h2 = lstm(h1)
  logits = Wy·h2 + by
  loss = cross_entropy(logits, token[t+1])
`,
  cho_gru_v1: `# Gated hidden unit of the encoder-decoder, first version: reset after the matrix product, z keeps the old state
# Cho et al. 2014 (arXiv 1406.1078 v1), section 2.3
cho_gru_v1(x) → h
  r = σ(Wr·x + Ur·h[t-1])
  z = σ(Wz·x + Uz·h[t-1])
  h̃ = tanh(W·x + r∘(U·h[t-1]))
  h = z∘h[t-1] + (1 - z)∘h̃
`,
  cho_gru: `# Gated hidden unit of the encoder-decoder: reset before the matrix product, z keeps the old state
# Cho et al. 2014 (arXiv 1406.1078 v3), section 2.3, eq. 5-8
cho_gru(x) → h
  r = σ(Wr·x + Ur·h[t-1])
  z = σ(Wz·x + Uz·h[t-1])
  h̃ = tanh(W·x + U·(r∘h[t-1]))
  h = z∘h[t-1] + (1 - z)∘h̃
`,
  conv_lstm: `# Convolutional LSTM: states are maps, peepholes have a weight for every place
# Shi et al. 2015, "Convolutional LSTM network" (arXiv 1506.04214), eq. 3
conv_lstm(x) → h, c
  i = σ(Wxi ∗ x + Whi ∗ h[t-1] + Wci∘c[t-1] + bi)
  f = σ(Wxf ∗ x + Whf ∗ h[t-1] + Wcf∘c[t-1] + bf)
  g = tanh(Wxc ∗ x + Whc ∗ h[t-1] + bc)
  c = f∘c[t-1] + i∘g
  o = σ(Wxo ∗ x + Who ∗ h[t-1] + Wco∘c + bo)
  h = o∘tanh(c)
  where Wxi, Wxf, Wxc, Wxo, Whi, Whf, Whc, Who : kernel 3×3, same
  where x ∈ ℝ^{C×Y×X}
`,
  cross_attention: `# Attention with several heads to a second sequence of S positions, given once; \`ignored\` is 1 where a key is padding
# Vaswani et al. 2017, "Attention is all you need" (arXiv 1706.03762), section 3.2.3
cross_attention(query, key, value, ignored) → y, attn
  q[n] = Wq[n]·query + bq[n]
  k[n,s] = Wk[n]·key[s] + bk[n]
  v[n,s] = Wv[n]·value[s] + bv[n]
  a[n,s] = softmax_s(masked(q[n]·k[n,s] / √K, 1 - ignored[s]))
  o[n] = Σ_s a[n,s] * v[n,s]
  y = Σ_n Wo[n]·o[n] + bo
  attn[s] = mean_n(a[n,s])
  where s ∈ 1..S, n ∈ 1..N, q[n] ∈ ℝ^K
  where key ∈ ℝ^{S×C}, value ∈ ℝ^{S×D}, ignored ∈ ℝ^S
  where key, value, ignored : static
`,
  cross_dot_product: `# Scaled dot-product attention to a second sequence of S positions, given once, as far as a mask allows
# Vaswani et al. 2017, "Attention is all you need" (arXiv 1706.03762), section 3.2.3
cross_dot_product(q, k, v, allowed) → o
  a[g,m,s] = softmax_s(masked(q[g,m]·k[g,s] / √K, allowed[g,m,s]))
  o[g,m] = Σ_s a[g,m,s] * v[g,s]
  where s ∈ 1..S, g ∈ 1..G, m ∈ 1..M
  where q ∈ ℝ^{G×M×K}, k ∈ ℝ^{G×S×K}, v ∈ ℝ^{G×S×V}, allowed ∈ ℝ^{G×M×S}
  where k, v : static
`,
  deepseek_moe: `# Mixture of experts that a bias balances: the bias takes part in choosing the experts and not in weighing them; one expert is always there
# DeepSeek-AI 2024, "DeepSeek-V3 technical report" (arXiv 2412.19437), eq. 12-16
deepseek_moe(x) → y
  s = σ(Wr·x)
  c = among_top(s + b, 2)
  G = s∘c / sum(s∘c)
  y = W2s·(silu(W1s·x)∘(W3s·x)) + Σ_e G[e] * (W2[e]·(silu(W1[e]·x)∘(W3[e]·x)))
  where e ∈ 1..E, b ~ 0, gate G
`,
  delta_net_negative: `# DeltaNet with eigenvalues down to -1: β runs to 2, which lets the state reflect and so track parity
# Grazzi, Siems et al. 2025, "Unlocking state-tracking in linear RNNs through negative eigenvalues" (arXiv 2411.12537), eq. 6
delta_net_negative(x) → y
  q[n] = normalize(silu(Wq[n]·x))
  k[n] = normalize(silu(Wk[n]·x))
  v[n] = Wv[n]·x
  β[n] = 2*σ(wβ[n]·x)
  S[n] = S[n,t-1] - β[n]*((S[n,t-1]·k[n])⊗k[n]) + β[n]*(v[n]⊗k[n])
  o[n] = S[n]·q[n]
  y = Σ_n Wo[n]·rms_norm(o[n])
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, β[n] ∈ ℝ
`,
  delta_net: `# DeltaNet: the state learns online; β decides how far what the key reads is moved towards v
# Schlag, Irie & Schmidhuber 2021 (arXiv 2102.11174), eq. 24; normalised keys: Yang et al. 2024 (arXiv 2406.06484)
delta_net(x) → y
  q[n] = normalize(silu(Wq[n]·x))
  k[n] = normalize(silu(Wk[n]·x))
  v[n] = Wv[n]·x
  β[n] = σ(wβ[n]·x)
  S[n] = S[n,t-1] - β[n]*((S[n,t-1]·k[n])⊗k[n]) + β[n]*(v[n]⊗k[n])
  o[n] = S[n]·q[n]
  y = Σ_n Wo[n]·rms_norm(o[n])
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, β[n] ∈ ℝ
`,
  forgetting_attention: `# Forgetting attention: forget gates of all steps in between lower the logits of what lies far back
# Lin, Nikishin, He & Courville 2025, "Forgetting Transformer" (arXiv 2503.02130), eq. 5-7
forgetting_attention(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  v[n] = Wv[n]·x
  log f[n] = log_σ(wf[n]·x + bf[n])
  D[n,s] = Σ_r log(f[n,r])
  a[n,s] = softmax_s(q[n]·k[n,s] / √K + D[n,s])
  y = Σ_n Wo[n]·(Σ_s a[n,s] * v[n,s])
  where s ≤ t, s < r ≤ t, n ∈ 1..N, q[n] ∈ ℝ^K, f[n] ∈ ℝ
`,
  forgetting_core: `# Core of forgetting attention: queries, keys, values and gates are given; the queries of a group share keys and values
# Lin, Nikishin, He & Courville 2025, "Forgetting Transformer" (arXiv 2503.02130), eq. 5-7
forgetting_core(q, k, v, p) → o
  log f[g,m] = log_σ(p[g,m])
  D[g,m,s] = Σ_r log(f[g,m,r])
  a[g,m,s] = softmax_s(q[g,m]·k[g,s] / √K + D[g,m,s])
  o[g,m] = Σ_s a[g,m,s] * v[g,s]
  where s ≤ t, s < r ≤ t, g ∈ 1..G, m ∈ 1..M
  where q ∈ ℝ^{G×M×K}, k ∈ ℝ^{G×K}, v ∈ ℝ^{G×V}, p ∈ ℝ^{G×M}
`,
  full_peephole_lstm: `# LSTM with full-matrix peepholes: every gate sees every cell
# Graves 2013 (arXiv 1308.0850), eq. 7-11, with matrices in the place of the diagonal peepholes
full_peephole_lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + Wci·c[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + Wcf·c[t-1] + bf)
  g = tanh(Wxc·x + Whc·h[t-1] + bc)
  c = f∘c[t-1] + i∘g
  o = σ(Wxo·x + Who·h[t-1] + Wco·c + bo)
  h = o∘tanh(c)
  where bf ~ 1
`,
  gated_attention_headwise: `# Gated attention with one gate for each head
# Qiu et al. 2025, "Gated attention for large language models" (arXiv 2505.06708), eq. 5, headwise
gated_attention_headwise(x) → y
  q[g,m] = Wq[g,m]·x
  k[g] = Wk[g]·x
  v[g] = Wv[g]·x
  a[g,m,s] = softmax_s(q[g,m]·k[g,s] / √K)
  o[g,m] = Σ_s a[g,m,s] * v[g,s]
  θ[g,m] = σ(wθ[g,m]·x + bθ[g,m])
  y = Σ_g Σ_m Wo[g,m]·(θ[g,m] * o[g,m])
  where s ≤ t, g ∈ 1..G, m ∈ 1..M
  where q[g,m] ∈ ℝ^K, θ[g,m] ∈ ℝ
`,
  gated_attention_unit: `# Gated attention unit: attention by squared rectified products of one shared projection, gated by u
# Hua, Dai, Liu & Le 2022, "Transformer quality in linear time" (arXiv 2202.10447), section 3.2; causal, averaged over the positions seen
gated_attention_unit(x) → y
  u = silu(Wu·x)
  v = silu(Wv·x)
  z = silu(Wz·x)
  q = γq∘z + βq
  k = γk∘z + βk
  a[s] = relu(q·k[s] / √K)^2
  y = Wo·(u∘mean_s(a[s] * v[s]))
  where s ≤ t, z ∈ ℝ^K
  where γq, γk ~ 1, βq, βk ~ 0
  where gate u
`,
  gated_attention: `# Gated attention: a sigmoid of the query's own token gates what attention gives, head by head and channel by channel
# Qiu et al. 2025, "Gated attention for large language models" (arXiv 2505.06708), eq. 5, position G1
gated_attention(x) → y
  q[g,m] = Wq[g,m]·x
  k[g] = Wk[g]·x
  v[g] = Wv[g]·x
  a[g,m,s] = softmax_s(q[g,m]·k[g,s] / √K)
  o[g,m] = Σ_s a[g,m,s] * v[g,s]
  θ[g,m] = σ(Wθ[g,m]·x + bθ[g,m])
  y = Σ_g Σ_m Wo[g,m]·(o[g,m]∘θ[g,m])
  where s ≤ t, g ∈ 1..G, m ∈ 1..M
  where q[g,m] ∈ ℝ^K
`,
  gated_conv_2d_fused: `# Gated convolution over two space axes, one kernel for features and gating
# Yu et al. 2019, "Free-form image inpainting with gated convolution" (arXiv 1806.03589), eq. 2
gated_conv_2d_fused(x) → y
  P = W ∗ x + b
  g = σ(split(P, 2, 2))
  y = elu(split(P, 1, 2))∘g
  where W : kernel 3×3, same
  where x ∈ ℝ^{C×Y×X}
`,
  gated_conv_2d: `# Gated convolution over two space axes: a soft mask learned for every place and channel
# Yu et al. 2019, "Free-form image inpainting with gated convolution" (arXiv 1806.03589), eq. 2
gated_conv_2d(x) → y
  F = Wf ∗ x + bf
  G = Wg ∗ x + bg
  g = σ(G)
  y = elu(F)∘g
  where Wf, Wg : kernel 3×3, same
  where x ∈ ℝ^{C×Y×X}
`,
  gated_conv: `# Gated convolution over time: a linear path and its gate
# Dauphin, Fan, Auli & Grangier 2017, "Language modeling with gated convolutional networks" (arXiv 1612.08083), eq. 1
gated_conv(x) → z
  g = σ(Wg ∗ x + bg)
  z = (Wf ∗ x + bf)∘g
  where Wf, Wg : kernel 3
`,
  gated_delta_block: `# Gated DeltaNet as its paper's block: short depthwise convolutions of four steps before queries, keys and values, written tap by tap for each head
# Yang, Kautz & Hatamizadeh 2024 (arXiv 2412.06464), figure 1; fla/layers/gated_deltanet.py
gated_delta_block(x) → y
  a[n] = Wq[n]·x
  b[n] = Wk[n]·x
  c[n] = Wv[n]·x
  q[n] = normalize(silu(q0[n]∘a[n] + q1[n]∘a[n,t-1] + q2[n]∘a[n,t-2] + q3[n]∘a[n,t-3]))
  k[n] = normalize(silu(k0[n]∘b[n] + k1[n]∘b[n,t-1] + k2[n]∘b[n,t-2] + k3[n]∘b[n,t-3]))
  v[n] = silu(v0[n]∘c[n] + v1[n]∘c[n,t-1] + v2[n]∘c[n,t-2] + v3[n]∘c[n,t-3])
  log α[n] = -exp(A[n])*softplus(wα[n]·x + δ[n])
  β[n] = σ(wβ[n]·x)
  S[n] = α[n]*(S[n,t-1] - β[n]*((S[n,t-1]·k[n])⊗k[n])) + β[n]*(v[n]⊗k[n])
  o[n] = S[n]·q[n] / √K
  y = Σ_n Wo[n]·(rms_norm(o[n])∘silu(Wg[n]·x))
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, β[n], α[n], A[n] ∈ ℝ
  where A ~ uniform(0, 2.77), δ ~ uniform(-6.9, -2.25), q1, q2, q3, k1, k2, k3, v1, v2, v3 ~ uniform(-0.5, 0.5)
`,
  gated_delta_core: `# Gated delta rule, the recurrence alone: decay, then correct what the key reads towards v
# Yang, Kautz & Hatamizadeh 2025, "Gated delta networks" (arXiv 2412.06464), eq. 10
gated_delta_core(q, k, v, g, b) → o
  log α[n] = g[n]
  β[n] = b[n]
  q̂[n] = normalize(q[n], 1e-6)
  k̂[n] = normalize(k[n], 1e-6)
  S[n] = α[n]*(S[n,t-1] - β[n]*((S[n,t-1]·k̂[n])⊗k̂[n])) + β[n]*(v[n]⊗k̂[n])
  o[n] = S[n]·q̂[n] / √K
  where n ∈ 1..N, q[n] ∈ ℝ^K, g[n], b[n] ∈ ℝ, gate α, β
`,
  gated_delta_net_2: `# Gated DeltaNet-2: erasing and writing have gates of their own, b over key channels and w over value channels
# Gated DeltaNet-2, 2026 (arXiv 2605.22791); fla/ops/gdn2/naive.py; without its short convolutions
gated_delta_net_2(x) → y
  q[n] = normalize(silu(Wq[n]·x))
  k[n] = normalize(silu(Wk[n]·x))
  v[n] = silu(Wv[n]·x)
  log α[n] = -exp(A[n])*softplus(Wα[n]·x + δ[n])
  b[n] = σ(Wb[n]·x)
  w[n] = σ(Ww[n]·x)
  P[n] = diag(α[n])·S[n,t-1]
  S[n] = P[n] - k[n]⊗(P[n]ᵀ·(b[n]∘k[n])) + k[n]⊗(w[n]∘v[n])
  o[n] = S[n]ᵀ·q[n] / √K
  y = Σ_n Wo[n]·(rms_norm(o[n])∘silu(Wg[n]·x))
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, A[n] ∈ ℝ
  where A ~ uniform(0, 2.77), δ ~ uniform(-6.9, -2.25)
`,
  gated_delta_net: `# Gated DeltaNet: a matrix state that decays by α, then is corrected by the delta rule with strength β; without its short convolutions
# Yang, Kautz & Hatamizadeh 2025 (arXiv 2412.06464), eq. 10 and section 3.3; log α as in fla/layers/gated_deltanet.py
gated_delta_net(x) → y
  q[n] = normalize(silu(Wq[n]·x))
  k[n] = normalize(silu(Wk[n]·x))
  v[n] = silu(Wv[n]·x)
  log α[n] = -exp(A[n])*softplus(wα[n]·x + δ[n])
  β[n] = σ(wβ[n]·x)
  S[n] = α[n]*(S[n,t-1] - β[n]*((S[n,t-1]·k[n])⊗k[n])) + β[n]*(v[n]⊗k[n])
  o[n] = S[n]·q[n] / √K
  y = Σ_n Wo[n]·(rms_norm(o[n])∘silu(Wg[n]·x))
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, β[n], α[n], A[n] ∈ ℝ
  where A ~ uniform(0, 2.77), δ ~ uniform(-6.9, -2.25)
`,
  geglu_ffn: `# Feed-forward layer of Transformers: GEGLU: a gated linear unit with the exact GELU, then a matrix
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 6
geglu_ffn(x) → y
  y = W2·(gelu(W·x)∘(V·x))
`,
  geglu_tanh_ffn: `# Feed-forward layer of Transformers: GEGLU in the tanh form of GELU, then a matrix
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 6
geglu_tanh_ffn(x) → y
  y = W2·(gelu_tanh(W·x)∘(V·x))
`,
  geglu_tanh: `# GEGLU in the tanh form of GELU
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 5
geglu_tanh(x) → y
  y = gelu_tanh(W·x + b)∘(V·x + c)
`,
  geglu: `# GEGLU: a gated linear unit with the exact GELU
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 5
geglu(x) → y
  y = gelu(W·x + b)∘(V·x + c)
`,
  gla_core: `# Gated linear attention, the recurrence alone: each key channel of the state has a forget gate of its own, given by its logarithm
# Yang, Wang, Shen, Panda & Kim 2024 (arXiv 2312.06635), eq. 3; scale and logarithmic gate as in flash-linear-attention (fla/ops/gla/naive.py)
gla_core(q, k, v, g) → o
  log α[n] = g[n]
  S[n] = diag(α[n])·S[n,t-1] + k[n]⊗v[n]
  o[n] = S[n]ᵀ·q[n] / √K
  where n ∈ 1..N, q[n] ∈ ℝ^K, gate α
`,
  gla: `# Gated linear attention: each key channel of the matrix state has a forget gate of its own, made from the input by a product of low rank
# Yang, Wang, Shen, Panda & Kim 2024 (arXiv 2312.06635), section 4.4
gla(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  v[n] = Wv[n]·x
  log α[n] = log_σ(Wα2[n]·(Wα1·x) + bα[n]) / 16
  S[n] = diag(α[n])·S[n,t-1] + k[n]⊗v[n]
  o[n] = S[n]ᵀ·q[n] / √K
  r[n] = silu(Wr[n]·x + br[n])
  y = Σ_n Wo[n]·(r[n]∘layer_norm(o[n]))
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, Wα1 ∈ ℝ^{R×D}, gate r
`,
  glu_ffn: `# Feed-forward layer of Transformers: gated linear unit, then a matrix
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 6
glu_ffn(x) → y
  y = W2·(σ(W·x)∘(V·x))
`,
  glu_split: `# Gated linear unit on two halves of one vector: the second half is the gate (torch.nn.functional.glu)
# Dauphin, Fan, Auli & Grangier 2017 (arXiv 1612.08083)
glu_split(x) → y
  a = split(x, 1, 2)
  b = split(x, 2, 2)
  y = a∘σ(b)
`,
  glu: `# Gated linear unit
# Dauphin, Fan, Auli & Grangier 2017 (arXiv 1612.08083), in the form of Shazeer 2020 (arXiv 2002.05202), eq. 4
glu(x) → y
  y = σ(W·x + b)∘(V·x + c)
`,
  gmlp: `# gMLP: half of the channels gates the other half, from all S positions of a sequence at once
# Liu, Dai, So & Le 2021, "Pay attention to MLPs" (arXiv 2105.08050), eq. 1-3; spatial weights begin near 0, their bias at 1
gmlp(x) → y
  z[s] = gelu(U·rms_norm(x[s]))
  u[s] = split(z[s], 1, 2)
  v[s] = layer_norm(split(z[s], 2, 2))
  g[s] = (Σ_r Ws[s,r] * v[r]) + bs[s]
  y[s] = x[s] + V·(u[s]∘g[s])
  where s ∈ 1..S, r ∈ 1..S, x ∈ ℝ^{S×D}
  where Ws[s,r] ∈ ℝ, bs[s] ∈ ℝ, Ws ~ uniform(-0.01, 0.01), bs ~ 1, gate g
`,
  gru_reset_after: `# Gated recurrent unit with the reset after the matrix product, z takes the new state
# Chung, Gulcehre, Cho & Bengio 2014 (arXiv 1412.3555), footnote 1
gru_reset_after(x) → h
  z = σ(Wz·x + Uz·h[t-1])
  r = σ(Wr·x + Ur·h[t-1])
  h̃ = tanh(W·x + r∘(U·h[t-1]))
  h = (1 - z)∘h[t-1] + z∘h̃
`,
  gru: `# Gated recurrent unit: reset before the matrix product, z takes the new state
# Chung, Gulcehre, Cho & Bengio 2014 (arXiv 1412.3555), section 3.2
gru(x) → h
  z = σ(Wz·x + Uz·h[t-1])
  r = σ(Wr·x + Ur·h[t-1])
  h̃ = tanh(W·x + U·(r∘h[t-1]))
  h = (1 - z)∘h[t-1] + z∘h̃
`,
  hgrn_complex: `# Hierarchically gated recurrent network, complex state turned by a learned angle θ, written as real and imaginary part
# Qin, Yang & Zhong 2023 (arXiv 2311.04823), section 3.2
hgrn_complex(u, v, p) → a, b
  λ = γ + (1 - γ)∘σ(p)
  a = λ∘(cos(θ)∘a[t-1] - sin(θ)∘b[t-1]) + (1 - λ)∘silu(u)
  b = λ∘(sin(θ)∘a[t-1] + cos(θ)∘b[t-1]) + (1 - λ)∘silu(v)
  where gate λ
`,
  hgrn_first: `# Hierarchically gated recurrent network, real state, first layer: no lower bound
# Qin, Yang & Zhong 2023 (arXiv 2311.04823), section 3.2; real form of flash-linear-attention (fla/layers/hgrn.py)
hgrn_first(u, p) → h
  f = σ(p)
  h = f∘h[t-1] + (1 - f)∘silu(u)
`,
  hgrn: `# Hierarchically gated recurrent network, real state, gate with a lower bound γ
# Qin, Yang & Zhong 2023 (arXiv 2311.04823), section 3.2; real form of flash-linear-attention (fla/layers/hgrn.py)
hgrn(u, p) → h
  f = γ + (1 - γ)∘σ(p)
  h = f∘h[t-1] + (1 - f)∘silu(u)
  where gate f
`,
  hgrn2: `# HGRN2: the forget gate of HGRN expands the state to a matrix by an outer product; the key is what the gate does not keep
# Qin et al. 2024 (arXiv 2404.07904), section 3.2; lower bound γ as in HGRN
hgrn2(x) → y
  q[n] = silu(Wq[n]·x)
  v[n] = Wv[n]·x
  f[n] = γ[n] + (1 - γ[n])∘σ(Wf[n]·x + bf[n])
  S[n] = diag(f[n])·S[n,t-1] + (1 - f[n])⊗v[n]
  o[n] = S[n]ᵀ·q[n]
  y = Σ_n Wo[n]·rms_norm(o[n])
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, gate f
`,
  highway: `# Highway layer: the transform gate decides how much of the layer passes, the rest carries the input on
# Srivastava, Greff & Schmidhuber 2015 (arXiv 1505.00387), eq. 3
highway(x) → y
  T = σ(WT·x + bT)
  H = tanh(WH·x + bH)
  y = H∘T + x∘(1 - T)
  where bT ~ -1
`,
  janet: `# JANET: a forget gate alone; what is kept and what is written need not sum to one (β = 1)
# van der Westhuizen & Lasenby 2018, "The unreasonable effectiveness of the forget gate" (arXiv 1804.04849), eq. 7-9
janet(x) → h
  s = Uf·h[t-1] + Wf·x + bf
  f = σ(s)
  i = 1 - σ(s - 1)
  h = f∘h[t-1] + i∘tanh(Uc·h[t-1] + Wc·x + bc)
  where bf ~ 1
`,
  kimi_delta_attention: `# Kimi delta attention: the delta rule on a state whose key channels each have a decay of their own, and a sigmoid gate at the output
# Kimi team 2025, "Kimi Linear" (arXiv 2510.26692), eq. 1 and 10; fla/ops/kda/naive.py; without its short convolutions
kimi_delta_attention(x) → y
  q[n] = normalize(silu(Wq[n]·x))
  k[n] = normalize(silu(Wk[n]·x))
  v[n] = silu(Wv[n]·x)
  log α[n] = -exp(A[n])*softplus(Wαu[n]·(Wαd·x) + δ[n])
  β[n] = σ(wβ[n]·x)
  P[n] = diag(α[n])·S[n,t-1]
  S[n] = P[n] - β[n]*(k[n]⊗(P[n]ᵀ·k[n])) + β[n]*(k[n]⊗v[n])
  o[n] = S[n]ᵀ·q[n] / √K
  g[n] = σ(Wgu[n]·(Wgd·x))
  y = Σ_n Wo[n]·(g[n]∘rms_norm(o[n]))
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, β[n], A[n] ∈ ℝ, Wαd, Wgd ∈ ℝ^{R×D}
  where A ~ uniform(0, 2.77), δ ~ uniform(-6.9, -2.25)
`,
  layer_norm_lstm: `# LSTM with layer normalisation of the two products of each gate and of the cell that is read
# Ba, Kiros & Hinton 2016 (arXiv 1607.06450), eq. 20-22, each gate normalised by itself
layer_norm_lstm(x) → h
  i = σ(ai∘layer_norm(Whi·h[t-1]) + di∘layer_norm(Wxi·x) + bi)
  f = σ(af∘layer_norm(Whf·h[t-1]) + df∘layer_norm(Wxf·x) + bf)
  o = σ(ao∘layer_norm(Who·h[t-1]) + do∘layer_norm(Wxo·x) + bo)
  g = tanh(ag∘layer_norm(Whg·h[t-1]) + dg∘layer_norm(Wxg·x) + bg)
  c = f∘c[t-1] + i∘g
  h = o∘tanh(ac∘layer_norm(c) + bc)
`,
  linear_scan: `# Diagonal linear recurrence with a given logarithm of the decay: the core that HGRN, RG-LRU and minGRU share
linear_scan(g, x) → h
  log a = g
  h = a∘h[t-1] + x
  where gate a
`,
  lstm_1997: `# Long short-term memory of 1997: no forget gate, one pair of gates for each block of cells, gates see gates; error goes back in time through the cells alone
# Hochreiter & Schmidhuber 1997 (Neural Computation 9:1735), section 4 and appendix A.1: g = 4σ - 2, h = 2σ - 1
lstm_1997(x) → y
  i = σ(Wi·x + Σ_e Uyi[e]·ȳ[e,t-1] + Uii·ī[t-1] + Uoi·ō[t-1] + bi)
  o = σ(Wo·x + Σ_e Uyo[e]·ȳ[e,t-1] + Uio·ī[t-1] + Uoo·ō[t-1] + bo)
  g[b] = 4*σ(Wc[b]·x + Σ_e Uyc[b,e]·ȳ[e,t-1] + Uic[b]·ī[t-1] + Uoc[b]·ō[t-1] + bc[b]) - 2
  s[b] = s[b,t-1] + i[b]*g[b]
  y[b] = o[b]*(2*σ(s[b]) - 1)
  ȳ[b] = stop_gradient(y[b])
  ī = stop_gradient(i)
  ō = stop_gradient(o)
  where b ∈ 1..B, e ∈ 1..B, s[b] ∈ ℝ^S
`,
  lstm_2000: `# Long short-term memory with forget gates: one of each gate for a block of cells; error goes back in time through the cells alone
# Gers, Schmidhuber & Cummins 2000, "Learning to forget" (Neural Computation 12:2451), eq. 1-9: g = 4σ - 2, h = 2σ - 1
lstm_2000(x) → y
  i = σ(Wi·x + Σ_e Ui[e]·ȳ[e,t-1] + bi)
  f = σ(Wf·x + Σ_e Uf[e]·ȳ[e,t-1] + bf)
  o = σ(Wo·x + Σ_e Uo[e]·ȳ[e,t-1] + bo)
  g[b] = 4*σ(Wc[b]·x + Σ_e Uc[b,e]·ȳ[e,t-1]) - 2
  s[b] = f[b]*s[b,t-1] + i[b]*g[b]
  y[b] = o[b]*(2*σ(s[b]) - 1)
  ȳ[b] = stop_gradient(y[b])
  where b ∈ 1..B, e ∈ 1..B, s[b] ∈ ℝ^S
`,
  lstm: `# Long short-term memory with a forget gate, without peepholes
# Hochreiter & Schmidhuber 1997 (Neural Computation 9:1735); forget gate: Gers, Schmidhuber & Cummins 2000 (Neural Computation 12:2451)
lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wxc·x + Whc·h[t-1] + bc)
  o = σ(Wxo·x + Who·h[t-1] + bo)
  h = o∘tanh(c)
  where bf ~ 1
`,
  mamba_2: `# Mamba-2: a matrix state for each head with one decay; B and C are shared by the heads; without its short convolutions
# Dao & Gu 2024 (arXiv 2405.21060), section 7.1
mamba_2(x) → y
  u[n] = silu(Wu[n]·x)
  z[n] = Wz[n]·x
  B = silu(WB·x)
  C = silu(WC·x)
  Δ[n] = softplus(wΔ[n]·x + bΔ[n])
  log a[n] = -Δ[n]*exp(Alog[n])
  S[n] = a[n]*S[n,t-1] + Δ[n]*(u[n]⊗B)
  o[n] = S[n]·C + D[n]*u[n]
  y = Σ_n Wo[n]·rms_norm(o[n]∘silu(z[n]))
  where n ∈ 1..N, x ∈ ℝ^M, y ∈ ℝ^M, u[n] ∈ ℝ^P, B ∈ ℝ^K, Δ[n], a[n], Alog[n], D[n] ∈ ℝ
  where Alog ~ uniform(0, 2.77), bΔ ~ uniform(-6.9, -2.25)
`,
  mamba_3: `# Mamba-3: decay α, a trapezoid λ between this step's input and the one before, and a rotation of keys and queries by an accumulated angle Φ
# Mamba-3, 2026 (arXiv 2603.15569), one input and one output; pairs of channels are the halves of k and q
mamba_3(x) → y
  z[n] = Wz[n]·x
  v[n] = Wv[n]·x
  Δ[n] = softplus(wΔ[n]·x + bΔ[n])
  log α[n] = -Δ[n]*softplus(wA[n]·x + bA[n])
  λ[n] = σ(wλ[n]·x)
  Φ[n] = Φ[n,t-1] + Δ[n]*(3.141592653589793*tanh(Wθ[n]·x))
  p1[n] = Wk1[n]·x + bk1[n]
  p2[n] = Wk2[n]·x + bk2[n]
  q1[n] = Wq1[n]·x + bq1[n]
  q2[n] = Wq2[n]·x + bq2[n]
  k̂[n] = [cos(Φ[n])∘p1[n] - sin(Φ[n])∘p2[n]; sin(Φ[n])∘p1[n] + cos(Φ[n])∘p2[n]]
  q̂[n] = [cos(Φ[n])∘q1[n] - sin(Φ[n])∘q2[n]; sin(Φ[n])∘q1[n] + cos(Φ[n])∘q2[n]]
  S[n] = α[n]*S[n,t-1] + (1 - λ[n])*Δ[n]*α[n]*(k̂[n,t-1]⊗v[n,t-1]) + λ[n]*Δ[n]*(k̂[n]⊗v[n])
  o[n] = (S[n]ᵀ·q̂[n] + D[n]*v[n])∘silu(z[n])
  y = Σ_n Wo[n]·o[n]
  where n ∈ 1..N, x ∈ ℝ^M, y ∈ ℝ^M, v[n] ∈ ℝ^V, Φ[n] ∈ ℝ^K, Δ[n], λ[n], α[n], D[n] ∈ ℝ
  where bΔ ~ uniform(-6.9, -2.25), bk1, bk2, bq1, bq2 ~ 1
`,
  mamba: `# Mamba: a selective state space; the step size Δ decides, channel by channel, how much of the state is kept and how much is written
# Gu & Dao 2023 (arXiv 2312.00752), section 3; mamba_ssm/modules/mamba_simple.py
mamba(x) → y
  p = Win·x
  z = Wz·x
  u = silu(Wc ∗ p + bc)
  Δ = softplus(WΔ2·(WΔ1·u) + bΔ)
  B = WB·u
  C = WC·u
  A = -exp(Alog)
  log Ā = diag(Δ)·A
  h = Ā∘h[t-1] + (Δ∘u)⊗B
  y = Wo·((h·C + D∘u)∘silu(z))
  where Wc : kernel 4, depthwise, x ∈ ℝ^M, y ∈ ℝ^M, u ∈ ℝ^E, B ∈ ℝ^N, WΔ1 ∈ ℝ^{R×E}
  where Alog ~ uniform(0, 2.77), bΔ ~ uniform(-6.9, -2.25), gate Ā
`,
  mamba2_core: `# State-space duality of Mamba-2, the recurrence alone: one decay for each head; the heads of a group share B and C
# Dao & Gu 2024 (arXiv 2405.21060), section 7; mamba_ssm/modules/ssd_minimal.py
mamba2_core(x, dt, B, C) → y
  Δ[g,n] = softplus(dt[g,n] + b[g,n])
  log a[g,n] = Δ[g,n]*A[g,n]
  S[g,n] = a[g,n]*S[g,n,t-1] + Δ[g,n]*(x[g,n]⊗B[g])
  y[g,n] = S[g,n]·C[g] + D[g,n]*x[g,n]
  where g ∈ 1..G, n ∈ 1..N, dt[g,n], A[g,n], D[g,n] ∈ ℝ, x[g,n] ∈ ℝ^P, gate a
`,
  mgu: `# Minimal gated unit: one gate resets and updates
# Zhou, Wu, Zhang & Zhou 2016 (arXiv 1603.09420), eq. 6
mgu(x) → h
  f = σ(Wf·x + Uf·h[t-1] + bf)
  h̃ = tanh(Wh·x + Uh·(f∘h[t-1]) + bh)
  h = (1 - f)∘h[t-1] + f∘h̃
`,
  mingru_positive: `# minGRU with a positive candidate, as its log-space form needs
# Feng et al. 2024 (arXiv 2410.01201), appendix B: g(a) = a + 0.5 if a ≥ 0, else σ(a)
mingru_positive(x) → h
  z = σ(Wz·x + bz)
  a = Wh·x + bh
  h̃ = relu(a) + min(σ(a), 0.5)
  h = (1 - z)∘h[t-1] + z∘h̃
`,
  mingru: `# minGRU: the gate sees the input only, so the recurrence is linear
# Feng et al. 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.1
mingru(x) → h
  z = σ(Wz·x + bz)
  h̃ = Wh·x + bh
  h = (1 - z)∘h[t-1] + z∘h̃
`,
  minlstm_positive: `# minLSTM with a positive candidate, as its log-space form needs: g(a) = a + 0.5 if a ≥ 0, else σ(a)
# Feng et al. 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.2 and appendix B
minlstm_positive(x) → h
  k_f = log_σ(Wf·x + bf)
  k_i = log_σ(Wi·x + bi)
  f′ = σ(k_f - k_i)
  i′ = σ(k_i - k_f)
  a = Wh·x + bh
  h̃ = relu(a) + min(σ(a), 0.5)
  h = f′∘h[t-1] + i′∘h̃
`,
  minlstm_unnormalised: `# minLSTM without the normalisation of its gates
# Feng et al. 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.2, before its last step
minlstm_unnormalised(x) → h
  f′ = σ(Wf·x + bf)
  i′ = σ(Wi·x + bi)
  h̃ = Wh·x + bh
  h = f′∘h[t-1] + i′∘h̃
`,
  minlstm: `# minLSTM: forget and input gate see the input only and are made to sum to one; f′ = f/(f + i), formed from logarithms
# Feng et al. 2024, "Were RNNs all we needed?" (arXiv 2410.01201), section 3.2 and appendix B
minlstm(x) → h
  k_f = log_σ(Wf·x + bf)
  k_i = log_σ(Wi·x + bi)
  f′ = σ(k_f - k_i)
  i′ = σ(k_i - k_f)
  h̃ = Wh·x + bh
  h = f′∘h[t-1] + i′∘h̃
`,
  mixed_model: `# A layer of a language model: what mixes time steps, then a gated feed-forward layer, each with a norm before it and a residual around it
layer(mix, x) → y
  a = x + mix(rms_norm(x))
  y = a + swiglu_ffn(rms_norm(a))

# Language model of several mechanisms: two gated delta layers, then one of attention
mixed_model(token) → logits
  e = E[token]
  d = repeat 2 layer(gated_delta_net, e)
  h = layer(attention, d)
  logits = Wy·rms_norm(h) + by
  loss = cross_entropy(logits, token[t+1])
`,
  mlstm_core: `# mLSTM, the recurrence alone: matrix memory with exponential gates, kept from overflow by the running maximum m
# Beck et al. 2024, "xLSTM" (arXiv 2405.04517), eq. 19-27
mlstm_core(q, k, v, ĩ, f̃, õ) → h
  l[j] = log_σ(f̃[j])
  m[j] = max(l[j] + m[j,t-1], ĩ[j])
  f[j] = exp(l[j] + m[j,t-1] - m[j])
  i[j] = exp(ĩ[j] - m[j])
  C[j] = f[j]*C[j,t-1] + i[j]*(v[j]⊗k[j] / √K)
  n[j] = f[j]*n[j,t-1] + i[j]*(k[j] / √K)
  h̃[j] = C[j]·q[j] / max(|n[j]·q[j]|, exp(-m[j]))
  o[j] = σ(õ[j])
  h[j] = o[j]∘h̃[j]
  where j ∈ 1..N, q[j] ∈ ℝ^K, ĩ[j], f̃[j], f[j], i[j] ∈ ℝ, gate i, f
`,
  mlstm: `# mLSTM: matrix memory with exponential gates, kept from overflow by the running maximum m; n normalises what is read
# Beck et al. 2024, "xLSTM" (arXiv 2405.04517), eq. 19-27
mlstm(x) → h
  q[j] = Wq[j]·x
  k[j] = Wk[j]·x / √K
  v[j] = Wv[j]·x
  ĩ[j] = wi[j]·x + bi[j]
  l[j] = log_σ(wf[j]·x + bf[j])
  m[j] = max(l[j] + m[j,t-1], ĩ[j])
  f[j] = exp(l[j] + m[j,t-1] - m[j])
  i[j] = exp(ĩ[j] - m[j])
  C[j] = f[j]*C[j,t-1] + i[j]*(v[j]⊗k[j])
  n[j] = f[j]*n[j,t-1] + i[j]*k[j]
  h̃[j] = C[j]·q[j] / max(|n[j]·q[j]|, exp(-m[j]))
  o[j] = σ(Wo[j]·x + bo[j])
  h[j] = o[j]∘h̃[j]
  where j ∈ 1..N, q[j] ∈ ℝ^K, v[j] ∈ ℝ^V, ĩ[j], f[j], i[j] ∈ ℝ, bf ~ uniform(3, 6), gate i, f
`,
  moe: `# Mixture of experts: the k greatest logits, then a softmax over these
# Shazeer et al. 2017, "Outrageously large neural networks" (arXiv 1701.06538), eq. 1, 3 and 5
moe(x) → y
  l = Wg·x
  G = softmax(top_k(l, 2))
  y = Σ_e G[e] * (W[e]·x + b[e])
  where e ∈ 1..E
`,
  mogrifier_lstm: `# Mogrifier LSTM: before each step, input and state gate one another, here in four rounds
# Melis, Kocisky & Blunsom 2020 (arXiv 1909.01792), eq. 1-2
mogrifier_lstm(x) → h
  x1 = 2*σ(Q1·h[t-1])∘x
  h1 = 2*σ(R2·x1)∘h[t-1]
  x3 = 2*σ(Q3·h1)∘x1
  h3 = 2*σ(R4·x3)∘h1
  f = σ(Wfx·x3 + Wfh·h3 + bf)
  i = σ(Wix·x3 + Wih·h3 + bi)
  j = tanh(Wjx·x3 + Wjh·h3 + bj)
  o = σ(Wox·x3 + Woh·h3 + bo)
  c = f∘c[t-1] + i∘j
  h = o∘tanh(c)
`,
  multihead_attention: `# Attention with several heads and biases, and its weights averaged over the heads (torch.nn.MultiheadAttention)
# Vaswani et al. 2017, "Attention is all you need" (arXiv 1706.03762), section 3.2.2
multihead_attention(query) → y, attn
  q[n] = Wq[n]·query + bq[n]
  k[n] = Wk[n]·query + bk[n]
  v[n] = Wv[n]·query + bv[n]
  a[n,s] = softmax_s(q[n]·k[n,s] / √K)
  o[n] = Σ_s a[n,s] * v[n,s]
  y = Σ_n Wo[n]·o[n] + bo
  attn[s] = mean_n(a[n,s])
  where s ≤ t, n ∈ 1..N, q[n] ∈ ℝ^K
`,
  noisy_moe: `# Mixture of experts with noisy top-k gating: noise, given with the input, is scaled by a learned deviation
# Shazeer et al. 2017, "Outrageously large neural networks" (arXiv 1701.06538), eq. 3-5
noisy_moe(x, ε) → y
  l = Wg·x + ε∘softplus(Wn·x)
  G = softmax(top_k(l, 2))
  y = Σ_e G[e] * (W[e]·x + b[e])
  where e ∈ 1..E
`,
  odyssey_cifg: `# LSTM with coupled input and forget gate (CIFG)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: f = 1 - i
odyssey_cifg(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = σ(Wi·x + Ri·y[t-1] + p_i∘c[t-1] + bi)
  f = 1 - i
  c = z∘i + c[t-1]∘f
  o = σ(Wo·x + Ro·y[t-1] + p_o∘c + bo)
  y = tanh(c)∘o
`,
  odyssey_fgr: `# LSTM with full gate recurrence (FGR): the gates see the gates of the step before
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: nine more matrices, as in the LSTM of 1997
odyssey_fgr(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = σ(Wi·x + Ri·y[t-1] + p_i∘c[t-1] + bi + Rii·i[t-1] + Rfi·f[t-1] + Roi·o[t-1])
  f = σ(Wf·x + Rf·y[t-1] + p_f∘c[t-1] + bf + Rif·i[t-1] + Rff·f[t-1] + Rof·o[t-1])
  c = z∘i + c[t-1]∘f
  o = σ(Wo·x + Ro·y[t-1] + p_o∘c + bo + Rio·i[t-1] + Rfo·f[t-1] + Roo·o[t-1])
  y = tanh(c)∘o
  where bf ~ 1
`,
  odyssey_nfg: `# LSTM without forget gate (NFG)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: f = 1
odyssey_nfg(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = σ(Wi·x + Ri·y[t-1] + p_i∘c[t-1] + bi)
  f = 1
  c = z∘i + c[t-1]*f
  o = σ(Wo·x + Ro·y[t-1] + p_o∘c + bo)
  y = tanh(c)∘o
  where c ∈ ℝ^H
`,
  odyssey_niaf: `# LSTM without input activation function (NIAF)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: g(x) = x
odyssey_niaf(x) → y
  z = Wz·x + Rz·y[t-1] + bz
  i = σ(Wi·x + Ri·y[t-1] + p_i∘c[t-1] + bi)
  f = σ(Wf·x + Rf·y[t-1] + p_f∘c[t-1] + bf)
  c = z∘i + c[t-1]∘f
  o = σ(Wo·x + Ro·y[t-1] + p_o∘c + bo)
  y = tanh(c)∘o
  where bf ~ 1
`,
  odyssey_nig: `# LSTM without input gate (NIG)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: i = 1
odyssey_nig(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = 1
  f = σ(Wf·x + Rf·y[t-1] + p_f∘c[t-1] + bf)
  c = z*i + c[t-1]∘f
  o = σ(Wo·x + Ro·y[t-1] + p_o∘c + bo)
  y = tanh(c)∘o
  where bf ~ 1
`,
  odyssey_noaf: `# LSTM without output activation function (NOAF)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: h(x) = x
odyssey_noaf(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = σ(Wi·x + Ri·y[t-1] + p_i∘c[t-1] + bi)
  f = σ(Wf·x + Rf·y[t-1] + p_f∘c[t-1] + bf)
  c = z∘i + c[t-1]∘f
  o = σ(Wo·x + Ro·y[t-1] + p_o∘c + bo)
  y = c∘o
  where bf ~ 1
`,
  odyssey_nog: `# LSTM without output gate (NOG)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: o = 1
odyssey_nog(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = σ(Wi·x + Ri·y[t-1] + p_i∘c[t-1] + bi)
  f = σ(Wf·x + Rf·y[t-1] + p_f∘c[t-1] + bf)
  c = z∘i + c[t-1]∘f
  o = 1
  y = tanh(c)*o
  where bf ~ 1, y ∈ ℝ^H
`,
  odyssey_np: `# LSTM without peepholes (NP)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), variant: no peepholes
odyssey_np(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = σ(Wi·x + Ri·y[t-1] + bi)
  f = σ(Wf·x + Rf·y[t-1] + bf)
  c = z∘i + c[t-1]∘f
  o = σ(Wo·x + Ro·y[t-1] + bo)
  y = tanh(c)∘o
  where bf ~ 1
`,
  odyssey_v: `# Vanilla LSTM: three gates, peepholes, tanh at input and output (V)
# Greff et al. 2015, "LSTM: a search space odyssey" (arXiv 1503.04069), the LSTM of its section II
odyssey_v(x) → y
  z = tanh(Wz·x + Rz·y[t-1] + bz)
  i = σ(Wi·x + Ri·y[t-1] + p_i∘c[t-1] + bi)
  f = σ(Wf·x + Rf·y[t-1] + p_f∘c[t-1] + bf)
  c = z∘i + c[t-1]∘f
  o = σ(Wo·x + Ro·y[t-1] + p_o∘c + bo)
  y = tanh(c)∘o
  where bf ~ 1
`,
  peephole_lstm: `# LSTM with diagonal peepholes: the gates see the cell, the output gate the new one
# Gers & Schmidhuber 2000 (IJCNN); in the notation of Graves 2013 (arXiv 1308.0850), eq. 7-11
peephole_lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + wci∘c[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + wcf∘c[t-1] + bf)
  g = tanh(Wxc·x + Whc·h[t-1] + bc)
  c = f∘c[t-1] + i∘g
  o = σ(Wxo·x + Who·h[t-1] + wco∘c + bo)
  h = o∘tanh(c)
  where bf ~ 1
`,
  qrnn: `# Quasi-recurrent network with fo-pooling: convolutions over time make candidate and gates, so the recurrence is elementwise and linear
# Bradbury, Merity, Xiong & Socher 2017 (arXiv 1611.01576), eq. 1-4
qrnn(x) → h
  z = tanh(Wz ∗ x)
  f = σ(Wf ∗ x)
  o = σ(Wo ∗ x)
  c = f∘c[t-1] + (1 - f)∘z
  h = o∘c
  where Wz, Wf, Wo : kernel 2
`,
  recurrent_highway: `# A highway layer between two micro-steps of the same time step
micro_step(s) → y
  H = tanh(RH·s + bH)
  T = σ(RT·s + bT)
  y = H∘T + s∘(1 - T)
  where bT ~ -2

# Recurrent highway network of depth 3: three highway layers within each step; the input enters the first
# Zilly, Srivastava, Koutnik & Schmidhuber 2017 (arXiv 1607.03474), eq. 7-9, with the carry gate 1 - T
recurrent_highway(x) → s3
  H1 = tanh(WH·x + RH·s3[t-1] + bH)
  T1 = σ(WT·x + RT·s3[t-1] + bT)
  s1 = H1∘T1 + s3[t-1]∘(1 - T1)
  s2 = micro_step(s1)
  s3 = micro_step(s2)
  where bT ~ -2
`,
  recurrentgemma_rg_lru: `# Real-gated linear recurrent unit as RecurrentGemma runs it: s is 1 at the first token of a document, where the state begins anew
# De et al. 2024, "Griffin" (arXiv 2402.19427), eq. 1-4; google-deepmind/recurrentgemma, class RGLRU: a = σ(-Λ)
recurrentgemma_rg_lru(x, s) → h
  r = σ(Wa·x + ba)
  i = σ(Wx·x + bx)
  log α = -8*r∘softplus(Λ)
  a = (1 - s)*α
  m = s + (1 - s)*√(1 - α^2)
  h = a∘h[t-1] + m∘(i∘x)
  where s ∈ ℝ, gate a
`,
  reglu_ffn: `# Feed-forward layer of Transformers: ReGLU: a gated linear unit with relu, then a matrix
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 6
reglu_ffn(x) → y
  y = W2·(relu(W·x)∘(V·x))
`,
  reglu: `# ReGLU: a gated linear unit with relu
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 5
reglu(x) → y
  y = relu(W·x + b)∘(V·x + c)
`,
  relu_rnn: `# Recurrent network of rectified linear units, no gate: Le, Jaitly & Hinton 2015 (arXiv 1504.00941)
relu_rnn(x) → h
  h = relu(W·x + U·h[t-1] + b)
`,
  retention: `# Retention, the recurrence alone: a fixed decay for each head, 1 - 2^(-5-n)
# Sun et al. 2023, "Retentive network" (arXiv 2307.08621), eq. 6 and 8; no rotation, no group norm
retention(q, k, v) → o
  γ[n] = 1 - 2^(-5 - n)
  S[n] = γ[n]*S[n,t-1] + k[n]⊗v[n]
  o[n] = S[n]ᵀ·q[n] / √K
  where n ∈ 0..N-1, q[n] ∈ ℝ^K, γ[n] ∈ ℝ, gate γ
`,
  retnet: `# Multi-scale retention: linear attention with a fixed decay for each head and a gate at the output; without its rotation of keys and queries
# Sun et al. 2023, "Retentive network" (arXiv 2307.08621), eq. 6-8
retnet(x) → y
  q[n] = Wq[n]·x
  k[n] = Wk[n]·x
  v[n] = Wv[n]·x
  γ[n] = 1 - 2^(-5 - n)
  S[n] = γ[n]*S[n,t-1] + k[n]⊗v[n]
  o[n] = S[n]ᵀ·q[n] / √K
  y = Σ_n Wo[n]·(silu(Wg[n]·x)∘layer_norm(o[n]))
  where n ∈ 0..N-1, x ∈ ℝ^D, y ∈ ℝ^D, q[n] ∈ ℝ^K, v[n] ∈ ℝ^V, γ[n] ∈ ℝ, gate γ
`,
  rg_lru: `# Real-gated linear recurrent unit
# De et al. 2024, "Griffin" (arXiv 2402.19427), eq. 1-4, with c = 8 and a = σ(Λ)
rg_lru(x) → h
  r = σ(Wa·x + ba)
  i = σ(Wx·x + bx)
  log a = 8*r∘log_σ(Λ)
  m = √(1 - a^2)
  h = a∘h[t-1] + m∘(i∘x)
`,
  rwkv6_core: `# RWKV-6 (Finch), the recurrence alone: the read-out sees the old state and, through the bonus u, the current token; then the state decays
# Peng et al. 2024, "Eagle and Finch" (arXiv 2404.05892), eq. 17-19; fla/ops/rwkv6/recurrent_naive.py
rwkv6_core(r, k, v, d) → o
  log w[n] = -exp(d[n])
  o[n] = (S[n,t-1] + diag(u[n])·(k[n]⊗v[n]))ᵀ·r[n]
  S[n] = diag(w[n])·S[n,t-1] + k[n]⊗v[n]
  where n ∈ 1..N, r[n] ∈ ℝ^K
`,
  rwkv6: `# RWKV-6 (Finch), time mixing: token shift by amounts that depend on the data, then decay w over key channels and a bonus u for the current token
# Peng et al. 2024, "Eagle and Finch" (arXiv 2404.05892), eq. 10-20
rwkv6(x) → y
  d = x[t-1] - x
  m = x + μx∘d
  xr = x + d∘(λr + Br·tanh(Ar·m))
  xk = x + d∘(λk + Bk·tanh(Ak·m))
  xv = x + d∘(λv + Bv·tanh(Av·m))
  xw = x + d∘(λw + Bw·tanh(Aw·m))
  xg = x + d∘(λg + Bg·tanh(Ag·m))
  r[n] = Wr[n]·xr
  k[n] = Wk[n]·xk
  v[n] = Wv[n]·xv
  log w[n] = -exp(w0[n] + Dw[n]·tanh(Cw·xw))
  o[n] = (S[n,t-1] + diag(u[n])·(k[n]⊗v[n]))ᵀ·r[n]
  S[n] = diag(w[n])·S[n,t-1] + k[n]⊗v[n]
  y = Σ_n Wo[n]·(silu(Wg[n]·xg)∘layer_norm(o[n]))
  where n ∈ 1..N, x ∈ ℝ^D, y ∈ ℝ^D, r[n] ∈ ℝ^K, v[n] ∈ ℝ^V, Ar, Ak, Av, Aw, Ag, Cw ∈ ℝ^{R×D}
  where μx, λr, λk, λv, λw, λg ~ 0.5, w0 ~ uniform(-6, -1)
`,
  rwkv7: `# RWKV-7 (Goose), time mixing of the first layer: vector decay w, and a rank-one removal whose learning rate a is a vector too
# Peng et al. 2025 (arXiv 2503.14456), eq. 3-17; RWKV-v7/rwkv_v7_numpy.py
rwkv7(x) → y
  d = x[t-1] - x
  xr = x + μr∘d
  xw = x + μw∘d
  xk = x + μk∘d
  xv = x + μv∘d
  xa = x + μa∘d
  xg = x + μg∘d
  r[n] = Wr[n]·xr
  l[n] = σ(w0[n] + Bw[n]·tanh(Aw·xw))
  log w[n] = -0.6065306597126334*l[n]
  k[n] = Wk[n]·xk
  v[n] = Wv[n]·xv
  a[n] = σ(a0[n] + Ba[n]·(Aa·xa))
  g[n] = Bg[n]·σ(Ag·xg)
  κ[n] = normalize(k[n]∘ξ[n], 1e-24)
  k̃[n] = k[n] + k[n]∘(a[n] - 1)∘α[n]
  S[n] = S[n,t-1]·diag(w[n]) - (S[n,t-1]·κ[n])⊗(a[n]∘κ[n]) + v[n]⊗k̃[n]
  o[n] = γ[n]∘layer_norm(S[n]·r[n], 0.00064) + η[n] + sum(r[n]∘k̃[n]∘ρ[n])*v[n]
  y = Σ_n Wo[n]·(g[n]∘o[n])
  where n ∈ 1..N, y ∈ ℝ^D, x ∈ ℝ^D, r[n] ∈ ℝ^K, v[n] ∈ ℝ^K, Aw, Aa, Ag ∈ ℝ^{R×D}
  where μr, μw, μk, μv, μa, μg ~ 0.5, η ~ 0
`,
  scaled_dot_product: `# Scaled dot-product attention: a softmax over positions decides how much of each value passes; the queries of a group share keys and values
# Vaswani et al. 2017, "Attention is all you need" (arXiv 1706.03762), eq. 1; groups: Ainslie et al. 2023 (arXiv 2305.13245)
scaled_dot_product(q, k, v) → o
  a[g,m,s] = softmax_s(q[g,m]·k[g,s] / √K)
  o[g,m] = Σ_s a[g,m,s] * v[g,s]
  where s ≤ t, g ∈ 1..G, m ∈ 1..M
  where q ∈ ℝ^{G×M×K}, k ∈ ℝ^{G×K}, v ∈ ℝ^{G×V}
`,
  selective_scan_grouped: `# Selective scan of Mamba with its channels in groups: those of a group share B and C
# Gu & Dao 2023 (arXiv 2312.00752), algorithm 2; groups as in mamba_ssm/ops/selective_scan_interface.py (selective_scan_ref)
selective_scan_grouped(u, δ, B, C, z) → y
  Δ[g,d] = softplus(δ[g,d] + b[g,d])
  log Ā[g,d] = Δ[g,d]*A[g,d]
  x[g,d] = Ā[g,d]∘x[g,d,t-1] + (Δ[g,d]*u[g,d])*B[g]
  y[g,d] = (x[g,d]·C[g] + D[g,d]*u[g,d])*silu(z[g,d])
  where g ∈ 1..G, d ∈ 1..P, u[g,d], b[g,d], D[g,d], z[g,d], δ[g,d] ∈ ℝ, A[g,d], B[g], C[g] ∈ ℝ^N, gate Ā
`,
  selective_scan: `# Selective scan of Mamba: the step size Δ decides, channel by channel, how much of the state is kept and how much is written
# Gu & Dao 2023 (arXiv 2312.00752), algorithm 2; input term Δ∘u as in mamba_ssm/ops/selective_scan_interface.py (selective_scan_ref)
selective_scan(u, δ, B, C, z) → y
  Δ = softplus(δ + b)
  log Ā = diag(Δ)·A
  x = Ā∘x[t-1] + (Δ∘u)⊗B
  y = (x·C + D∘u)∘silu(z)
  where gate Ā
`,
  sigmoid_moe: `# Mixture of experts with sigmoid scores: every expert is judged by itself, the k best are weighed by their share of the scores
# DeepSeek-AI 2024 (arXiv 2412.19437), eq. 13-15, without the balancing bias
sigmoid_moe(x) → y
  s = σ(Wr·x)
  c = among_top(s, 2)
  G = s∘c / sum(s∘c)
  y = Σ_e G[e] * (W2[e]·(silu(W1[e]·x)∘(W3[e]·x)))
  where e ∈ 1..E, gate G
`,
  slstm: `# sLSTM: exponential gates, a normaliser n, and the running maximum m that keeps both from overflow; heads do not mix in the recurrence
# Beck et al. 2024, "xLSTM" (arXiv 2405.04517), eq. 8-18
slstm(x) → h
  z = tanh(Wz·x + Rz·h[t-1] + bz)
  ĩ = Wi·x + Ri·h[t-1] + bi
  f̃ = Wf·x + Rf·h[t-1] + bf
  o = σ(Wo·x + Ro·h[t-1] + bo)
  l = log_σ(f̃)
  m = max(l + m[t-1], ĩ)
  f = exp(l + m[t-1] - m)
  i = exp(ĩ - m)
  c = f∘c[t-1] + i∘z
  n = f∘n[t-1] + i
  h = o∘(c / n)
  where Rz, Ri, Rf, Ro : block_diagonal N, m[0] = -1e30, gate i, f
`,
  squeeze_excite: `# Squeeze-and-excitation: each channel of a map gated by what the whole map holds
# Hu, Shen & Sun 2018, "Squeeze-and-excitation networks" (arXiv 1709.01507), eq. 2-4
squeeze_excite(x) → y
  z[c] = mean(x[c])
  s = σ(W2·relu(W1·z + b1) + b2)
  y[c] = s[c] * x[c]
  where c ∈ 1..C, x ∈ ℝ^{C×Y×X}
`,
  sru: `# Simple recurrent unit: the gates see the cell through a vector only, the second one is a highway around it
# Lei, Zhang, Wang, Dai & Artzi 2018 (arXiv 1709.02755), eq. 1-4
sru(x) → h
  f = σ(Wf·x + vf∘c[t-1] + bf)
  c = f∘c[t-1] + (1 - f)∘(W·x)
  r = σ(Wr·x + vr∘c[t-1] + br)
  h = r∘c + (1 - r)∘x
`,
  swiglu_ffn: `# Feed-forward layer of Transformers: SwiGLU: a gated linear unit with SiLU (Swish of β = 1), then a matrix
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 6
swiglu_ffn(x) → y
  y = W2·(silu(W·x)∘(V·x))
`,
  swiglu: `# SwiGLU: a gated linear unit with SiLU (Swish of β = 1)
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 5
swiglu(x) → y
  y = silu(W·x + b)∘(V·x + c)
`,
  swish_glu: `# SwiGLU with Swish of a given or trained β: swish(a) = a∘σ(β a)
# Shazeer 2020, "GLU variants improve Transformer" (arXiv 2002.05202), eq. 5; Swish: Ramachandran, Zoph & Le 2017 (arXiv 1710.05941)
swish_glu(x) → y
  a = W·x + b
  y = a∘σ(β*a)∘(V·x + c)
  where β ∈ ℝ, β ~ 1
`,
  switch: `# Switch layer: the most probable expert of a softmax over all, weighted by its probability
# Fedus, Zoph & Shazeer 2022, "Switch transformers" (arXiv 2101.03961), eq. 1-2
switch(x) → y
  l = Wg·x + bg
  p = softmax(l)
  G = p∘among_top(p, 1)
  y = Σ_e G[e] * (W[e]·x + b[e])
  where e ∈ 1..E
`,
  tanh_rnn: `# Simple recurrent network, no gate: Elman 1990 (Cognitive Science 14:179)
tanh_rnn(x) → h
  h = tanh(W·x + U·h[t-1] + b)
`,
  torch_gru: `# GRU as torch.nn.GRU defines it: reset after the matrix product, z keeps the old state (equations of the PyTorch documentation)
# Cho et al. 2014 (arXiv 1406.1078 v1)
torch_gru(x) → h
  r = σ(Wir·x + bir + Whr·h[t-1] + bhr)
  z = σ(Wiz·x + biz + Whz·h[t-1] + bhz)
  n = tanh(Win·x + bin + r∘(Whn·h[t-1] + bhn))
  h = (1 - z)∘n + z∘h[t-1]
`,
  torch_lstm_projection: `# LSTM with a projected output, as torch.nn.LSTM(proj_size) defines it: Sak, Senior & Beaufays 2014 (arXiv 1402.1128)
torch_lstm_projection(x) → h
  i = σ(Wii·x + bii + Whi·h[t-1] + bhi)
  f = σ(Wif·x + bif + Whf·h[t-1] + bhf)
  g = tanh(Wig·x + big + Whg·h[t-1] + bhg)
  o = σ(Wio·x + bio + Who·h[t-1] + bho)
  c = f∘c[t-1] + i∘g
  h = Whr·(o∘tanh(c))
  where bif ~ 1, bhf ~ 0
`,
  torch_lstm: `# LSTM as torch.nn.LSTM defines it: two biases per gate (equations of the PyTorch documentation)
torch_lstm(x) → h
  i = σ(Wii·x + bii + Whi·h[t-1] + bhi)
  f = σ(Wif·x + bif + Whf·h[t-1] + bhf)
  g = tanh(Wig·x + big + Whg·h[t-1] + bhg)
  o = σ(Wio·x + bio + Who·h[t-1] + bho)
  c = f∘c[t-1] + i∘g
  h = o∘tanh(c)
  where bif ~ 1, bhf ~ 0
`,
  torch_rnn: `# Simple recurrent network as torch.nn.RNN defines it (equations of the PyTorch documentation): Elman 1990 (Cognitive Science 14:179)
torch_rnn(x) → h
  h = tanh(Wih·x + bih + Whh·h[t-1] + bhh)
`,
  ur_lstm: `# UR-LSTM: a refine gate r moves the forget gate f within f² and 1 - (1 - f)², so that the effective gate g reaches 0 and 1 with unsaturated f
# Gu, Gulcehre, Paine, Hoffman & Pascanu 2020 (arXiv 1910.09890), eq. 7-12
ur_lstm(x) → h
  f = σ(Wf·x + Uf·h[t-1] + bf)
  r = σ(Wr·x + Ur·h[t-1] - bf)
  g = r∘(1 - (1 - f)^2) + (1 - r)∘f^2
  u = tanh(Wu·x + Uu·h[t-1] + bu)
  c = g∘c[t-1] + (1 - g)∘u
  o = σ(Wo·x + Uo·h[t-1] + bo)
  h = o∘tanh(c)
  where bf ~ uniform_gate
`,
  wavenet_conditioned: `# Gated activation unit of WaveNet with a global condition h, given once for a sequence
# van den Oord et al. 2016 (arXiv 1609.03499), section 2.5
wavenet_conditioned(x, h) → z
  g = σ(Wg ∗ x + bg + Vg·h)
  z = tanh(Wf ∗ x + bf + Vf·h)∘g
  where h : static
  where Wf, Wg : kernel 2, dilation 1
`,
  wavenet_layer: `# Layer of WaveNet: gated activation unit, residual and skip connection
# van den Oord et al. 2016 (arXiv 1609.03499), figure 4
wavenet_layer(x) → residual, skip
  g = σ(Wg ∗ x + bg)
  z = tanh(Wf ∗ x + bf)∘g
  residual = x + Wres·z + bres
  skip = Wskip·z + bskip
  where Wf, Wg : kernel 2, dilation 2
`,
  wavenet: `# Gated activation unit of WaveNet, a dilated causal convolution
# van den Oord et al. 2016, "WaveNet: a generative model for raw audio" (arXiv 1609.03499), eq. 2
wavenet(x) → z
  g = σ(Wg ∗ x + bg)
  z = tanh(Wf ∗ x + bf)∘g
  where Wf, Wg : kernel 2, dilation 1
`,
  zoneout_lstm: `# LSTM with zoneout: in training every unit keeps its old value with a fixed probability, afterwards the mean of keeping and changing
# Krueger et al. 2017 (arXiv 1606.01305), eq. 5-6, with the probabilities of its character model of Penn Treebank
zoneout_lstm(x) → h
  i = σ(Wxi·x + Whi·h[t-1] + bi)
  f = σ(Wxf·x + Whf·h[t-1] + bf)
  o = σ(Wxo·x + Who·h[t-1] + bo)
  g = tanh(Wxg·x + Whg·h[t-1] + bg)
  ĉ = f∘c[t-1] + i∘g
  c = zoneout(ĉ, c[t-1], 0.5)
  h = zoneout(o∘tanh(ĉ), h[t-1], 0.05)
`,
} as const satisfies Readonly<Record<string, string>>;
