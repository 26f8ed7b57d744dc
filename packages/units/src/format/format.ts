import { skipLineEnd } from "../syntax/line-index.js";
import { parseUnitFile } from "../syntax/parse.js";
import type { AssignmentNode, SyntaxNode, UnitFile } from "../syntax/tree.js";

/**
 * The text of a unit file in one style: `Key=value` without blanks around, one empty line above each
 * section, none elsewhere more than once or at the ends, `\n` line ends, nothing behind a line's last
 * character. Comments, continuation lines, order and every value stay as they are; formatting twice
 * changes nothing more. A file whose broken lines allow no such text comes back as it is.
 *
 * @example
 * ```ts
 * formatUnitFile(parseUnitFile("[Unit]\n\n\nAfter = a.service\n[Service]\n"));
 * // "[Unit]\n\nAfter=a.service\n\n[Service]\n"
 * ```
 */
export function formatUnitFile(file: UnitFile): string {
  const text = formatNodes(file);
  // Lines that are broken on purpose can be made sense of in ways that no style keeps.
  const again = parseUnitFile(text);
  return sameMeaning(again, file) && formatNodes(again) === text ? text : file.text;
}

function sameMeaning(one: UnitFile, other: UnitFile): boolean {
  const { assignments, sections, diagnostics } = one;
  return (
    assignments.length === other.assignments.length &&
    sections.length === other.sections.length &&
    diagnostics.length === other.diagnostics.length &&
    diagnostics.every(({ code }, index) => code === other.diagnostics[index]!.code) &&
    sections.every(({ name }, index) => name === other.sections[index]!.name) &&
    assignments.every(({ section, key, value }, index) => {
      const own = other.assignments[index]!;
      return section === own.section && key === own.key && value === own.value;
    })
  );
}

function formatNodes(file: UnitFile): string {
  const blocks = file.nodes.map((node) => ({ node, text: formatNode(file, node) }));
  const lines: string[] = [];
  for (const [index, { node, text }] of blocks.entries()) {
    if (text === "") {
      if (lines.length > 0 && lines.at(-1) !== "") lines.push("");
      continue;
    }
    if (node.kind === "section") openSection(lines);
    lines.push(text);
    // An empty line right behind a header, or ahead of the end, says nothing.
    if (index === blocks.length - 1) break;
  }
  while (lines.at(-1) === "") lines.pop();
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Puts an empty line above the header, and above the comments that stand right on it. */
function openSection(lines: string[]): void {
  let at = lines.length;
  while (at > 0 && isComment(lines[at - 1]!)) at--;
  if (at > 0 && lines[at - 1] !== "") lines.splice(at, 0, "");
}

function isComment(line: string): boolean {
  return line.startsWith("#") || line.startsWith(";");
}

function formatNode(file: UnitFile, node: SyntaxNode): string {
  // What a byte order mark makes of its line is systemd's to say.
  if (node.start === 0 && file.text.startsWith("\ufeff")) return tidy(file.text.slice(0, node.end));
  switch (node.kind) {
    case "blank":
      return "";
    case "section":
      return `[${node.name}]`;
    case "assignment":
      return formatAssignment(file, node);
    default:
      return tidy(file.text.slice(node.start, node.end));
  }
}

function formatAssignment(file: UnitFile, { key, place }: AssignmentNode): string {
  const { keyStart, keyEnd, valueStart, valueEnd, end } = place;
  const plain = file.text.slice(keyStart, keyEnd) === key;
  // Where a line ends within the key, or between it and the value, the pieces stay as they are.
  const between = file.text.slice(keyEnd, valueStart);
  if (!plain || /[\n\r\0]/.test(between)) return tidy(file.text.slice(place.start, end));
  const behind = file.text.slice(valueEnd, end);
  const line = tidy(`${key}=${file.text.slice(valueStart, valueEnd)}`, behind);
  // A continuation with nothing more to say goes; the comments in it stay.
  const comments = behind
    .split(/[\n\r\0]+/)
    .map((one) => tidy(one))
    .filter(isComment);
  return [line, ...comments].join("\n");
}

/**
 * Without blanks at its ends, and with `\n` only. A backslash that blanks kept from continuing the
 * line keeps one of them.
 */
function tidy(text: string, behind = ""): string {
  const lines = text.replace(/[\n\r\0]+/g, (ends) => "\n".repeat(lineEnds(ends)));
  const end = lines.length - /[ \t\n]*$/.exec(lines)![0].length;
  const trimmed = lines.slice(0, end).replace(/^[ \t\n]+/, "");
  const slashes = /\\*$/.exec(trimmed)![0].length;
  if (slashes % 2 === 0) return trimmed;
  // It continues the line with nothing, and goes, unless a blank behind it makes it a character.
  return /^[ \t]/.test(lines.slice(end) + behind) ? `${trimmed} ` : tidy(trimmed.slice(0, -1));
}

/** How many line ends systemd sees in a run of them. */
function lineEnds(run: string): number {
  let count = 0;
  for (let at = 0; at < run.length; at = skipLineEnd(run, at)) count++;
  return count;
}
