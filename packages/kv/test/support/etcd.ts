import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/client/index.js";
import { freePorts, temporaryDirectory } from "./temporary.js";

export const ETCD = "/usr/bin/etcd";
export const ETCDCTL = "/usr/bin/etcdctl";
/** Why tests against the real thing are skipped, for their titles. */
export const hasEtcd: boolean = existsSync(ETCD);
export const hasEtcdctl: boolean = existsSync(ETCDCTL);
export const NO_ETCD = hasEtcd ? "" : " (skipped: Debian's etcd-server is not installed)";
export const NO_ETCDCTL = hasEtcdctl ? "" : " (skipped: Debian's etcd-client is not installed)";

export interface RealEtcd extends AsyncDisposable {
  readonly endpoints: readonly string[];
  readonly processes: readonly ChildProcess[];
}

/** Debian's etcd, one or more members, in a temporary directory. */
export async function startRealEtcd(size = 1): Promise<RealEtcd> {
  const directory = await temporaryDirectory();
  const ports = await freePorts(2 * size);
  const url = (port: number | undefined): string => `http://127.0.0.1:${port}`;
  const names = Array.from({ length: size }, (_, i) => `m${i}`);
  const cluster = names.map((name, i) => `${name}=${url(ports[size + i])}`).join();
  const processes = names.map((name, i) =>
    spawn(
      ETCD,
      [
        `--name=${name}`,
        `--data-dir=${directory.path}/${name}`,
        `--listen-client-urls=${url(ports[i])}`,
        `--advertise-client-urls=${url(ports[i])}`,
        `--listen-peer-urls=${url(ports[size + i])}`,
        `--initial-advertise-peer-urls=${url(ports[size + i])}`,
        `--initial-cluster=${cluster}`,
        "--log-level=error",
      ],
      { stdio: "ignore" },
    ),
  );
  const endpoints = names.map((_, i) => url(ports[i]));
  const stop = async (): Promise<void> => {
    for (const child of processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    await directory[Symbol.asyncDispose]();
  };
  try {
    await answering(endpoints);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoints, processes, [Symbol.asyncDispose]: stop };
}

async function answering(endpoints: readonly string[]): Promise<void> {
  for (const endpoint of endpoints) {
    await using client = connect({ endpoints: [endpoint], timeoutMs: 1000 });
    for (let attempt = 0; ; attempt++) {
      try {
        await client.get("ready");
        break;
      } catch (error) {
        if (attempt >= 100) throw error;
        await sleep(100);
      }
    }
  }
}

/** Runs etcdctl; resolves to its output, rejects with its stderr. */
export async function etcdctl(
  endpoints: readonly string[],
  ...args: readonly string[]
): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile(
      ETCDCTL,
      [`--endpoints=${endpoints.join()}`, "--dial-timeout=10s", "--command-timeout=15s", ...args],
      { env: { ...process.env, ETCDCTL_API: "3" }, timeout: 18_000 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr || error.message));
      },
    );
  });
}
