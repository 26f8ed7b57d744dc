import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Bench } from "tinybench";
import { loadUnit, parseUnitFile, serializeUnitFile } from "../src/index.js";

/** The units installed on this machine, or else a few made up. */
function corpus(): { name: string; text: string }[] {
  const folder = "/lib/systemd/system";
  try {
    return readdirSync(folder)
      .filter((name) => lstatSync(join(folder, name)).isFile())
      .map((name) => ({
        name: name.replace("@.", "@a."),
        text: readFileSync(join(folder, name), "utf8"),
      }));
  } catch {
    const text = "# made up\n[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/sleep 1\n";
    return Array.from({ length: 200 }, (_, index) => ({ name: `u${index}.service`, text }));
  }
}

const units = corpus();
const megabytes = units.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
const parsed = units.map(({ name, text }) => ({ name, file: parseUnitFile(text) }));

const bench = new Bench({ time: 1500, warmupTime: 500 });
bench.add("parse: tree and diagnostics of syntax", () => {
  for (const { name, text } of units) parseUnitFile(text, { file: name });
});
bench.add("parse and load: typed model, all diagnostics", () => {
  for (const { name, text } of units) loadUnit(name, parseUnitFile(text));
});
bench.add("serialize", () => {
  for (const { file } of parsed) serializeUnitFile(file);
});
await bench.run();

console.log(`${units.length} files, ${(megabytes * 1000).toFixed(0)} KB`);
for (const { name, result } of bench.tasks) {
  const seconds = result.state === "completed" ? result.latency.p50 / 1000 : Number.NaN;
  console.log(`${(megabytes / seconds).toFixed(0).padStart(6)} MB/s  ${name}`);
}
