/**
 * What runs inside a training worker: `new Worker("sluice/worker")`. Started by `trainInWorker`.
 */
import { serveTraining } from "./train/serve.ts";

await serveTraining();
