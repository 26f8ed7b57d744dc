import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "../process/ports.js";
import { type Exit, RealProcess } from "../process/real-process.js";
import { waitFor } from "../process/wait-for.js";
import { ApiClient } from "./api-client.js";
import { FLOTILLAD } from "./executables.js";

export interface MemberPorts {
  readonly client: number;
  readonly peer: number;
  readonly api: number;
  readonly dns: number;
}

export interface FlotillaClusterOptions {
  /** One folder a member is made in it, and one log a member. */
  readonly directory: string;
  /** 3 by default; ignored where `ports` is given. */
  readonly members?: number;
  /** Chosen free when absent. */
  readonly ports?: readonly MemberPorts[];
  /** `etcd://…` to use that store instead of embedded members. */
  readonly store?: string;
  /** "flotilla" by default. */
  readonly clusterId?: string;
  /** Further flags of every member. */
  readonly flags?: readonly string[];
}

/** One real flotillad. */
export class Member {
  readonly name: string;
  readonly directory: string;
  readonly ports: MemberPorts;
  readonly api: ApiClient;
  readonly #args: readonly string[];
  readonly #log: string;
  #process: RealProcess | undefined;

  constructor(name: string, root: string, ports: MemberPorts, args: readonly string[]) {
    this.name = name;
    this.directory = join(root, name);
    this.ports = ports;
    this.api = new ApiClient(`http://127.0.0.1:${ports.api}`);
    this.#log = join(root, `${name}.log`);
    this.#args = [
      `--name=${name}`,
      `--data-dir=${this.directory}`,
      `--listen-client=127.0.0.1:${ports.client}`,
      `--listen-peer=127.0.0.1:${ports.peer}`,
      `--listen-api=127.0.0.1:${ports.api}`,
      `--listen-dns=127.0.0.1:${ports.dns}`,
      ...args,
    ];
  }

  get process(): RealProcess {
    if (this.#process === undefined) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  get clientUrl(): string {
    return `http://127.0.0.1:${this.ports.client}`;
  }

  /** Starts the process; it is up when {@link ready} resolves. */
  start(): void {
    this.#process = new RealProcess({
      command: process.execPath,
      args: [FLOTILLAD, ...this.#args],
      log: this.#log,
    });
  }

  /** Resolves once the member is registered and its store answers; rejects at once when it ends. */
  async ready(timeoutMs = 30_000): Promise<void> {
    const { process } = this;
    const ended = process.exited.then(() => {
      throw new Error(`${this.name} ended:\n${process.output()}`);
    });
    const healthy = waitFor(
      `${this.name} to be healthy`,
      async () => !process.running || (await this.api.health()).status === "ok",
      { timeoutMs },
    );
    await Promise.race([healthy, ended]);
  }

  async machineId(): Promise<string> {
    return (await this.api.cluster()).machine;
  }

  kill(): Promise<Exit> {
    return this.process.kill();
  }

  stop(): Promise<Exit> {
    return this.process.stop();
  }
}

/** Real members on loopback, each with a folder of its own. */
export class FlotillaCluster implements AsyncDisposable {
  readonly members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  /** Prepares the members without starting them. */
  static async create(options: FlotillaClusterOptions): Promise<FlotillaCluster> {
    const { directory, store, clusterId = "flotilla", flags = [] } = options;
    mkdirSync(directory, { recursive: true });
    const ports = options.ports ?? (await choosePorts(options.members ?? 3));
    const initial = ports.map(({ peer }, i) => `n${i + 1}=http://127.0.0.1:${peer}`).join(",");
    const args = [
      `--cluster-id=${clusterId}`,
      ...(store === undefined ? [`--initial-cluster=${initial}`] : [`--store=${store}`]),
      ...flags,
    ];
    return new FlotillaCluster(
      ports.map((each, i) => new Member(`n${i + 1}`, directory, each, args)),
    );
  }

  /** Creates, starts, and waits for every member. */
  static async start(options: FlotillaClusterOptions): Promise<FlotillaCluster> {
    const cluster = await FlotillaCluster.create(options);
    try {
      await cluster.startAll();
      return cluster;
    } catch (error) {
      await cluster.stopAll();
      throw error;
    }
  }

  async startAll(): Promise<void> {
    for (const member of this.members) member.start();
    await Promise.all(this.members.map((member) => member.ready()));
  }

  get clientUrls(): string[] {
    return this.members.map(({ clientUrl }) => clientUrl);
  }

  /** A running member, other than those given. */
  other(...than: readonly Member[]): Member {
    const found = this.members.find((member) => member.running && !than.includes(member));
    if (found === undefined) throw new Error("no such member is running");
    return found;
  }

  /** The member with this machine ID. */
  async byMachine(machine: string): Promise<Member> {
    for (const member of this.members) {
      if (member.running && (await member.machineId()) === machine) return member;
    }
    throw new Error(`no running member has machine ID ${machine}`);
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.members.filter(({ running }) => running).map((member) => member.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stopAll();
  }
}

async function choosePorts(members: number): Promise<MemberPorts[]> {
  const ports = await freePorts(members * 4);
  return Array.from({ length: members }, (_, i) => {
    const [client = 0, peer = 0, api = 0, dns = 0] = ports.slice(i * 4, i * 4 + 4);
    return { client, peer, api, dns };
  });
}
