import { byPosition } from "../diagnostics.js";
import type { SectionTable } from "../keys/section-table.js";
import { UNIT_SECTIONS } from "../keys/sections.js";
import type {
  ExpandOptions,
  KeySpec,
  ValueContext,
  ValueProblem,
  ValueType,
} from "../keys/value-type.js";
import type { AssignmentNode, Section, UnitFile } from "../syntax/tree.js";
import type { Diagnostic, MachineSpecifiers, Span, UnitName } from "../types.js";
import { closest } from "../values/closest.js";
import { expandSpecifiers } from "../values/specifiers.js";
import { findInlineComment } from "./inline-comment.js";

/** A value that counts, and where it was set. */
interface Setting {
  readonly file: UnitFile;
  readonly assignment: AssignmentNode;
  readonly type: ValueType<unknown>;
  readonly value: unknown;
}

const NONE: readonly never[] = [];

/** The assignments of a unit's files, read by the key table; reading reports whatever is wrong. */
export class Settings {
  readonly diagnostics: Diagnostic[] = [];
  readonly #table: SectionTable;
  readonly #files: readonly UnitFile[];
  /** The one that is being read. */
  #file: UnitFile;
  readonly #unit: UnitName;
  readonly #context: ReadingContext;
  /** By section, then key. */
  readonly #settings = new Map<string, Map<string, Setting[]>>();

  constructor(
    files: readonly UnitFile[],
    unit: UnitName,
    machine: MachineSpecifiers | undefined,
    table: SectionTable = UNIT_SECTIONS,
  ) {
    this.#table = table;
    this.#files = files;
    this.#file = files[0]!;
    this.#unit = unit;
    this.#context = new ReadingContext(unit, machine, (problem, span) =>
      this.#report(problem, span),
    );
    for (const file of files) {
      this.#file = file;
      this.diagnostics.push(...file.diagnostics);
      for (const section of file.sections) {
        if (!this.#checkSection(section)) continue;
        for (const assignment of section.assignments) this.#read(assignment);
      }
    }
  }

  /** What was reported, file after file, by place. */
  sorted(): Diagnostic[] {
    if (this.diagnostics.length < 2) return this.diagnostics;
    const rank = new Map(this.#files.map((file, index) => [this.#nameOf(file), index]));
    const rankOf = (one: Diagnostic): number => rank.get(one.file) ?? 0;
    return this.diagnostics.toSorted((a, b) => rankOf(a) - rankOf(b) || byPosition(a, b));
  }

  #nameOf({ file }: UnitFile): string {
    return file === "" ? this.#unit.name : file;
  }

  /** The value of a key that has one: the last that was valid. */
  last<T>(type: ValueType<T>, section: string, key: string): T | undefined {
    return this.#find(type, section, key)?.at(-1)?.value as T | undefined;
  }

  /** All values of a key that has one, in order. */
  every<T>(type: ValueType<T>, section: string, key: string): readonly T[] {
    return (this.#find(type, section, key) ?? NONE).map((one) => one.value as T);
  }

  /** The values of a list key. */
  list<T>(type: ValueType<readonly T[]>, section: string, key: string): readonly T[] {
    const found = this.#find(type, section, key);
    if (found === undefined) return NONE;
    if (found.length === 1) return found[0]!.value as readonly T[];
    return found.flatMap((one) => one.value as readonly T[]);
  }

  /** A complaint about the unit as a whole, shown at one of its keys, its section or its start. */
  complain(problem: ValueProblem & { code: string }, at: readonly string[]): void {
    const found = at.map((name) => {
      const [section = "", key = ""] = name.split(".");
      return this.#settings.get(section)?.get(key)?.at(-1);
    });
    const setting = found.find((one) => one !== undefined);
    this.#file = setting?.file ?? this.#files[0]!;
    const section = this.#file.sections.find((one) => at[0]?.startsWith(`${one.name}.`));
    const start = this.#file.position(0);
    const span = setting?.assignment.keySpan ?? section?.span ?? { start, end: start };
    this.#report(problem, span);
  }

  #find(type: ValueType<unknown>, section: string, key: string): readonly Setting[] | undefined {
    const found = this.#settings.get(section)?.get(key);
    if (found?.[0] !== undefined && found[0].type !== type) {
      throw new Error(`${section}.${key} is not a ${type.name} key`);
    }
    return found;
  }

