/**
 * The standard mechanisms: name → equations. Made by scripts/mechanisms.mjs from the .gate files of this folder; edit those.
 */
export const MECHANISM_TEXTS = {
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
  highway: `# Highway layer: the transform gate decides how much of the layer passes, the rest carries the input on
# Srivastava, Greff & Schmidhuber 2015 (arXiv 1505.00387), eq. 3
highway(x) → y
  T = σ(WT·x + bT)
  H = tanh(WH·x + bH)
  y = H∘T + x∘(1 - T)
  where bT ~ -1
`,
  linear_scan: `# Diagonal linear recurrence with a given logarithm of the decay: the core that HGRN, RG-LRU and minGRU share
linear_scan(g, x) → h
  log a = g
  h = a∘h[t-1] + x
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
  recurrentgemma_rg_lru: `# Real-gated linear recurrent unit as RecurrentGemma runs it: s is 1 at the first token of a document, where the state begins anew
# De et al. 2024, "Griffin" (arXiv 2402.19427), eq. 1-4; google-deepmind/recurrentgemma, class RGLRU: a = σ(-Λ)
recurrentgemma_rg_lru(x, s) → h
  r = σ(Wa·x + ba)
  i = σ(Wx·x + bx)
  log α = -8*r∘softplus(Λ)
  a = (1 - s)*α
  m = s + (1 - s)*√(1 - α^2)
  h = a∘h[t-1] + m∘(i∘x)
  where s ∈ ℝ
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
  rg_lru: `# Real-gated linear recurrent unit
# De et al. 2024, "Griffin" (arXiv 2402.19427), eq. 1-4, with c = 8 and a = σ(Λ)
rg_lru(x) → h
  r = σ(Wa·x + ba)
  i = σ(Wx·x + bx)
  log a = 8*r∘log_σ(Λ)
  m = √(1 - a^2)
  h = a∘h[t-1] + m∘(i∘x)
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
} as const satisfies Readonly<Record<string, string>>;
