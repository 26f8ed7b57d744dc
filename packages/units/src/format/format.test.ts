import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyText } from "../../test/any-text.js";
import { parseUnitFile } from "../syntax/parse.js";
import type { UnitFile } from "../syntax/tree.js";
import { formatUnitFile } from "./format.js";

const format = (text: string): string => formatUnitFile(parseUnitFile(text));

/** All that systemd makes of a file. */
function meaning(file: UnitFile): unknown {
  return {
    sections: file.sections.map(({ name }) => name),
    assignments: file.assignments.map(({ section, key, value }) => [section, key, value]),
    problems: file.diagnostics.map(({ code }) => code),
  };
}

describe("formatUnitFile", () => {
  it("tidies blanks and empty lines, and nothing else", () => {
    const text =
      "\n\n# about\n[Unit]  \n\n  Description =  A  b \r\n; note\n# on the service\n[Service]\n" +
      "ExecStart=/bin/a \\\n    --b \\\n# why\n    c\nEnvironment=\n\n\n\nX";
    expect(format(text)).toBe(
      "# about\n[Unit]\n\nDescription=A  b\n\n; note\n# on the service\n[Service]\n" +
        "ExecStart=/bin/a \\\n    --b \\\n# why\n    c\nEnvironment=\n\nX\n",
    );
  });

  it("leaves nothing of a file with nothing", () => {
    expect(format(" \n\n")).toBe("");
  });

  it("does not join lines that a blank kept apart", () => {
    expect(format("[Unit]\nDescription=a\\ \nAfter=b.service\n")).toBe(
      "[Unit]\nDescription=a\\ \nAfter=b.service\n",
    );
  });

  it("keeps the meaning, and changes nothing when done again", () => {
    const piece = fc.constantFrom(
      ...["[Unit]", "[Service]", "After=a.service", " ExecStart = /bin/a", "# c", ";", "=", "A"],
      ...[
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        "\r",
        "\\\n",
        "\\ \n",
        " \\",
        "\\\\",
        "\t",
        "é",
        "[x",
        "\ufeff",
      ],
    );
    const unitLike = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
    let broken = 0;
    fc.assert(
      fc.property(fc.oneof({ arbitrary: unitLike, weight: 9 }, anyText(60)), (text) => {
        const once = format(text);
        expect(meaning(parseUnitFile(once))).toEqual(meaning(parseUnitFile(text)));
        expect(format(once)).toBe(once);
        if (once === text && text.includes("\n\n\n")) broken++;
      }),
      { numRuns: 2000 },
    );
    // Most texts here are broken in some way, and still all but a few get their style.
    expect(broken).toBeLessThan(100);
  });
});
