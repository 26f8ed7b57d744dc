import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("@flotilla/node/package.json") as {
  version: string;
};

/** The version of the published package. */
export const VERSION: string = manifest.version;
