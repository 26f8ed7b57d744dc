import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../process/ports.js";
import { RealProcess } from "../process/real-process.js";
import { waitFor } from "../process/wait-for.js";

export interface EtcdClusterOptions {
  readonly directory: string;
  readonly members: number;
  /** Command and first arguments: ours (`[process.execPath, ETCD]`) or Debian's (`["/usr/bin/etcd"]`). */
  readonly command: readonly [string, ...string[]];
  readonly flags?: readonly string[];
}

export interface EtcdMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly directory: string;
  readonly process: RealProcess;
}

/** Store members alone, started with etcd's flags, which ours and etcd both take. */
export class EtcdCluster implements AsyncDisposable {
  readonly members: readonly EtcdMember[];

  private constructor(members: readonly EtcdMember[]) {
    this.members = members;
  }

  static async start(options: EtcdClusterOptions): Promise<EtcdCluster> {
    mkdirSync(options.directory, { recursive: true });
    const ports = await freePorts(options.members * 2);
    const peer = (i: number): string => `http://127.0.0.1:${ports[i * 2]}`;
    const initial = Array.from({ length: options.members }, (_, i) => `m${i + 1}=${peer(i)}`);
    const members = initial.map((_, i) => {
      const name = `m${i + 1}`;
      const client = `http://127.0.0.1:${ports[i * 2 + 1]}`;
      return startMember(options, name, client, peer(i), initial.join(","));
    });
    const cluster = new EtcdCluster(members);
    try {
      await Promise.all(members.map(ready));
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  get endpoints(): string[] {
    return this.members.map(({ clientUrl }) => clientUrl);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.members.filter(({ process }) => process.running).map(({ process }) => process.stop()),
    );
  }
}

function startMember(
  { directory, command, flags = [] }: EtcdClusterOptions,
  name: string,
  client: string,
  peer: string,
  initialCluster: string,
): EtcdMember {
  const [program, ...first] = command;
  const data = join(directory, name);
  const process = new RealProcess({
    command: program,
    log: join(directory, `${name}.log`),
    args: [
      ...first,
      `--name=${name}`,
      `--data-dir=${data}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=${initialCluster}`,
      "--initial-cluster-token=harness",
      "--initial-cluster-state=new",
      ...flags,
    ],
  });
  return { name, clientUrl: client, directory: data, process };
}

async function ready({ name, process }: EtcdMember): Promise<void> {
  await waitFor(`${name} to serve`, () => {
    if (!process.running) throw new Error(process.output());
    return /ready to serve client requests/.test(process.output());
  });
}
