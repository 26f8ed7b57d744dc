import { describe, expect, test } from "vitest";
import { memberOptions } from "./config.js";
import { helpText, ignoredFlags, parseFlags, UsageError } from "./flags.js";

describe("etcd's command line", () => {
  test("takes one dash or two, = or a space, and booleans without a value", () => {
    const flags = parseFlags(["-name", "a", "--data-dir=/x=y", "--version", "-pre-vote=false"], {});
    expect(flags).toEqual({ name: "a", "data-dir": "/x=y", version: "true", "pre-vote": "false" });
  });

  test("takes variables, which flags override, and passes over those that are no flags", () => {
    const env = {
      ETCD_NAME: "env",
      ETCD_MAX_TXN_OPS: "5",
      ETCD_UNSUPPORTED_ARCH: "arm",
      HOME: "/",
    };
    expect(parseFlags(["--name=flag"], env)).toEqual({ name: "flag", "max-txn-ops": "5" });
  });

  test.each([
    [["--nonsense"], "flag provided but not defined: -nonsense"],
    [["stray"], "'stray' is not a valid flag"],
    [["--name"], "flag needs an argument: -name"],
    [["--max-txn-ops=many"], 'invalid value "many" for flag -max-txn-ops'],
    [["--version=perhaps"], 'invalid boolean value "perhaps" for -version'],
    [["--wal-dir=a"], "-wal-dir is not supported yet"],
  ])("%j is refused by name", (argv, message) => {
    expect(() => parseFlags(argv, {})).toThrow(UsageError);
    expect(() => parseFlags(argv, {})).toThrow(message);
  });

  test("refused flags that ask for nothing pass; harmless ones are told", () => {
    const flags = parseFlags(
      ["--discovery-fallback=proxy", "--auth-token=simple", "--logger=zap"],
      {},
    );
    expect(ignoredFlags(flags)).toEqual(["logger"]);
  });

  test("the help names every kind of flag", () => {
    for (const name of ["--data-dir", "--logger", "--wal-dir"]) expect(helpText()).toContain(name);
  });
});

describe("a member's options", () => {
  const options = (...argv: string[]) => memberOptions(parseFlags(argv, {}));

  test("make a new cluster of the last member only when told to", () => {
    expect(options("--force-new-cluster").forceNewCluster).toBe(true);
    expect(options("--force-new-cluster=false").forceNewCluster).toBeUndefined();
  });

  test("are etcd's defaults when nothing is given", () => {
    expect(options()).toEqual({
      name: "default",
      storage: { directory: "default.etcd" },
      listenClientUrls: ["http://localhost:2379"],
      advertiseClientUrls: ["http://localhost:2379"],
      listenPeerUrls: ["http://localhost:2380"],
      advertisePeerUrls: ["http://localhost:2380"],
      initialCluster: { default: ["http://localhost:2380"] },
      initialClusterState: "new",
    });
  });

  test("follow the flags", () => {
    const cluster = "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,a=http://10.1.0.1:2380";
    expect(
      options(
        "--name=a",
        `--initial-cluster=${cluster}`,
        "--initial-cluster-token=t",
        "--initial-cluster-state=existing",
        "--heartbeat-interval=50",
        "--election-timeout=500",
        "--quota-backend-bytes=0",
      ),
    ).toMatchObject({
      initialCluster: {
        a: ["http://10.0.0.1:2380", "http://10.1.0.1:2380"],
        b: ["http://10.0.0.2:2380"],
      },
      clusterToken: "t",
      initialClusterState: "existing",
      heartbeatMs: 50,
      electionMs: 500,
    });
  });

  test.each([
    [["--initial-cluster=b=http://h:1"], `couldn't find local name "default"`],
    [["--initial-cluster=nonsense"], '"nonsense" is not of the form name=url'],
    [["--cert-file=a"], "-cert-file and -key-file go together"],
    [["--peer-cert-file=a", "--peer-key-file=b"], "-peer-trusted-ca-file"],
    [["--listen-client-urls=h:1"], "is not of the form http://host:port"],
    [["--initial-cluster-state=old"], 'is "new" or "existing", not "old"'],
    [
      ["--initial-cluster=default=http://h:1", "--initial-advertise-peer-urls=http://h:2"],
      "they must be the same",
    ],
  ])("%j is refused", (argv, message) => {
    expect(() => options(...argv)).toThrow(message);
  });
});
