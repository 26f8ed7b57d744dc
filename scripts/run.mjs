// Runs one of the workspace's own tools and ends this process when it fails.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

export function run(what, [tool, ...args], { optional = false } = {}) {
  console.log(`… ${what}`);
  const { status, error } = spawnSync(join(root, "node_modules/.bin", tool), args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1" },
  });
  if (error) console.error(error.message);
  if (status !== 0 && !optional) process.exit(status ?? 1);
  return status === 0;
}
