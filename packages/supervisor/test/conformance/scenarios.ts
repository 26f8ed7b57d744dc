import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What is done to a scenario's units, one step after the other; each waits until its job is over. */
export type Step = readonly ["start" | "stop" | "restart" | "reload" | "kill", unit: string];

/** A story told to both systemd and this package. */
export interface Scenario {
  readonly name: string;
  /** Texts by the units' full names, the scenario's name in front. */
  readonly units: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
  /** The unit whose end is waited for, and the sub state that it ends in. */
  readonly until: readonly [unit: string, sub: string];
  /** Why the two differ here, where they do. */
  readonly differs: string | undefined;
  /** The same story with names of its own, to be told once more. */
  readonly again: () => Scenario;
}

const FOLDER = join(import.meta.dirname, "stories");

/**
 * The stories of the folder `stories`, one a file: after `--- NAME.TYPE` the text of a unit, in which
 * `@` stands for the story's name and a dash; after `--- steps` what is done (`.service` is left
 * out), and at the end `until SUB`, the state that the first unit ends in.
 */
export const SCENARIOS: readonly Scenario[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".story"))
  .sort()
  .map((file) => readStory(file.replace(/\.story$/, ""), readFileSync(join(FOLDER, file), "utf8")));

function readStory(name: string, text: string): Scenario {
  const full = (unit: string): string => `${name}-${unit.includes(".") ? unit : `${unit}.service`}`;
  const units = new Map<string, string>();
  let lines: readonly string[] = [];
  for (const part of text.split(/^--- /m).slice(1)) {
    const [title = "", ...body] = part.trimEnd().split("\n");
    if (title === "steps") lines = body;
    else units.set(full(title), `${body.join("\n").replaceAll("@", `${name}-`)}\n`);
  }
  const [first = ""] = units.keys();
  const steps = lines.slice(0, -1).map((line): Step => {
    const [verb = "", unit = ""] = line.split(" ");
    return [verb as Step[0], full(unit)];
  });
  const sub = lines.at(-1)?.replace(/^until /, "") ?? "";
  const differs = /^differs: (.*)$/m.exec(text)?.[1];
  const again = (): Scenario => readStory(`${name}-again`, text);
  return { name, units, steps, until: [first, sub], differs, again };
}
