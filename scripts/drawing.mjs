/**
 * Writes src/runtime/wasm/drawing-code.ts: a WebAssembly module of the loops that draw a model's first numbers. `--check` writes nothing and fails if the
 * file is stale.
 *
 * The loops do, number by number, what src/support/random.ts and `orthogonal` of src/model/initialize.ts do; those are the definition, and the tests compare
 * bits. They are compiled before they are shipped because a fresh engine runs such code at full speed at once, and JavaScript only after a while.
 *
 * Vectors of up to four matrices lie interleaved, four float64 to an element: the sums of a matrix keep their order, and matrices do not wait for each other.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./launch.mjs";

const I32 = 0x7f;
const F64 = 0x7c;
const V128 = 0x7b;

/** Bytes of the four words of a generator, at the beginning of the memory. */
const STATE = [0, 4, 8, 12];
/** Bytes of one element of four interleaved vectors. */
const ELEMENT = 32;
/** Numbers of the functions that others call or the module exports. */
const FUNCTIONS = { norm: 0, removeEarlier: 1, removeFrom: 2, divide: 3, uniforms: 4, points: 5, normals: 6, orthonormalise: 7, scaled: 8 };

function unsigned(value) {
  const bytes = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

function signed(value) {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest < -64n || rest > 63n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest & 0x7fn)];
}

const get = (local) => [0x20, local];
const set = (local, ...value) => [value, 0x21, local];
const tee = (local, ...value) => [value, 0x22, local];
const int = (value) => [0x41, signed(value)];
const double = (value) => [0x44, [...new Uint8Array(Float64Array.of(value).buffer)]];
const doubles = (value) => [double(value), 0xfd, 0x14];
const longs = (value) => [0x42, signed(value), 0xfd, 0x12];
const op =
  (...code) =>
  (...operands) => [operands, code];
const add = op(0x6a);
const mul = op(0x6c);
const addF = op(0xa0);
const subF = op(0xa1);
const mulF = op(0xa2);
const addV = op(0xfd, 0xf0, 0x01);
const subV = op(0xfd, 0xf1, 0x01);
const mulV = op(0xfd, 0xf2, 0x01);
const divV = op(0xfd, 0xf3, 0x01);
const sqrtV = op(0xfd, 0xef, 0x01);
const lessV = op(0xfd, 0x49);
const andV = op(0xfd, 0x4e);
const orV = op(0xfd, 0x50);
const selectV = op(0xfd, 0x52);
const less = op(0x49); // i32.lt_u
const load32 = (offset, address) => [address, 0x28, 2, unsigned(offset)];
const store32 = (offset, address, value) => [address, value, 0x36, 2, unsigned(offset)];
const load64 = (address) => [address, 0x2b, 3, 0];
const store64 = (offset, address, value) => [address, value, 0x39, 3, unsigned(offset)];
const storeSingle = (address, value) => [address, value, 0xb6, 0x38, 2, 0];
const loadV = (offset, address) => [address, 0xfd, 0x00, 4, unsigned(offset)];
const storeV = (offset, address, value) => [address, value, 0xfd, 0x0b, 4, unsigned(offset)];
/** Runs the body, and again while the condition holds. */
const repeat = (body, condition) => [0x03, 0x40, body, condition, 0x0d, 0, 0x0b];
const when = (condition, body) => [condition, 0x04, 0x40, body, 0x0b];

/** A function: types of parameters and locals; its body receives all of them as numbers. */
function func({ params, result, locals, body }) {
  const numbers = [...params, ...locals].map((_, index) => index);
  return { params, result, locals, code: [body(...numbers), 0x0b].flat(Infinity) };
}

/** Code that leaves the next 32 bits of the generator whose words are in these locals (`nextBits`). */
const nextBits = ([a, b, c, counter], sum) => [
  set(sum, add(add(get(a), get(b)), get(counter))),
  set(counter, add(get(counter), int(1))),
  set(a, get(b), get(b), int(9), 0x76, 0x73),
  set(b, add(get(c), [get(c), int(3), 0x74])),
  set(c, add([get(c), int(21), 0x77], get(sum))),
  get(sum),
];
/** Code that leaves a float64 of [0, 1) from 53 bits (`nextUnit`). */
const nextUnit = (words, sum) => [
  [nextBits(words, sum), 0xad, 0x42, 21, 0x86],
  [nextBits(words, sum), int(11), 0x76, 0xad, 0x84],
  mulF(0xb9, double(2 ** -53)),
];
const loadState = (words) => words.map((local, k) => set(local, load32(STATE[k], int(0))));
const storeState = (words) => words.map((local, k) => store32(STATE[k], int(0), get(local)));

