/**
 * The built-in tasks by name.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { listNames } from "../data/checks.ts";
import { nearestWord } from "../../support/text.ts";
import { adding } from "./adding.ts";
import { copyMemory } from "./copy-memory.ts";
import { flagRecall } from "./flag-recall.ts";
import { parity } from "./parity.ts";
import { continualReber, reber } from "./reber.ts";
import { selectiveCopying } from "./selective-copying.ts";
import type { Task } from "./task.ts";
import { temporalOrder } from "./temporal-order.ts";

export const TASKS: readonly Task[] = [flagRecall, adding, copyMemory, temporalOrder, parity, reber, continualReber, selectiveCopying];

/** @throws SluiceError E441, with the nearest name and all others */
export function findTask(name: string): Task {
  const task = TASKS.find((candidate) => candidate.name === name);
  if (task) return task;
  const names = TASKS.map((candidate) => candidate.name);
  const near = nearestWord(String(name), names);
  throw new SluiceError("E441", `there is no task ${name}; ${near ? `did you mean ${near}? ` : ""}the tasks are ${listNames(names)}`);
}
