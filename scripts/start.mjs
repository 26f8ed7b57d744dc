// `npm start`: builds what changed, then runs the main job. Running needs no declarations, which
// take most of a build.
import { run } from "./run.mjs";

run("building (what did not change is not built again)", [
  "turbo",
  "run",
  "build:js",
  "--output-logs=errors-only",
]);
const { demo } = await import("../apps/harness/dist/demo.js");
process.exit(await demo(process.argv.slice(2)));
