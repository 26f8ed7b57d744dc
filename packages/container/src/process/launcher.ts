import type { Launcher } from "./sandbox.js";
import { processSettings } from "./settings.js";

/** Bare processes: the helper does everything. */
export const processLauncher: Launcher = {
  notifyPath: (hostPath) => hostPath,
  launch: async (spec) => ({ settings: processSettings(spec) }),
  adopt: async () => {},
  delete: async () => {},
};
