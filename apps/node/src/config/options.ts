import { parseSize } from "@flotilla/units";
import * as v from "valibot";

/** `host:port`, IPv6 in brackets; port 0 picks a free one. */
const address = v.pipe(
  v.string(),
  v.regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, "must be HOST:PORT, like 127.0.0.1:2379"),
);

const clusterId = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    "must be 1 to 64 letters, digits, dots, dashes or underscores, starting with a letter or digit",
  ),
);

const memberName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "must be a name like n1"),
);

/** `n1=http://10.0.0.1:2380,n2=…` → name → URLs. */
const initialCluster = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const members: Record<string, string[]> = {};
    for (const part of dataset.value.split(",").filter(Boolean)) {
      const at = part.indexOf("=");
      const url = part.slice(at + 1);
      if (at < 1 || !/^https?:\/\/[^\s/]+:\d+$/.test(url)) {
        addIssue({ message: `"${part}" must be NAME=http://HOST:PORT` });
        return NEVER;
      }
      const name = part.slice(0, at);
      members[name] = [...(members[name] ?? []), url];
    }
    return members;
  }),
);

/** `http://10.0.0.1:2379,…` */
const urls = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const list = dataset.value.split(",").filter(Boolean);
    const bad = list.find((url) => !/^https?:\/\/[^\s/]+:\d+$/.test(url));
    if (bad === undefined) return list;
    addIssue({ message: `"${bad}" must be http://HOST:PORT` });
    return NEVER;
  }),
);

const metadata = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const pairs: Record<string, string> = {};
    for (const part of dataset.value.split(",").filter(Boolean)) {
      const [key, value, ...more] = part.split("=");
      if (!key || value === undefined || more.length > 0) {
        addIssue({ message: `"${part}" must be KEY=VALUE with one "="` });
        return NEVER;
      }
      pairs[key.trim()] = value.trim();
    }
    return pairs;
  }),
);

/** `cpu=4,memory=8G,tasks=5000` → thousandths of a CPU, bytes, tasks. */
const capacity = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const amounts: { cpu?: number; memory?: number; tasks?: number } = {};
    for (const part of dataset.value.split(",").filter(Boolean)) {
      const [name, text = ""] = part.split("=");
      const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      if (name === "cpu") amounts.cpu = Math.floor(number * 1_000);
      else if (name === "memory") amounts.memory = parseSize(text) ?? Number.NaN;
      else if (name === "tasks") amounts.tasks = Math.floor(number);
      if (Number.isNaN(amounts[name as keyof typeof amounts] ?? Number.NaN)) {
        addIssue({ message: `"${part}" must be cpu=NUMBER, memory=SIZE or tasks=NUMBER` });
        return NEVER;
      }
    }
    return amounts;
  }),
);

/** `embedded`, or `etcd://host:2379,host:2379`. */
const store = v.pipe(
  v.string(),
  v.regex(
    /^(embedded|etcd:\/\/[^\s/,]+:\d+(,[^\s/,]+:\d+)*)$/,
    'must be "embedded" or etcd://HOST:PORT[,HOST:PORT…]',
  ),
);

const number = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+(\.\d+)?$/, "must be a number"),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

const flag = v.pipe(
  v.picklist(["true", "false"], "must be true or false"),
  v.transform((text) => text === "true"),
);

/**
 * Every setting: its name is the flag (`--data-dir`), in capitals after `FLOTILLA_` the variable
 * (`FLOTILLA_DATA_DIR`), and as it stands the key of the JSON configuration file.
 */
export const OPTIONS = {
  name: { schema: memberName, default: "default", help: "this machine's name" },
  "data-dir": {
    schema: v.pipe(v.string(), v.nonEmpty("must be a folder")),
    default: "/var/lib/flotilla",
    help: "folder of this machine alone: store, journals, identity",
  },
  "cluster-id": {
    schema: clusterId,
    default: "flotilla",
    help: "the cluster's ID: machines and data of another are refused",
  },
  "initial-cluster": {
    schema: initialCluster,
    default: "",
    help: "first store members, NAME=http://HOST:PORT,…; alone when empty",
  },
  join: {
    schema: urls,
    default: "",
    help: "client URLs of the running cluster that this member was added to (member add); first start only",
  },
  "force-new-cluster": {
    schema: flag,
    default: "false",
    help: "the store's other members are lost for good: this one goes on as a new cluster with all data; done once",
  },
  store: {
    schema: store,
    default: "embedded",
    help: "embedded, or an existing etcd: etcd://HOST:PORT,…",
  },
  "key-prefix": {
    schema: v.pipe(v.string(), v.regex(/^\/[^\s]*$/, "must start with /")),
    default: "/flotilla/",
    help: "where the cluster's records lie in the store",
  },
  "listen-peer": { schema: address, default: "127.0.0.1:2380", help: "store peers connect here" },
  "listen-client": {
    schema: address,
    default: "127.0.0.1:2379",
    help: "store clients (etcd v3) connect here",
  },
  "advertise-client": {
    schema: v.union([v.literal(""), address], "must be HOST:PORT"),
    default: "",
    help: "where other members and clients reach listen-client, when not there",
  },
  "advertise-api": {
    schema: v.union([v.literal(""), address], "must be HOST:PORT"),
    default: "",
    help: "where other machines reach listen-api, when not there",
  },
  "listen-api": { schema: address, default: "127.0.0.1:49153", help: "the HTTP API" },
  "listen-dns": {
    schema: v.union([v.literal("off"), address], 'must be HOST:PORT or "off"'),
    default: "off",
    help: "DNS server for services, or off",
  },
  domain: { schema: v.string(), default: "flotilla.local", help: "DNS domain of the services" },
  "public-ip": {
    schema: v.pipe(v.string(), v.ip("must be an IP address")),
    default: "127.0.0.1",
    help: "where others reach this machine and its services",
  },
  metadata: { schema: metadata, default: "", help: "KEY=VALUE,… for MachineMetadata=" },
  capacity: {
    schema: capacity,
    default: "",
    help: "what units may ask for here, cpu=4,memory=8G,tasks=5000; what the machine has when empty",
  },
  "machine-ttl": {
    schema: v.pipe(number(2, 3_600), v.integer("must be a whole number")),
    default: "3",
    help: "seconds until a silent machine counts as dead",
  },
  "engine-interval": {
    schema: number(0.1, 3_600),
    default: "2",
    help: "seconds between the engine's passes when nothing changes",
  },
  engine: { schema: flag, default: "true", help: "false: this machine never leads the engine" },
  "heartbeat-interval": {
    schema: number(10, 10_000),
    default: "100",
    help: "milliseconds between the store leader's heartbeats",
  },
  "election-timeout": {
    schema: number(50, 50_000),
    default: "1000",
    help: "milliseconds without a heartbeat before an election",
  },
  "log-level": {
    schema: v.picklist(
      ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
      "must be trace, debug, info, warn, error, fatal or silent",
    ),
    default: "info",
    help: "least level that is logged",
  },
} as const;

export type OptionName = keyof typeof OPTIONS;

/** All settings, checked and typed. */
export type Config = {
  readonly [K in OptionName]: v.InferOutput<(typeof OPTIONS)[K]["schema"]>;
};
