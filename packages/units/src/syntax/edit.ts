import { UnitsError } from "../errors.js";
import { parseUnitFile } from "./parse.js";
import type { AssignmentNode, UnitFile } from "./tree.js";

/**
 * Gives `key` one value in `section`: the last assignment of the key is changed in place, others of
 * it are taken away, and where there is none one is added at the end of the section (which is made
 * when missing). Every other character of the file stays.
 *
 * @throws UnitsError "invalid-edit" when section, key or value cannot be written as they are.
 * @example
 * ```ts
 * const edited = setAssignment(file, "Service", "Restart", "always");
 * ```
 */
export function setAssignment(
  file: UnitFile,
  section: string,
  key: string,
  value: string,
): UnitFile {
  checkEdit(section, key, value);
  const found = file.assignments.filter((one) => one.section === section && one.key === key);
  const kept = found.pop();
  if (kept === undefined) return addAssignment(file, section, key, value);
  const { valueStart, valueEnd } = kept.place;
  let text = file.text.slice(0, valueStart) + value + file.text.slice(valueEnd);
  for (const one of found.reverse()) text = cut(text, one);
  return reparse(file, text);
}

/**
 * Adds an assignment behind the last one of the same key in the section, else behind the section's
 * last assignment; a missing section is put at the end of the file.
 *
 * @throws UnitsError "invalid-edit" when section, key or value cannot be written as they are.
 */
export function addAssignment(
  file: UnitFile,
  section: string,
  key: string,
  value: string,
): UnitFile {
  checkEdit(section, key, value);
  const line = `${key}=${value}`;
  const own = file.assignments.filter((one) => one.section === section);
  const before = own.findLast((one) => one.key === key) ?? own.at(-1);
  if (before !== undefined) return insert(file, before.end, line);
  const header = file.nodes.findLast((node) => node.kind === "section" && node.name === section);
  if (header !== undefined) return insert(file, header.end, line);
  const eol = lineEndOf(file.text);
  const gap = file.text.trim() === "" ? "" : eol;
  return insert(file, file.text.length, `${gap}[${section}]${eol}${line}`);
}

/**
 * Takes away the assignments of a key in a section, with their continuation lines; only those with
 * exactly `value` when one is given. Nothing to take away is no error.
 */
export function removeAssignment(
  file: UnitFile,
  section: string,
  key: string,
  value?: string,
): UnitFile {
  let { text } = file;
  for (const one of file.assignments.toReversed()) {
    if (one.section !== section || one.key !== key) continue;
    if (value === undefined || one.value === value) text = cut(text, one);
  }
  return text === file.text ? file : reparse(file, text);
}

function insert(file: UnitFile, offset: number, lines: string): UnitFile {
  const eol = lineEndOf(file.text);
  const head = file.text.slice(0, offset);
  const open = head !== "" && !/[\n\r\0]$/.test(head);
  return reparse(file, `${head}${open ? eol : ""}${lines}${eol}${file.text.slice(offset)}`);
}

function cut(text: string, node: AssignmentNode): string {
  return text.slice(0, node.start) + text.slice(node.end);
}

function reparse(file: UnitFile, text: string): UnitFile {
  return parseUnitFile(text, { file: file.file });
}

/** The line end the file uses: that of its first line. */
function lineEndOf(text: string): string {
  return /\r\n|\n\r|\n|\r/.exec(text)?.[0] ?? "\n";
}

function checkEdit(section: string, key: string, value: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (section === "" || /[\x00-\x1f\x7f"'\\\]]/.test(section)) {
    throw new UnitsError("invalid-edit", `${JSON.stringify(section)} cannot be a section name.`);
  }
  if (!/^[^\s=#;[\0\\][^=\n\r\0\\]*$/.test(key) || key.trim() !== key) {
    throw new UnitsError("invalid-edit", `${JSON.stringify(key)} cannot be a key.`);
  }
  if (/[\n\r\0]/.test(value) || value.trim() !== value || /(?<!\\)(\\\\)*\\$/.test(value)) {
    const hint = "A value is one line, without white space around it and without a trailing \\.";
    throw new UnitsError("invalid-edit", `${JSON.stringify(value)} cannot be a value.`, { hint });
  }
}