  /** False for a section whose keys systemd would not look at. */
  #checkSection(section: Section): boolean {
    // Its span is computed when asked for, which for most files is never.
    const { name } = section;
    const spec = this.#table.section(name);
    if (spec === undefined) {
      if (name.startsWith("X-")) return false;
      const near = closest(name, this.#table.names);
      const hint =
        near === undefined ? "Sections of your own begin with X-." : `Did you mean [${near}]?`;
      const message = `There is no section [${name}]; all in it is ignored.`;
      this.#report({ code: "unknown-section", message, hint }, section.span);
      return false;
    }
    if (spec.types === undefined || spec.types.includes(this.#unit.type)) return true;
    const message = `[${name}] means nothing in a ${this.#unit.type} unit; all in it is ignored.`;
    const hint = `It belongs in .${spec.types.join(", .")} files.`;
    this.#report({ code: "unknown-section", message, hint }, section.span);
    return false;
  }

  #read(assignment: AssignmentNode): void {
    const { section, key } = assignment;
    const spec = this.#table.key(section, key);
    if (spec === undefined) {
      this.#unknownKey(assignment);
      return;
    }
    if (spec.deprecated !== undefined) this.#oldKey(assignment, spec);
    if (spec.removed === true) return;
    const { type } = spec;
    if (assignment.value === "" && type.empty !== "read") {
      if (type.empty === "refuse") {
        this.#report({ message: `${key}= needs a value (${type.name}).` }, assignment.keySpan);
      } else {
        for (const name of spec.sets ?? [spec.renamed ?? key]) this.#reset(section, name);
      }
      return;
    }
    this.#checkComment(assignment, type);
    this.#context.assignment = assignment;
    const value = type.read(assignment.value, this.#context);
    if (value === undefined) return;
    const setting = { file: this.#file, assignment, type, value };
    if (spec.sets === undefined) this.#add(section, spec.renamed ?? key, setting);
    else for (const name of spec.sets) this.#add(section, name, setting);
  }

  /** `name` may bring its own section: `Section.Key`. */
  #add(section: string, name: string, setting: Setting): void {
    const dot = name.indexOf(".");
    const home = dot === -1 ? section : name.slice(0, dot);
    const key = dot === -1 ? name : name.slice(dot + 1);
    let settings = this.#settings.get(home);
    if (settings === undefined) {
      settings = new Map();
      this.#settings.set(home, settings);
    }
    const before = settings.get(key);
    if (before === undefined) settings.set(key, [setting]);
    else before.push(setting);
  }

  #reset(section: string, name: string): void {
    const dot = name.indexOf(".");
    if (dot === -1) this.#settings.get(section)?.delete(name);
    else this.#settings.get(name.slice(0, dot))?.delete(name.slice(dot + 1));
  }

  #oldKey({ section, key, keySpan }: AssignmentNode, spec: KeySpec): void {
    const state =
      spec.removed === true ? "was removed from systemd and is ignored" : "is deprecated";
    const loud = spec.removed === true || spec.warns === true;
    const severity = loud ? "warning" : "info";
    const message = `${key}= ${state} in [${section}].`;
    const hint = spec.deprecated ?? "";
    this.#report({ code: "deprecated", severity, message, hint }, keySpan);
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
    const homes = this.#table.names.filter((name) => this.#table.key(name, key) !== undefined);
    const home =
      homes.find((name) => this.#table.section(name)?.types?.includes(this.#unit.type)) ?? homes[0];
    if (home !== undefined) {
      const message = `${key}= does nothing in [${section}].`;
      this.#report({ code: "wrong-section", message, hint: `It belongs in [${home}].` }, keySpan);
      return;
    }
    const near = closest(key, this.#table.keys(section)?.keys() ?? []);
    const hint = near === undefined ? "Keys of your own begin with X-." : `Did you mean ${near}=?`;
    const message = `There is no key ${key}= in [${section}]; it is ignored.`;
    this.#report({ code: "unknown-key", message, hint }, keySpan);
  }

  /** fleet refused units with options that it did not know. */
  #unknownFleetKey(key: string, span: Span): void {
    const names = [...(this.#table.keys("X-Fleet")?.keys() ?? [])].filter(
      (name) => !name.startsWith("X-"),
    );
    const near = closest(key, names);
    const hint =
      near === undefined ? `The options are ${names.join(", ")}.` : `Did you mean ${near}=?`;
    const message = `There is no option ${key}= in [X-Fleet].`;
    this.#report({ code: "unknown-key", severity: "error", message, hint }, span);
  }

  #report(problem: ValueProblem, span: Span): void {
    const { code = "bad-value", severity = "warning", message, hint } = problem;
    const file = this.#nameOf(this.#file);
    this.diagnostics.push({ code, severity, message, ...(hint ? { hint } : {}), file, span });
  }
}

/** The context of the value that is being read; one object serves all values of a file in turn. */
class ReadingContext implements ValueContext {
  readonly unit: UnitName;
  assignment: AssignmentNode | undefined;
  readonly #machine: MachineSpecifiers | undefined;
  readonly #report: (problem: ValueProblem, span: Span) => void;

  constructor(
    unit: UnitName,
    machine: MachineSpecifiers | undefined,
    report: (problem: ValueProblem, span: Span) => void,
  ) {
    this.unit = unit;
    this.#machine = machine;
    this.#report = report;
  }

  get key(): string {
    return this.assignment?.key ?? "";
  }

  report(problem: ValueProblem): undefined {
    const { assignment } = this;
    if (assignment === undefined) throw new Error("no value is being read");
    if (this.#waits(assignment.value) && problem.code !== "unknown-specifier") return;
    const { index = 0, length = assignment.value.length - index } = problem;
    this.#report(problem, assignment.spanInValue(index, length));
  }

  /** Without its instance a template cannot tell whether such a value will be right. */
  #waits(value: string): boolean {
    return this.unit.isTemplate && /%[iIf]/.test(value);
  }

  expand(text: string, options: ExpandOptions = {}): string | undefined {
    if (!text.includes("%")) return text;
    const { allowed, severity = "warning", ...at } = options;
    const expansion = expandSpecifiers(text, this.unit, this.#machine, allowed);
    if (severity !== "none") {
      for (const one of expansion.unknown) {
        const message = `There is no specifier ${one} here.`;
        const hint = "Write %% for a percent sign.";
        this.report({ code: "unknown-specifier", severity, message, hint, ...at });
      }
      for (const one of expansion.failed) {
        const message = `${one} has no value: the name ${this.unit.name} does not unescape.`;
        this.report({ code: "bad-specifier", severity, message, ...at });
      }
      if (expansion.unknown.length + expansion.failed.length > 0) return undefined;
    }
    if (this.#machine === undefined) return expansion.text;
    for (const one of expansion.unresolved) {
      const message = `The value of ${one} is not known here; it stays as it is.`;
      this.report({ code: "unresolved-specifier", message, ...at });
    }
    return expansion.text;
  }
}
