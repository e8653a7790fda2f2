import { expect, test } from "vitest";
import { createTerminal } from "./terminal.ts";

function terminalOf(environment: Record<string, string>, tty: boolean, columns?: number, json = false) {
  const written = { out: "", err: "" };
  const stream = (name: "out" | "err") => ({ write: (text: string) => (written[name] += text), isTTY: tty, columns });
  return { written, terminal: createTerminal({ json }, { out: stream("out"), err: stream("err"), environment }) };
}

test("colors only where they are wanted", () => {
  expect(terminalOf({ TERM: "xterm" }, true, 80).terminal.red("no")).toBe("\u001b[31mno\u001b[39m");
  for (const [environment, tty, json] of [
    [{ TERM: "dumb" }, true, false],
    [{ NO_COLOR: "1", TERM: "xterm" }, true, false],
    [{ TERM: "xterm" }, false, false],
    [{ TERM: "xterm" }, true, true],
  ] as const) {
    expect(terminalOf(environment, tty, 80, json).terminal.red("no")).toBe("no");
  }
});

test("nothing moves when stderr is no terminal, and a moving line fits", () => {
  const still = terminalOf({}, false);
  still.terminal.progress("step 1");
  expect(still.written.err).toBe("");
  const live = terminalOf({ TERM: "xterm" }, true, 30);
  live.terminal.progress("a line that is far too long for this narrow terminal");
  expect(live.written.err).toBe("\r\u001b[2Ka line that is far too long…");
  live.terminal.print("done");
  expect(live.written.err.endsWith("\r\u001b[2K")).toBe(true);
  expect(live.written.out).toBe("done\n");
});

test("ASCII where the locale has nothing else", () => {
  const { terminal, written } = terminalOf({ LANG: "C" }, true, 10);
  expect([terminal.ascii, terminal.width]).toEqual([true, 20]);
  terminal.print("i ≡ 1 → …");
  expect(written.out).toBe("i = 1 -> ...\n");
});
