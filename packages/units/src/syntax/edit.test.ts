import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnitsError } from "../errors.js";
import { addAssignment, removeAssignment, setAssignment } from "./edit.js";
import { parseUnitFile } from "./parse.js";

const TEXT = "# top\n[Unit]\nAfter=a\nAfter=b \\\n # in\n c\n\n[Service]\n  Restart = no  \n; end";

describe("edits", () => {
  const file = parseUnitFile(TEXT, { file: "a.service" });

  it("change a value and nothing else", () => {
    const edited = setAssignment(file, "Service", "Restart", "always");
    expect(edited.text).toBe(TEXT.replace("no  ", "always  "));
    expect(edited.file).toBe("a.service");
  });

  it("leave one assignment where there were several", () => {
    const edited = setAssignment(file, "Unit", "After", "z");
    expect(edited.text).toBe(TEXT.replace("After=a\n", "").replace("b \\\n # in\n c", "z"));
  });

  it("add behind the same key, else at the end of the section, else in a new section", () => {
    expect(addAssignment(file, "Unit", "After", "d").text).toBe(
      TEXT.replace(" c\n", " c\nAfter=d\n"),
    );
    expect(addAssignment(file, "Service", "User", "x").text).toBe(
      TEXT.replace("no  \n", "no  \nUser=x\n"),
    );
    expect(addAssignment(file, "Install", "Alias", "x").text).toBe(
      `${TEXT}\n\n[Install]\nAlias=x\n`,
    );
    expect(addAssignment(parseUnitFile(""), "Unit", "A", "1").text).toBe("[Unit]\nA=1\n");
    expect(addAssignment(parseUnitFile("[U]\r\n"), "U", "A", "1").text).toBe("[U]\r\nA=1\r\n");
  });

  it("remove whole assignments, by value if asked", () => {
    expect(removeAssignment(file, "Unit", "After").values("Unit", "After")).toEqual([]);
    expect(removeAssignment(file, "Unit", "After", "a").text).toBe(TEXT.replace("After=a\n", ""));
    expect(removeAssignment(file, "Unit", "Nope")).toBe(file);
  });

  it.each([
    ["", "A", "1"],
    ["S]", "A", "1"],
    ["S", "A=B", "1"],
    ["S", "#A", "1"],
    ["S", "A", "1\n2"],
    ["S", "A", "1\\"],
    ["S", "A", " 1"],
  ])("refuse [%s] %s=%j", (section, key, value) => {
    expect(() => setAssignment(file, section, key, value)).toThrow(UnitsError);
  });

  it("set a value that is then read back, whatever the file", () => {
    const line = fc.constantFrom("[S]", "[T]", "K=1", "K=2\\", "J=x", "#c", "", "junk", "\\");
    const end = fc.constantFrom("\n", "\r\n");
    const texts = fc
      .tuple(fc.array(line, { maxLength: 12 }), end)
      .map(([lines, eol]) => lines.join(eol));
    fc.assert(
      fc.property(texts, (text) => {
        const edited = setAssignment(parseUnitFile(text), "S", "K", "new");
        expect(edited.values("S", "K")).toEqual(["new"]);
      }),
      { numRuns: 300 },
    );
  });
});
