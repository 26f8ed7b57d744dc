import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { ContainerError } from "../errors.js";

/** The programs that make containers, in order of preference: crun starts in half runc's time. */
const PROGRAMS = ["crun", "runc"] as const;

export type OciProgram = (typeof PROGRAMS)[number];

const SEARCH_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** A container runtime that was found. */
export interface OciRuntime {
  readonly program: OciProgram;
  readonly path: string;
}

/**
 * Finds the runtime that is wanted. `auto` takes what there is, or none; a name or a path that is
 * not there is a "no-oci-runtime" error.
 */
export async function findOciRuntime(wanted: string): Promise<OciRuntime | undefined> {
  if (wanted === "none") return undefined;
  if (wanted.startsWith("/")) {
    if (!(await isExecutable(wanted))) throw missing(wanted, wanted);
    return { program: wanted.includes("runc") ? "runc" : "crun", path: wanted };
  }
  const candidates = PROGRAMS.filter((program) => wanted === "auto" || wanted === program);
  for (const program of candidates) {
    for (const directory of SEARCH_PATH) {
      const path = join(directory, program);
      if (await isExecutable(path)) return { program, path };
    }
  }
  if (wanted === "auto") return undefined;
  throw missing(wanted, SEARCH_PATH.join(":"));
}

function missing(wanted: string, where: string): ContainerError {
  return new ContainerError(
    "no-oci-runtime",
    `${wanted} is not in ${where}; install the Debian package crun or runc`,
  );
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
