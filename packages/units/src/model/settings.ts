import { findKey, findSection, SECTIONS } from "../keys/sections.js";
import type { KeySpec, ValueContext, ValueProblem, ValueType } from "../keys/value-type.js";
import type { AssignmentNode, UnitFile } from "../syntax/tree.js";
import type { Diagnostic, MachineSpecifiers, Span, UnitName } from "../types.js";
import { closest } from "../values/closest.js";
import { expandSpecifiers } from "../values/specifiers.js";
import { findInlineComment } from "./inline-comment.js";

/** A value that counts, and where it was set. */
interface Setting {
  readonly assignment: AssignmentNode;
  readonly value: unknown;
}

/** The assignments of a file, read by the key table; reading reports whatever is wrong. */
export class Settings {
  readonly diagnostics: Diagnostic[] = [];
  readonly #file: UnitFile;
  readonly #fileName: string;
  readonly #unit: UnitName;
  readonly #machine: MachineSpecifiers | undefined;
  readonly #settings = new Map<string, Setting[]>();

  constructor(file: UnitFile, unit: UnitName, machine: MachineSpecifiers | undefined) {
    this.#file = file;
    this.#fileName = file.file === "" ? unit.name : file.file;
    this.#unit = unit;
    this.#machine = machine;
    this.diagnostics.push(...file.diagnostics);
    for (const section of file.sections) {
      if (!this.#checkSection(section.name, section.span)) continue;
      for (const assignment of section.assignments) this.#read(assignment);
    }
  }

  /** The value of a key that has one: the last that was valid. */
  last<T>(type: ValueType<T>, section: string, key: string): T | undefined {
    return this.#find(type, section, key).at(-1)?.value as T | undefined;
  }

  /** The values of a list key. */
  list<T>(type: ValueType<readonly T[]>, section: string, key: string): readonly T[] {
    return this.#find(type, section, key).flatMap((one) => one.value as readonly T[]);
  }

  /** The assignment that set a key last. */
  where(section: string, key: string): AssignmentNode | undefined {
    return this.#settings.get(`${section}.${key}`)?.at(-1)?.assignment;
  }

  /** A complaint about the unit as a whole, shown at one of its keys, its section or its start. */
  complain(problem: ValueProblem & { code: string }, at: readonly string[]): void {
    const found = at.map((name) => this.#settings.get(name)?.at(-1)?.assignment);
    const assignment = found.find((one) => one !== undefined);
    const section = this.#file.sections.find((one) => at[0]?.startsWith(`${one.name}.`));
    const start = this.#file.position(0);
    const span = assignment?.keySpan ?? section?.span ?? { start, end: start };
    this.#report(problem, span);
  }

  #find(type: ValueType<unknown>, section: string, key: string): readonly Setting[] {
    const spec = findKey(section, key);
    if (spec?.type !== type) throw new Error(`${section}.${key} is not a ${type.name} key`);
    return this.#settings.get(`${section}.${key}`) ?? [];
  }

  /** False for a section whose keys systemd would not look at. */
  #checkSection(name: string, span: Span): boolean {
    const spec = findSection(name);
    if (spec === undefined) {
      if (name.startsWith("X-")) return false;
      const near = closest(name, Object.keys(SECTIONS));
      const hint =
        near === undefined ? "Sections of your own begin with X-." : `Did you mean [${near}]?`;
      const message = `There is no section [${name}]; all in it is ignored.`;
      this.#report({ code: "unknown-section", message, hint }, span);
      return false;
    }
    if (spec.types === undefined || spec.types.includes(this.#unit.type)) return true;
    const message = `[${name}] means nothing in a ${this.#unit.type} unit; all in it is ignored.`;
    const hint = `It belongs in .${spec.types.join(", .")} files.`;
    this.#report({ code: "unknown-section", message, hint }, span);
    return false;
  }

  #read(assignment: AssignmentNode): void {
    const { section, key } = assignment;
    const spec = findKey(section, key);
    if (spec === undefined) {
      this.#unknownKey(assignment);
      return;
    }
    this.#checkAge(assignment, spec);
    if (spec.removed === true) return;
    const names = (spec.sets ?? [spec.renamed ?? key]).map((name) =>
      name.includes(".") ? name : `${section}.${name}`,
    );
    const { type } = spec;
    if (assignment.value === "" && type.empty !== "read") {
      if (type.empty === "reset") for (const name of names) this.#settings.delete(name);
      else this.#report({ message: `${key}= needs a value (${type.name}).` }, assignment.keySpan);
      return;
    }
    this.#checkComment(assignment, type);
    const value = type.read(assignment.value, this.#context(assignment));
    if (value === undefined) return;
    for (const name of names) this.#add(name, { assignment, value });
  }

  #add(name: string, setting: Setting): void {
    const before = this.#settings.get(name);
    if (before === undefined) this.#settings.set(name, [setting]);
    else before.push(setting);
  }

  #checkAge({ key, keySpan }: AssignmentNode, spec: KeySpec): void {
    if (spec.deprecated === undefined) return;
    const state = spec.removed === true ? "was removed and is ignored" : "is an old spelling";
    const severity = spec.removed === true ? "warning" : "info";
    const message = `${key}= ${state}.`;
    this.#report({ code: "deprecated", severity, message, hint: spec.deprecated }, keySpan);
  }

