import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Installs a package as its users get it, into `folder`/app: packed by `npm pack`, with its
 * dependencies as tarballs of what lies in this repository's node_modules, by an npm that has neither
 * a network nor a cache. Returns the app's folder.
 */
export async function installPacked(packageFolder: string, folder: string): Promise<string> {
  const app = join(folder, "app");
  await mkdir(app);
  const quiet = ["--silent", "--ignore-scripts"];
  await run("npm", ["pack", ...quiet, "--pack-destination", folder, packageFolder]);
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"))!;
  const { name } = await manifestOf(packageFolder);
  const overrides: Record<string, string> = {};
  for (const [dependency, path] of await dependenciesOf(packageFolder)) {
    const file = `${dependency.replaceAll("/", "-")}.tgz`;
    const rename = ["--exclude=./node_modules", "--transform", "s,^\\.,package,"];
    await run("tar", ["-czf", join(folder, file), ...rename, "-C", path, "."]);
    overrides[dependency] = `file:../${file}`;
  }
  const manifest = {
    name: "consumer",
    private: true,
    type: "module",
    dependencies: { [name]: `file:../${tarball}` },
    overrides,
  };
  await writeFile(join(app, "package.json"), JSON.stringify(manifest));
  const offline = ["--offline", "--no-audit", "--no-fund", "--cache", join(folder, "cache")];
  await run("npm", ["install", "--ignore-scripts", ...offline], { cwd: app });
  return app;
}

/** All that a package needs at run time, by name; optional ones only where they are installed here. */
async function dependenciesOf(packageFolder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const add = async (from: string): Promise<void> => {
    const { dependencies, optionalDependencies } = await manifestOf(from);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const path = lookUp(name, from);
      if (!path || found.has(name)) continue;
      found.set(name, path);
      await add(path);
    }
  };
  await add(packageFolder);
  return found;
}

function lookUp(name: string, from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(join(path, "package.json"))) return path;
    if (folder === dirname(folder)) return null;
  }
}

async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
}
