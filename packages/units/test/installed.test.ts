import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatDiagnostic, loadUnit, parseUnitFile, serializeUnitFile } from "../src/index.js";

const FOLDER = "/lib/systemd/system";

function installedUnits(): { name: string; text: string }[] {
  try {
    return readdirSync(FOLDER)
      .filter((name) => lstatSync(join(FOLDER, name)).isFile())
      .map((name) => ({ name, text: readFileSync(join(FOLDER, name), "utf8") }));
  } catch {
    return [];
  }
}

const units = installedUnits();
if (units.length === 0) console.warn(`skipped: needs units in ${FOLDER} (Debian package systemd)`);

describe.skipIf(units.length === 0)("installed units", () => {
  it("come back byte for byte", () => {
    for (const { text } of units) expect(serializeUnitFile(parseUnitFile(text))).toBe(text);
  });

  it("are all usable, without a warning", () => {
    const told = units.flatMap(({ name, text }) => {
      const { unit, diagnostics } = loadUnit(name.replace("@.", "@a."), parseUnitFile(text));
      expect([name, unit === undefined]).toEqual([name, false]);
      return diagnostics
        .filter(({ severity }) => severity !== "info")
        .map((one) => formatDiagnostic(one));
    });
    expect(told).toEqual([]);
  });
});
