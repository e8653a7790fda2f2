import { expect, test } from "vitest";
import { captionOf } from "./caption.ts";

const places = ["“a”", "“!”", "the digit after “!”", "“b”", "“c”", "“?”"];

test("says what stands out, and nothing else", () => {
  expect(captionOf([0.3, 0.3, 0.9, 0.3, 0.3, 0.4], places)).toBe("opens on the digit after “!”");
  expect(captionOf([0.8, 0.1, 0.7, 0.9, 0.9, 0.9], places)).toBe("shuts on “!”, then holds");
  expect(captionOf([0.8, 0.1, 0.3, 0.9, 0.9, 0.9], places)).toBe("shuts on “!”");
  expect(captionOf([0.5, 0.55, 0.5, 0.45, 0.5, 0.5], places)).toBe("");
  expect(captionOf([0.95, 0.9, 0.9, 0.95, 0.9, 0.9], places)).toBe("stays open");
  expect(captionOf([0, 0.05, 0.1, 0, 0, 0], places)).toBe("stays shut");
  expect(captionOf([-0.9, -0.9, 0.9, -0.9, -0.9, -0.9], places, [-1, 1])).toBe("opens on the digit after “!”");
});
