import type { FolderReport } from "@flotilla/raft/node";
import { CliError } from "../../errors.js";

/** Runs `read`; what it cannot read ends with exit code 2, since 1 means that there is damage. */
export async function reading(read: () => Promise<FolderReport>): Promise<FolderReport> {
  const { RaftError } = await import("@flotilla/raft");
  try {
    return await read();
  } catch (error) {
    if (!RaftError.is(error)) throw error;
    throw new CliError(error.message, { code: error.code, exitCode: 2, cause: error });
  }
}
