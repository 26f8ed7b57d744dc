import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryNetwork, RaftGroup } from "@flotilla/raft/node";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { main } from "../../main.js";

let data = "";
let folder = "";
let group: RaftGroup<string, number> | null = null;

/** A member's folder as flotillad has it: in a data directory, with a snapshot and some entries. */
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "flotilla-cli-raft-"));
  folder = join(data, "store");
  const network = new MemoryNetwork();
  let count = 0;
  group = await RaftGroup.open<string, number>({
    id: 7,
    clusterId: "tools",
    members: [{ id: 7, address: "host:2380", context: Buffer.from("n7"), learner: false }],
    storage: { directory: folder },
    transport: network.transport(7),
    stateMachine: {
      apply: (entries) => entries.map(() => ++count),
      async *snapshot() {
        yield Buffer.from("state ".repeat(100));
      },
      async restore() {},
    },
    codec: {
      encode: (text) => Buffer.from(text),
      decode: (bytes) => Buffer.from(bytes).toString(),
    },
    tickMs: 10,
    snapshotEntries: 10,
  });
  const leading = group;
  await vi.waitFor(() => expect(leading.isLeader).toBe(true));
  for (let n = 0; n < 15; n++) await leading.propose(`word-${n}`);
  await vi.waitFor(() => expect(leading.status().snapshotIndex).toBeGreaterThan(0));
});

afterEach(async () => {
  await group?.close();
  rmSync(data, { recursive: true });
});

async function stopped(): Promise<void> {
  await group?.close();
  group = null;
}

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const take = (add: (text: string) => void) =>
    ((text: string, done?: () => void) => {
      add(text);
      if (typeof done === "function") done();
      return true;
    }) as typeof process.stdout.write;
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(
      take((text) => {
        out += text;
      }),
    ),
    vi.spyOn(process.stderr, "write").mockImplementation(
      take((text) => {
        err += text;
      }),
    ),
  ];
  try {
    const code = await main(["raft", ...argv], {});
    return { code, out, err };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

function segment(): string {
  const [name] = readdirSync(join(folder, "log"));
  return join(folder, "log", name!);
}

describe("flotilla raft inspect", () => {
  it("prints what a data directory holds, in a form that stays", async () => {
    await stopped();
    const { code, out, err } = await run("inspect", data, "--entries", "3-4");
    expect([code, err]).toEqual([0, ""]);
    const lines = out.split("\n").map((line) => line.split(/\t+/));
    const value = (name: string): string | undefined =>
      lines.find(([first]) => first === name)?.[1];
    expect(value("folder")).toBe(folder);
    expect(value("cluster")).toBe("tools");
    expect(value("member")).toBe("7");
    expect(value("in use")).toBe("no");
    const row = (name: string): string[] | undefined =>
      lines[lines.findIndex(([first]) => first === name) + 1];
    expect(row("SEGMENT")?.slice(0, 2)).toEqual(["0000000000000001.wal", "1"]);
    expect(row("SNAPSHOT")?.slice(4)).toEqual(["yes", "yes", "7"]);
    expect(row("MEMBER")).toEqual(["7", "voter", "host:2380", "n7"]);
    expect(row("ENTRY")).toEqual([
      "3",
      "2",
      "command",
      expect.any(String),
      "yes",
      expect.stringMatching(/word-0$/),
    ]);
    expect(out.split("ENTRY")[1]!.trim().split("\n")).toHaveLength(3);
  });

  it("gives all of it as JSON", async () => {
    await stopped();
    for (const flags of [["--json"], ["-o", "json"]]) {
      const { code, out } = await run("inspect", folder, ...flags, "--entries", "1");
      expect(code).toBe(0);
      const report = JSON.parse(out);
      expect(report).toMatchObject({ directory: folder, inUse: false, clusterId: "tools", id: 7 });
      expect(report.entries).toMatchObject([{ index: 1, type: "members", text: "add voter 7" }]);
      expect(Buffer.from(report.membership.members[0].context, "base64").toString()).toBe("n7");
      expect(report.damages).toEqual([]);
    }
  });

  it.skipIf(process.platform !== "linux")(
    "warns while the member runs; verify does not begin",
    async () => {
      const { code, err } = await run("inspect", data);
      expect(code).toBe(0);
      expect(err).toMatch(/has this folder open/);
      const verdict = await run("verify", data);
      expect(verdict.code).toBe(2);
      expect(verdict.err).toMatch(/another process has it open/);
    },
  );

  it("refuses what is no member's folder, and a range that is none", async () => {
    expect(await run("inspect", join(data, "nowhere"))).toMatchObject({ code: 2 });
    expect(await run("inspect", data, "--entries", "x")).toMatchObject({ code: 2 });
  });
});

describe("flotilla raft verify", () => {
  it("says what is clean", async () => {
    await stopped();
    const { code, out } = await run("verify", data);
    expect(code).toBe(0);
    expect(out).toMatch(/: clean: 1 segments and \d snapshots, \d+ bytes, to index 17\n$/);
  });

  it("names a torn end and corruption, with place and advice, and exits with 1", async () => {
    await stopped();
    const bytes = readFileSync(segment());
    const torn = Buffer.from(bytes);
    let used = bytes.length;
    while (bytes[used - 1] === 0) used--;
    torn.fill(9, used + 600, used + 650);
    writeFileSync(segment(), torn);
    const one = await run("verify", data);
    expect(one.code).toBe(1);
    expect(one.out).toMatch(
      /0001\.wal: offset \d+, index 17: .*\n {2}torn: cut off at the next start\n {2}do: nothing/,
    );
    expect(one.err).toMatch(/1 damaged, the member will start/);
    bytes[520]! ^= 1;
    writeFileSync(segment(), bytes);
    const other = await run("verify", data, "--json");
    expect(other.code).toBe(1);
    expect(JSON.parse(other.out)).toMatchObject({
      clean: false,
      damages: [{ file: segment(), offset: 512, kind: "corrupt", outcome: "refused" }],
    });
    truncateSync(segment(), 100_000);
    expect((await run("verify", data)).out).toMatch(/the file has 100000 of 1048576 bytes/);
  });
});
