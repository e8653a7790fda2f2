/**
 * Catalogue of what is wrong with the meaning of a text: E1xx names, E2xx shapes, E3xx time, and W1xx, W2xx for what is legal but probably not meant.
 * Reported by phase 2.
 */
import type { CatalogueEntry } from "./entry.ts";

export const MEANING = {
  E101: {
    title: "Name defined twice",
    explanation: "Each name is defined once; the order of lines does not matter. Rename one of the two, or delete it.",
  },
  E102: {
    title: "Input defined, or named twice",
    explanation: "What the header names as an input comes from outside. Take it out of the header to define it, or give the definition another name.",
  },
  E103: {
    title: "State that is never defined",
    explanation:
      "A name read at another time (`h[t-1]`) is a definition or an input; weights do not change over time. Check the spelling, or define it.",
  },
  E104: {
    title: "Unknown function or block",
    explanation:
      "The name before the bracket is no function of the language, no block of this file and no mechanism of the library. Check the spelling; a product is written `W·(…)`.",
  },
  E105: {
    title: "Value called like a function",
    explanation: "Only functions and blocks take arguments in brackets. Put a product sign between the two.",
  },
  E106: {
    title: "Function without an argument",
    explanation: "A function stands with its argument: `σ(x)`.",
  },
  E107: {
    title: "Wrong number of arguments",
    explanation: "The function or block takes another number of arguments; the message says how many.",
  },
  E108: {
    title: "Unknown named argument",
    explanation: "The function has no option of that name; the message lists those it has.",
  },
  E109: {
    title: "Option that is not a suitable number",
    explanation: "Options such as a dropout probability are numbers in the text, within the range that the message says.",
  },
  E110: {
    title: "Index without a range",
    explanation: "Every index is declared with its range in a `where` line: `where n ∈ 1..N` to count, `where s ≤ t` for earlier times.",
  },
  E111: {
    title: "Index missing",
    explanation: "A definition `q[n] = …` is read with its index: `q[n]`.",
  },
  E112: {
    title: "Subscript of the wrong kind",
    explanation: "A counting index, a time index and an input are different things. Put the one that the name is declared with.",
  },
  E113: {
    title: "Lookup by something that is not a whole number",
    explanation: "Rows of a table are chosen by an input of whole numbers (`E[token]`), by an index, or by a number.",
  },
  E114: {
    title: "Index left over",
    explanation:
      "A definition depends on an index that its left side does not have. Sum over it (`Σ_n …`), or write it on the left: `q[n] = …`. A block whose output has such an index cannot be called; sum over it in a copy of its equations.",
  },
  E115: {
    title: "Size used as a value",
    explanation:
      "A name in a shape or range is a size. It may stand in numbers (`√K`, `x / N`), but it cannot be defined and has no time. Give the value another name.",
  },
  E116: {
    title: "Index with a name that is taken",
    explanation: "An index, a definition, an input and a size each need a name of their own. Rename one of them.",
  },
  E117: {
    title: "Range that is not understood",
    explanation:
      "Counting ranges go from a whole number to a number or size (`n ∈ 1..N`) and hold something; time bounds are relative to t (`s ≤ t`, `t-W < s ≤ t`).",
  },
  E118: {
    title: "Declared twice",
    explanation: "Shapes and initial values are declared once for each name.",
  },
  E119: {
    title: "Not an index",
    explanation: "`Σ_n` and its like consume an index; an index has no time of its own.",
  },
  E120: {
    title: "Block that calls itself",
    explanation:
      "A block is brought in where it is called, so it cannot call itself, directly or through others. A recurrence is written with `h[t-1]`.",
  },
  E121: {
    title: "Too many calls",
    explanation: "The blocks of the file bring each other in so often that the network would not fit. Call fewer of them.",
  },
  E122: {
    title: "Declaration of a name that nothing uses",
    explanation: "A `where` line speaks of a name that no equation has. Check the spelling, or delete the declaration.",
  },
  E123: {
    title: "Distribution of something that is not a weight",
    explanation: "`~` says how weights begin. States begin with `h[0] = …`; definitions have their equation.",
  },
  E124: {
    title: "Option for another kind of name",
    explanation: "`kernel`, `dilation`, `depthwise`, `same` and `block_diagonal` are for weights; `static`, `shared` and `index` are for inputs.",
  },
  E125: {
    title: "Input returned as it is",
    explanation: "The same name is an input and an output. Define an output of its own: `y = x`.",
  },
  E126: {
    title: "Output never defined",
    explanation: "The header promises an output that no equation defines. Define it, or name another in the header.",
  },
  E127: {
    title: "Beginning that is not understood",
    explanation:
      "Weights begin as a number, or as `uniform(a, b)`, `normal(mean, deviation)`, `orthogonal`, `glorot_uniform`, `fan_in_uniform`, `chrono(T)` or `uniform_gate`.",
  },
  E128: {
    title: "Two blocks of one name",
    explanation: "Blocks are called by their names, so each needs its own.",
  },
  E130: {
    title: "No inputs",
    explanation:
      "Without a header, inputs are the names with a time (`x_t`, `x[t]`) that nothing defines. Write a header, `name(x) → h`, or give the input its time.",
  },
  E131: {
    title: "Value where a block is wanted",
    explanation:
      "An input that the block only calls stands for a block: after `residual(f, x) → y` with `y = x + f(x)` a call names one, `residual(lstm, x)`, without its inputs.",
  },
  E132: {
    title: "Block where a value is wanted",
    explanation: "Only an input that the block calls can stand for a block. Call the block yourself and pass what it gives: `cell(lstm(x))`.",
  },
  E133: {
    title: "Block used as a value",
    explanation: "The name is that of a block. Call it, `lstm(x)`; a weight or a value needs another name.",
  },
  E134: {
    title: "Number of repetitions",
    explanation: "`repeat 3 lstm(x)` says how often in the text, with a whole number from 1 to 1000: the number decides which weights there are.",
  },
  E135: {
    title: "Repetition of something that is no block",
    explanation: "`repeat` feeds the first output of a block to its first input that is a value, each time with weights of its own.",
  },
  E136: {
    title: "Block that needs a block",
    explanation:
      "An input of it stands for a block, so it is no network until it is called with one. The main block is the last of the file that no other one calls, or the one that is asked for by name.",
  },
  E201: {
    title: "Sizes that do not match",
    explanation:
      "The two parts must have the same number of components (a product of linear algebra: as many columns as rows). The message names both sizes and why they are what they are.",
  },
  E202: {
    title: "Weight used with two shapes",
    explanation:
      "One weight stands in two places that need different shapes. Use two weights, or apply it to the vector that was meant. If the sizes are to be equal, declare it: `where W ∈ ℝ^{H×H}`, or `x ∈ ℝ^H`.",
  },
  E203: {
    title: "Shapes of different kind",
    explanation: "A number, a vector and a matrix are added or compared only with their like (numbers with anything).",
  },
  E204: {
    title: "Operand of the wrong kind",
    explanation: "The operator or function needs a vector, a matrix or a table there.",
  },
  E205: {
    title: "Number in a product of vectors",
    explanation: "`·` is the product of linear algebra and `∘` takes equal shapes. A number multiplies with `*`.",
  },
  E206: {
    title: "Shape other than declared",
    explanation: "The equations give the name another shape than its `where` line. Correct one of them.",
  },
  E207: {
    title: "Component that does not exist",
    explanation: "Components are counted from 1.",
  },
  E208: {
    title: "Not a size",
    explanation: "Sizes are names and whole numbers, their sums and products: `ℝ^H`, `ℝ^{2*H}`, `1..N`.",
  },
  E209: {
    title: "Kernel that is not understood",
    explanation: "Number of taps and dilation are whole numbers of at least 1.",
  },
  E210: {
    title: "Kernel that is not a weight",
    explanation: "The left of `∗` is a weight; the right is what is convolved.",
  },
  E211: {
    title: "Convolution without its number of taps",
    explanation: "Nothing else can tell how long a kernel is: `where W : kernel 3`.",
  },
  E212: {
    title: "Shape that nothing decides",
    explanation: "Two readings fit, and sizes are never guessed. One `where` line settles it; the message offers the readings.",
  },
  E213: {
    title: "Index and vector of different length",
    explanation: "An index that picks components takes as many values as there are components.",
  },
  E214: {
    title: "Calculation with whole numbers",
    explanation:
      "An input that chooses rows (a token) or is a class label is not a quantity. Look it up in a table, `E[token]`, and calculate with the row.",
  },
  E215: {
    title: "Loss that is not a number",
    explanation: "`loss` is one number for each time step and example. Sum or average it over its components.",
  },
  E301: {
    title: "Time of an expression",
    explanation: "Only names are read at other times. Give the expression a name and read that: `u = …`, `u[t-1]`.",
  },
  E302: {
    title: "Cycle within one time step",
    explanation:
      "The definitions need each other at the same time, so none can be computed first. One of them reads the value of the step before: `h[t-1]`.",
  },
  E303: {
    title: "Time of a static input",
    explanation: "The input is given once for the whole sequence (`static`, or an initial value), so there is no other time to read it at.",
  },
  E304: {
    title: "Initial value that changes over time",
    explanation: "What lies before the first step is made of numbers, weights and static inputs.",
  },
  E305: {
    title: "Time as a value",
    explanation: "t and the time indices stand in subscripts only.",
  },
  E306: {
    title: "Centred convolution of what is not there yet",
    explanation:
      "`same` reads later steps. Of an expression there are none: give it a name. Inside a recurrence they have not been computed: drop `same`, or convolve what does not depend on the past.",
  },
  E307: {
    title: "Sum over time of what depends on it",
    explanation: "A value that is read at all times cannot be part of the recurrence that it feeds.",
  },
  E308: {
    title: "Recurrence in both directions",
    explanation:
      "A recurrence runs forwards (`h[t-1]`) or backwards (`h[t+1]`). A bidirectional network is two recurrences, joined afterwards: `[a; b]`.",
  },
  E309: {
    title: "Initial value that nothing reads",
    explanation:
      "`h[0]` lies before the first step and is for `h[t-1]`; `h[T+1]` lies after the last one and is for `h[t+1]`. No equation reads the value there.",
  },
  W101: {
    title: "Definition never used",
    explanation: "No equation reads it and it is not an output. It costs nothing, and may be a misspelling.",
  },
  W102: {
    title: "Input never used",
    explanation:
      "No equation reads it. It still has to be given at every run. Where documents begin needs no input: every block has resets, given as `run(x, { reset })`.",
  },
  W201: {
    title: "Two matrices on one vector",
    explanation: "`A·x + B·x` is `(A + B)·x`: two matrices where one would do. Mostly one of the vectors is a slip.",
  },
  W202: {
    title: "`I` that is learned",
    explanation:
      "An undefined `I` is the identity matrix in `M·(I ± …)` and `(I ± …)·M` where the other parts of the sum are written as matrices (`S[t-1]·(I - β*(k⊗k))`), and everywhere else a weight like any other name. Multiply the product out (`M - M·A`), or declare the weight: `where I ∈ ℝ^D`.",
  },
} as const satisfies Record<string, CatalogueEntry>;
