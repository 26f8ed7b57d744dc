// `npm start`: builds what changed, then runs the main job.
import { run } from "./run.mjs";

await run("building (what did not change is not built again)", [
  "turbo",
  "run",
  "build",
  "--output-logs=errors-only",
]);
const { demo } = await import("../apps/harness/dist/demo.js");
process.exit(await demo(process.argv.slice(2)));