/** Float32 numbers, uniform from low to high; at least one. */
const uniforms = func({
  params: [I32, I32, F64, F64],
  locals: [I32, I32, I32, I32, I32, F64],
  body: (out, end, low, high, a, b, c, counter, sum, value) => [
    loadState([a, b, c, counter]),
    repeat(
      [
        set(value, addF(get(low), mulF(subF(get(high), get(low)), nextUnit([a, b, c, counter], sum)))),
        storeSingle(get(out), [get(value), get(low), [get(value), get(high), 0x63], [get(high), get(low), 0x65], 0x72, 0x1b]),
        set(out, add(get(out), int(4))),
      ],
      less(get(out), get(end)),
    ),
    storeState([a, b, c, counter]),
  ],
});

/** Pairs of points in the unit circle, for the polar method; at least one. The two numbers of a pair are elements one after the other. */
const points = func({
  params: [I32, I32],
  locals: [I32, I32, I32, I32, I32, F64, F64, F64],
  body: (out, end, a, b, c, counter, sum, u, v, square) => [
    loadState([a, b, c, counter]),
    repeat(
      [
        set(u, subF(mulF(nextUnit([a, b, c, counter], sum), double(2)), double(1))),
        set(v, subF(mulF(nextUnit([a, b, c, counter], sum), double(2)), double(1))),
        set(square, addF(mulF(get(u), get(u)), mulF(get(v), get(v)))),
        store64(0, get(out), get(u)),
        store64(ELEMENT, get(out), get(v)),
        set(out, add(get(out), mul([[get(square), double(1), 0x63], [get(square), double(0), 0x62], 0x71], int(2 * ELEMENT)))),
      ],
      less(get(out), get(end)),
    ),
    storeState([a, b, c, counter]),
  ],
});

/** ln of two numbers in (0, 1) (`exactLog`): x = m·2^e with m from √½ to √2. */
function logarithm(x, m, e, isLow, s, square, series) {
  const steps = [19, 17, 15, 13, 11, 9, 7, 5, 3].map((odd) => set(series, addV(mulV(get(series), get(square)), doubles(1 / odd))));
  return [
    set(m, orV(andV(get(x), longs(0x000fffffffffffffn)), longs(0x3fe0000000000000n))),
    // The biased exponent in the last bits of 2^52 + …: a conversion to float64.
    set(e, subV(orV([get(x), int(52), 0xfd, 0xcd, 0x01], longs(0x4330000000000000n)), doubles(2 ** 52 + 1022))),
    set(isLow, lessV(get(m), doubles(Math.SQRT1_2))),
    set(e, subV(get(e), andV(get(isLow), doubles(1)))),
    set(m, selectV(addV(get(m), get(m)), get(m), get(isLow))),
    set(s, divV(subV(get(m), doubles(1)), addV(get(m), doubles(1)))),
    set(square, mulV(get(s), get(s))),
    set(series, addV(mulV(doubles(1 / 23), get(square)), doubles(1 / 21))),
    steps,
    set(series, addV(mulV(get(series), get(square)), doubles(1))),
    addV(mulV(mulV(doubles(2), get(s)), get(series)), mulV(get(e), doubles(Math.LN2))),
  ];
}

/** Points → normal numbers (`nextPair`), two of the four vectors at a time; at least one pair. */
const normals = func({
  params: [I32, I32],
  locals: [I32, V128, V128, V128, V128, V128, V128, V128, V128, V128, V128],
  body: (at, end, middle, u, v, x, m, e, isLow, s, square, series, scale) =>
    repeat(
      [
        set(middle, add(get(at), int(ELEMENT))),
        repeat(
          [
            set(u, loadV(0, get(at))),
            set(v, loadV(ELEMENT, get(at))),
            set(x, addV(mulV(get(u), get(u)), mulV(get(v), get(v)))),
            set(scale, sqrtV(divV(mulV(doubles(-2), logarithm(x, m, e, isLow, s, square, series)), get(x)))),
            storeV(0, get(at), mulV(get(u), get(scale))),
            storeV(ELEMENT, get(at), mulV(get(v), get(scale))),
            set(at, add(get(at), int(16))),
          ],
          less(get(at), get(middle)),
        ),
        set(at, add(get(at), int(ELEMENT))),
      ],
      less(get(at), get(end)),
    ),
});

