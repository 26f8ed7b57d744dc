import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseUnitFile, serializeUnitFile, setAssignment } from "@flotilla/units";
import { REPOSITORY } from "../cluster/executables.js";

export const TEMPLATE = "web@.service";

/**
 * The example's unit file with this checkout's paths: where the server lies, and where this Node
 * is, for it may be outside the search path that services get. Written to `directory`.
 */
export function prepareWebUnit(directory: string): {
  readonly path: string;
  readonly content: string;
} {
  const example = join(REPOSITORY, "examples/web");
  let file = parseUnitFile(readFileSync(join(example, TEMPLATE), "utf8"), { file: TEMPLATE });
  file = setAssignment(file, "Service", "WorkingDirectory", example);
  file = setAssignment(file, "Service", "ExecStart", `${process.execPath} server.mjs`);
  const content = serializeUnitFile(file);
  const path = join(directory, TEMPLATE);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return { path, content };
}
