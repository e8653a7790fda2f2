/**
 * The published experiments by name.
 */
import { SluiceError } from "../../support/diagnostic.ts";
import { listNames } from "../data/checks.ts";
import { nearestWord } from "../../support/text.ts";
import { adding } from "./adding.ts";
import { continualReber } from "./continual-reber.ts";
import type { Experiment } from "./experiment.ts";
import { music } from "./music.ts";
import { parity } from "./parity.ts";
import { selectiveCopying } from "./selective-copying.ts";
import { temporalOrder } from "./temporal-order.ts";

export const EXPERIMENTS: readonly Experiment[] = [parity, continualReber, temporalOrder, adding, music, selectiveCopying];

/** @throws SluiceError E490, with the nearest name and all others */
export function findExperiment(name: string): Experiment {
  const experiment = EXPERIMENTS.find((candidate) => candidate.name === name);
  if (experiment) return experiment;
  const names = EXPERIMENTS.map((candidate) => candidate.name);
  const near = nearestWord(name, names);
  throw new SluiceError("E490", `there is no experiment ${name}; ${near ? `did you mean ${near}? ` : ""}the experiments are ${listNames(names)}`);
}
