import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readlink, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ContainerError } from "./errors.js";

/** `sun_path` of unix(7) has 108 bytes, one for the NUL. */
const SOCKET_PATH_MAX = 107;

const PREFIX = "flotilla-notify-";

/**
 * Where the notify sockets are. Units may run as users who cannot enter the state directory, and a
 * socket's path is short by law, so root's are under /run, others' under the temporary directory.
 * A link in the state directory remembers the place, so that the next run removes it.
 */
export class NotifyDirectory {
  readonly #link: string;
  #place: Promise<string> | undefined;

  private constructor(link: string, place?: string) {
    this.#link = link;
    if (place !== undefined) this.#place = Promise.resolve(place);
  }

  /** Removes the place of the run before, or goes on with it. Call it with the lock held. */
  static async open(stateDirectory: string, keep = false): Promise<NotifyDirectory> {
    const link = join(stateDirectory, "notify");
    const old = await readlink(link).catch(() => undefined);
    if (keep) return new NotifyDirectory(link, old);
    // The link may have been tampered with: only what has our name is removed.
    if (old !== undefined && basename(old).startsWith(PREFIX)) {
      await rm(old, { recursive: true, force: true });
    }
    await rm(link, { force: true });
    return new NotifyDirectory(link);
  }

  /** The path of the socket of a sandbox that is there already. */
  async find(id: string): Promise<string> {
    this.#place ??= makePlace(this.#link);
    return join(await this.#place, nameOf(id), "notify");
  }

  /** A directory for one sandbox's socket, which only its user may enter; and the socket's path. */
  async add(id: string): Promise<string> {
    const socket = await this.find(id);
    const directory = dirname(socket);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { mode: 0o700 });
    if (Buffer.byteLength(socket) > SOCKET_PATH_MAX) {
      throw new ContainerError("invalid-argument", `too long for a socket's path: ${socket}`);
    }
    return socket;
  }

  async remove(socket: string): Promise<void> {
    await rm(join(socket, ".."), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    const place = await this.#place?.catch(() => undefined);
    if (place !== undefined) await rm(place, { recursive: true, force: true });
    await rm(this.#link, { force: true });
  }
}

function nameOf(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 16);
}

async function makePlace(link: string): Promise<string> {
  const bases = process.geteuid?.() === 0 ? ["/run", tmpdir()] : [tmpdir()];
  for (const base of bases) {
    const path = await mkdtemp(join(base, PREFIX)).catch(() => undefined);
    if (path === undefined) continue;
    // Entered by anyone who knows a name inside; each directory inside has its own guard.
    await chmod(path, 0o711);
    await symlink(path, link);
    return path;
  }
  throw new ContainerError("resources", `no directory for notify sockets in ${bases.join(", ")}`);
}