  #checkComment(assignment: AssignmentNode, type: ValueType<unknown>): void {
    const index = findInlineComment(assignment.value, type.name === "command line");
    if (index === undefined) return;
    const message = "There are no comments behind values: this is part of the value.";
    const hint = "Put the comment on a line of its own.";
    const severity = type.prose === true ? "info" : "warning";
    const span = assignment.spanInValue(index, assignment.value.length - index);
    this.#report({ code: "inline-comment", severity, message, hint }, span);
  }

  #unknownKey({ section, key, keySpan }: AssignmentNode): void {
    if (section === "X-Fleet") {
      this.#unknownFleetKey(key, keySpan);
      return;
    }
    if (key.startsWith("X-")) return;
    const homes = Object.keys(SECTIONS).filter((name) => findKey(name, key) !== undefined);
    const home = homes.find((name) => SECTIONS[name]?.types?.includes(this.#unit.type)) ?? homes[0];
    if (home !== undefined) {
      const message = `${key}= does nothing in [${section}].`;
      this.#report({ code: "wrong-section", message, hint: `It belongs in [${home}].` }, keySpan);
      return;
    }
    const near = closest(key, Object.keys(findSection(section)?.keys ?? {}));
    const hint = near === undefined ? "Keys of your own begin with X-." : `Did you mean ${near}=?`;
    const message = `There is no key ${key}= in [${section}]; it is ignored.`;
    this.#report({ code: "unknown-key", message, hint }, keySpan);
  }

  /** fleet refused units with options that it did not know. */
  #unknownFleetKey(key: string, span: Span): void {
    const names = Object.keys(findSection("X-Fleet")?.keys ?? {}).filter(
      (name) => !name.startsWith("X-"),
    );
    const near = closest(key, names);
    const hint =
      near === undefined ? `The options are ${names.join(", ")}.` : `Did you mean ${near}=?`;
    const message = `There is no option ${key}= in [X-Fleet].`;
    this.#report({ code: "unknown-key", severity: "error", message, hint }, span);
  }

  #context(assignment: AssignmentNode): ValueContext {
    const report = (problem: ValueProblem): undefined => {
      const { index = 0, length = assignment.value.length - index } = problem;
      this.#report(problem, assignment.spanInValue(index, length));
    };
    return {
      unit: this.#unit,
      key: assignment.key,
      report,
      expand: (text, { index, length, allowed } = {}) => {
        const { unknown, unresolved, failed, ...rest } = expandSpecifiers(
          text,
          this.#unit,
          this.#machine,
          allowed,
        );
        const at = {
          ...(index === undefined ? {} : { index }),
          ...(length === undefined ? {} : { length }),
        };
        for (const one of unknown) {
          const message = `${one} is not a specifier; it stays as it is.`;
          report({
            code: "unknown-specifier",
            message,
            hint: "Write %% for a percent sign.",
            ...at,
          });
        }
        for (const one of failed) {
          const message = `${one} has no value: the name ${this.#unit.name} does not unescape.`;
          report({ code: "bad-specifier", severity: "error", message, ...at });
        }
        if (this.#machine !== undefined) {
          for (const one of unresolved) {
            const message = `The value of ${one} is not known here; it stays as it is.`;
            report({ code: "unresolved-specifier", message, ...at });
          }
        }
        return rest.text;
      },
    };
  }

  #report(problem: ValueProblem, span: Span): void {
    const { code = "bad-value", severity = "warning", message, hint } = problem;
    const file = this.#fileName;
    this.diagnostics.push({ code, severity, message, ...(hint ? { hint } : {}), file, span });
  }
}
