import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OneMember } from "./one-member.js";

const one = OneMember.forThisFile();

describe("the journal", () => {
  it("is what was written, on either stream", async () => {
    const out = ["plain", "", "  spaces \t kept  ", "grüße ☃ 𝄞", "x".repeat(5_000), "no line feed"];
    const err = ["an error", '{"json":"\\\\"}'];
    writeFileSync(join(one.directory, "out"), out.join("\n"));
    writeFileSync(join(one.directory, "err"), `${err.join("\n")}\n`);
    await one.launch(
      "writer.service",
      `[Service]
Type=oneshot
ExecStart=/bin/cat ${one.directory}/out
ExecStart=/bin/sh -c 'cat ${one.directory}/err >&2'
`,
    );
    await one.untilSub("writer.service", "inactive (dead)");
    const { stdout, code } = await one.flotilla("journal", "-l", "all", "-o", "json", "writer");
    expect(code).toBe(0);
    const entries = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { source: string; message: string; identifier: string });
    const of = (source: string) => entries.filter((entry) => entry.source === source);
    expect(of("stdout").map(({ message }) => message)).toEqual(out);
    expect(of("stderr").map(({ message }) => message)).toEqual(err);
    expect(of("stdout")[0]?.identifier).toBe("cat");
    const cat = await one.flotilla("journal", "-l", "all", "-o", "cat", "writer");
    const text = cat.stdout.split("\n");
    expect(text).toEqual(expect.arrayContaining([...out, ...err]));
  });

  it("loses none of 20,000 lines", async () => {
    await one.launch(
      "chatty.service",
      "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'seq 20000; echo end >&2'\n",
    );
    await one.untilSub("chatty.service", "inactive (dead)");
    const { stdout } = await one.flotilla("journal", "-l", "all", "-o", "cat", "chatty");
    const numbers = stdout.split("\n").filter((line) => /^\d+$/.test(line));
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i + 1)));
  });
});
