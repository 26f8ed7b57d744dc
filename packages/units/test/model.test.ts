// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is systemd's syntax, not a template

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadUnit, parseUnitFile } from "../src/index.js";
import { dumpUnits, ourFacts, theirFacts } from "./debug-output.js";
import { NEEDS_SYSTEMD, systemdVersion } from "./systemd.js";

const installed = systemdVersion() !== undefined;
if (!installed) console.warn(`skipped: ${NEEDS_SYSTEMD}`);

function compare(units: ReadonlyMap<string, string>): number {
  const dumped = dumpUnits(units);
  let compared = 0;
  for (const [name, text] of units) {
    const { unit } = loadUnit(name, parseUnitFile(text));
    const dump = dumped.get(name);
    if (unit?.service === undefined || dump === undefined) continue;
    expect([name, text, ourFacts(unit)]).toEqual([name, text, theirFacts(dump, unit)]);
    compared++;
  }
  return compared;
}

describe.skipIf(!installed)("the model beside what systemd reads", () => {
  it("has the same commands for 300 generated lines", () => {
    const word = fc
      .array(
        fc.constantFrom(
          ...[
            "a",
            "b c",
            "'",
            '"',
            "\\x41",
            "\\303\\251",
            "\\u00e9",
            "\\s",
            "\\t",
            "$A",
            "${B}",
            "$$",
          ],
          ...["%n", "%i", "%p", "%%", "\\\\", "\\q", ";", "\\;", "=", "é", "#"],
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts) => parts.join(""));
    const line = fc.array(fc.oneof(word, fc.constantFrom(";", "\\;", '""', "'x y'")), {
      maxLength: 5,
    });
    const lines = fc.sample(line, { numRuns: 300, seed: 20_140 });
    const units = new Map(
      lines.map((words, index) => {
        const text = `[Service]\nType=oneshot\nExecStart=/bin/echo ${words.join(" ")}\n`;
        return [`g${index}@i.service`, text.replace(/(^|\n)(.*; )(?!\/)/g, "$1$2/bin/true ")];
      }),
    );
    expect(compare(units)).toBeGreaterThan(100);
  });

  it("is the same for a unit with everything", () => {
    const text = [
      "[Unit]",
      "Description=All of %p for %i, 100%%",
      "After=a.service b@.service \\\n  c.target",
      "Wants=a.service a.service",
      "Requires=d.socket",
      "After=",
      "[Service]",
      "Type=forking",
      "Environment=A=1 'B=2 3' \"C=\\x41\"",
      "Environment=A=2 D=%i",
      "ExecStartPre=-/bin/a $X ; @/bin/b c d",
      "ExecStart=/bin/one 'two three' %I",
      "ExecStop=/bin/kill $MAINPID",
      "Restart=on-abnormal",
      "RestartSec=1min 5s",
      "TimeoutSec=2h",
      "TimeoutStopSec=infinity",
      "KillMode=mixed",
      "KillSignal=RTMIN+3",
      "RemainAfterExit=on",
    ].join("\n");
    expect(compare(new Map([["all@x-y.service", text]]))).toBe(1);
  });

  it("is the same for the services installed here", () => {
    const folder = "/lib/systemd/system";
    const units = new Map(
      readdirSync(folder)
        .filter((name) => /^[^.]*\.service$/.test(name))
        .map(
          (name) => [name.replace("@.", "@a."), readFileSync(join(folder, name), "utf8")] as const,
        )
        // What the machine decides is not compared here.
        .filter(([, text]) => !/%[^npiIjfN%]/.test(text)),
    );
    expect(compare(units)).toBeGreaterThan(0);
  });
});
