/** The self-check: what it says where the engine has no wide vectors, that it changes nothing then, and that a program late in the day is refused. */
import { expect, test, vi } from "vitest";
import { codeOptions } from "./engine.ts";
import { probePrograms } from "./wide-probe.ts";
import { checkWideVectors, useWideVectors } from "./wide.ts";

const MAJOR = Number.parseInt(process.versions.v8, 10);

test("an engine without them is told apart, and plain kernels stay", () => {
  const { joins, text } = checkWideVectors();
  if (MAJOR < 12)
    expect({ joins, text }).toEqual({
      joins: undefined,
      text: `no wide vectors: V8 ${process.versions.v8} cannot join vectors; Node 22 and newer can`,
    });
  else expect(text).toMatch(/^256-bit vectors with the same bits|^no wide vectors: /);
});

test("once models have been made it is too late", () => {
  expect(codeOptions(false)).toMatchObject({ wide: false, joins: false });
  const { joins, text } = useWideVectors();
  expect(joins).toBeUndefined();
  expect(text).toContain("ask for them before the first");
  expect(codeOptions(false)).toMatchObject({ wide: false, joins: false });
});

test("an engine that fails, knows no option, gives other bits or no answer is refused with its reason", async () => {
  const verdicts = (verdict: object): string => JSON.stringify(probePrograms().map(() => verdict));
  const broken = Object.assign(new Error("spawnSync node EPIPE"), { code: "EPIPE" });
  const late = Object.assign(new Error("spawnSync node ETIMEDOUT"), { code: "ETIMEDOUT" });
  const missing = Object.assign(new Error("spawnSync node ENOENT"), { code: "ENOENT" });
  const answers = [
    { status: 133, stdout: "", text: /fails when it joins vectors$/ },
    { status: null, signal: "SIGSEGV", stdout: "", error: broken, text: /fails when it joins vectors \(SIGSEGV\)$/ },
    { status: null, signal: "SIGTERM", stdout: "", error: late, text: /check was not done after 20 s$/ },
    { status: null, stdout: "", error: missing, text: /could not be run \(spawnSync node ENOENT\)$/ },
    { status: 9, stdout: "", error: broken, text: /has no option for them on this machine/ },
    { status: 0, stdout: "", text: /ended without a result$/ },
    { status: 0, stdout: "hello", text: /ended without a result$/ },
    { status: 0, stdout: "[null]", text: /ended without a result$/ },
    { status: 0, stdout: verdicts({ same: false, plainMs: 2, wideMs: 1 }), text: /gives other bits/ },
    { status: 0, stdout: verdicts({ same: true, plainMs: 1, wideMs: 0.95 }), text: /bring nothing here \(a training step no faster \(1.05\)/ },
    {
      status: 0,
      stdout: verdicts({ same: true, plainMs: 2, wideMs: 1 }),
      text: /^256-bit vectors with the same bits: a training step 2.00 times as fast/,
    },
  ];
  for (const { text, ...answer } of answers) {
    vi.resetModules();
    const flags: string[] = [];
    vi.doMock("../platform.ts", () => ({
      builtin: (name: string) => (name === "node:v8" ? { setFlagsFromString: (flag: string) => flags.push(flag) } : { spawnSync: () => answer }),
    }));
    vi.doMock("./engine.ts", async (original) => ({ ...(await original<typeof import("./engine.ts")>()), v8Major: () => 12 }));
    const { useWideVectors: use } = await import("./wide.ts");
    const { joins, text: said } = use();
    expect(said).toMatch(text);
    expect(flags).toEqual(joins === undefined ? [] : ["--experimental-wasm-revectorize"]);
    const { codeOptions: after } = await import("./engine.ts");
    expect(after(false).wide).toBe(joins !== undefined);
    vi.doUnmock("../platform.ts");
    vi.doUnmock("./engine.ts");
  }
});

test("the probe's programs have the same buffers, so that their results can be compared", () => {
  for (const { plain, wide } of probePrograms()) {
    const told = ({ buffers }: typeof plain): readonly string[] =>
      buffers.filter(({ role }) => role !== "scratch").map(({ name, sizeBytes }) => `${name} ${sizeBytes}`);
    expect(told(wide)).toEqual(told(plain));
    expect(wide.wasm).not.toEqual(plain.wasm);
  }
});