/** Takes pointers to the next element. */
const forward = (...locals) => locals.map((local) => set(local, add(get(local), int(ELEMENT))));

/** Σ a·a of a vector from `at` to `end`, its root stored at `out`. */
const norm = func({
  params: [I32, I32, I32],
  locals: [V128, V128],
  body: (at, end, out, low, high) => [
    repeat(
      [
        set(low, addV(get(low), mulV(loadV(0, get(at)), loadV(0, get(at))))),
        set(high, addV(get(high), mulV(loadV(16, get(at)), loadV(16, get(at))))),
        forward(at),
      ],
      less(get(at), get(end)),
    ),
    storeV(0, get(out), sqrtV(get(low))),
    storeV(16, get(out), sqrtV(get(high))),
  ],
});

/** `removeEarlier`: takes the directions of the vectors from `base` to `own` out of the one at `own`; there is at least one. */
const removeEarlier = func({
  params: [I32, I32, I32],
  locals: [I32, I32, I32, V128, V128, V128, V128, V128, V128],
  body: (own, base, size, at, unit, end, low, high, nextLow, nextHigh, valueLow, valueHigh) => [
    set(end, add(get(own), get(size))),
    set(at, get(own)),
    set(unit, get(base)),
    repeat(
      [
        set(low, addV(get(low), mulV(loadV(0, get(at)), loadV(0, get(unit))))),
        set(high, addV(get(high), mulV(loadV(16, get(at)), loadV(16, get(unit))))),
        forward(at, unit),
      ],
      less(get(at), get(end)),
    ),
    repeat(
      [
        set(at, get(own)),
        set(nextLow, doubles(0)),
        set(nextHigh, doubles(0)),
        repeat(
          [
            storeV(0, get(at), tee(valueLow, subV(loadV(0, get(at)), mulV(get(low), loadV(0, get(base)))))),
            storeV(16, get(at), tee(valueHigh, subV(loadV(16, get(at)), mulV(get(high), loadV(16, get(base)))))),
            set(unit, add(get(base), get(size))),
            set(nextLow, addV(get(nextLow), mulV(get(valueLow), loadV(0, get(unit))))),
            set(nextHigh, addV(get(nextHigh), mulV(get(valueHigh), loadV(16, get(unit))))),
            forward(at, base),
          ],
          less(get(at), get(end)),
        ),
        set(low, get(nextLow)),
        set(high, get(nextHigh)),
      ],
      less(get(base), get(own)),
    ),
  ],
});

/** `removeFrom`: takes the direction of the vector at `own` out of those behind it, up to `end`; there may be none. */
const removeFrom = func({
  params: [I32, I32, I32],
  locals: [I32, I32, I32, V128, V128],
  body: (own, size, end, row, at, unit, low, high) => [
    set(row, add(get(own), get(size))),
    when(
      less(get(row), get(end)),
      repeat(
        [
          set(at, get(row)),
          set(unit, get(own)),
          set(row, add(get(row), get(size))),
          set(low, doubles(0)),
          set(high, doubles(0)),
          repeat(
            [
              set(low, addV(get(low), mulV(loadV(0, get(at)), loadV(0, get(unit))))),
              set(high, addV(get(high), mulV(loadV(16, get(at)), loadV(16, get(unit))))),
              forward(at, unit),
            ],
            less(get(at), get(row)),
          ),
          set(at, [get(at), get(size), 0x6b]),
          set(unit, get(own)),
          repeat(
            [
              storeV(0, get(at), subV(loadV(0, get(at)), mulV(get(low), loadV(0, get(unit))))),
              storeV(16, get(at), subV(loadV(16, get(at)), mulV(get(high), loadV(16, get(unit))))),
              forward(at, unit),
            ],
            less(get(at), get(row)),
          ),
        ],
        less(get(row), get(end)),
      ),
    ),
  ],
});

/** Divides the vector at `own` by its norm, which lies at `norms`. */
const divide = func({
  params: [I32, I32, I32],
  locals: [V128, V128],
  body: (at, end, norms, low, high) => [
    set(low, loadV(0, get(norms))),
    set(high, loadV(16, get(norms))),
    repeat(
      [storeV(0, get(at), divV(loadV(0, get(at)), get(low))), storeV(16, get(at), divV(loadV(16, get(at)), get(high))), forward(at)],
      less(get(at), get(end)),
    ),
  ],
});

/**
 * `orthogonal` on four matrices at once: vectors from `base` to `end`, each of `size` bytes, and room from `norms` on for a norm of each and one more.
 * Returns a mask: bit k is 1 if a vector of matrix k lay in the span of those before it, and that matrix is not to be used.
 */
const orthonormalise = func({
  params: [I32, I32, I32, I32],
  result: I32,
  locals: [I32, I32, V128, V128],
  body: (base, end, size, norms, own, before, failedLow, failedHigh) => [
    set(own, get(base)),
    set(before, get(norms)),
    repeat(
      [
        [get(own), add(get(own), get(size)), get(before), 0x10, FUNCTIONS.norm],
        set(own, add(get(own), get(size))),
        set(before, add(get(before), int(ELEMENT))),
      ],
      less(get(own), get(end)),
    ),
    set(own, get(base)),
    repeat(
      [
        when(less(get(base), get(own)), [get(own), get(base), get(size), 0x10, FUNCTIONS.removeEarlier]),
        [get(own), add(get(own), get(size)), get(before), 0x10, FUNCTIONS.norm],
        set(failedLow, orV(get(failedLow), lessV(loadV(0, get(before)), mulV(doubles(1e-8), loadV(0, get(norms)))))),
        set(failedHigh, orV(get(failedHigh), lessV(loadV(16, get(before)), mulV(doubles(1e-8), loadV(16, get(norms)))))),
        [get(own), add(get(own), get(size)), get(before), 0x10, FUNCTIONS.divide],
        [get(own), get(size), get(end), 0x10, FUNCTIONS.removeFrom],
        set(norms, add(get(norms), int(ELEMENT))),
        set(own, add(get(own), get(size))),
      ],
      less(get(own), get(end)),
    ),
    [get(failedLow), 0xfd, 0xc4, 0x01],
    [get(failedHigh), 0xfd, 0xc4, 0x01, int(2), 0x74, 0x72],
  ],
});

/** Float32 numbers mean + gain·v of one of the four vectors: columns of `columnStep` bytes in rows of `rowStep`. */
const scaled = func({
  params: [I32, I32, I32, I32, I32, I32, F64, F64],
  locals: [I32, I32],
  body: (out, end, columns, from, rowStep, columnStep, mean, gain, at, rowEnd) =>
    repeat(
      [
        set(at, get(from)),
        set(rowEnd, add(get(out), [get(columns), int(2), 0x74])),
        repeat(
          [
            storeSingle(get(out), addF(get(mean), mulF(get(gain), load64(get(at))))),
            set(at, add(get(at), get(columnStep))),
            set(out, add(get(out), int(4))),
          ],
          less(get(out), get(rowEnd)),
        ),
        set(from, add(get(from), get(rowStep))),
      ],
      less(get(out), get(end)),
    ),
});

const functions = { norm, removeEarlier, removeFrom, divide, uniforms, points, normals, orthonormalise, scaled };
const EXPORTS = ["uniforms", "points", "normals", "orthonormalise", "scaled"];

function section(id, items) {
  const content = [unsigned(items.length), items].flat(Infinity);
  return [id, unsigned(content.length), content];
}
const name = (text) => [unsigned(text.length), [...text].map((character) => character.charCodeAt(0))];

function functionBody({ locals, code }) {
  const content = [unsigned(locals.length), locals.map((type) => [1, type]), code].flat(Infinity);
  return [unsigned(content.length), content];
}

/** Bytes of the module: a memory that grows, and the functions. */
export function drawingCode() {
  const all = Object.values(functions);
  return Uint8Array.from(
    [
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(
        1,
        all.map(({ params, result }) => [0x60, unsigned(params.length), params, result ? [1, result] : 0]),
      ),
      section(
        3,
        all.map((_, index) => index),
      ),
      section(5, [[0, 0]]),
      section(7, [[name("memory"), 2, 0], ...EXPORTS.map((each) => [name(each), 0, FUNCTIONS[each]])]),
      section(10, all.map(functionBody)),
    ].flat(Infinity),
  );
}

const generated = `/**
 * Loops that draw a model's first numbers, as WebAssembly in hexadecimal. Made by scripts/drawing.mjs; edit that.
 */
export const DRAWING_CODE =
  "${Buffer.from(drawingCode()).toString("hex")}";
`;
const target = join(root, "src/runtime/wasm/drawing-code.ts");
if (!process.argv.includes("--check")) writeFileSync(target, generated);
else if (readFileSync(target, "utf8") !== generated) {
  console.error("src/runtime/wasm/drawing-code.ts is stale: run `node scripts/drawing.mjs`");
  process.exit(1);
}
