/**
 * Where a value seems to hold a comment: a `#` (or, outside of command lines, a `;`) as a word of
 * its own and outside of quotes. Undefined for none.
 */
export function findInlineComment(value: string, isCommand: boolean): number | undefined {
  if (!value.includes(" #") && !value.includes("\t#") && (isCommand || !value.includes(";"))) {
    return undefined;
  }
  let quote = "";
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!;
    if (char === "\\") {
      at++;
    } else if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if ((char === "#" || (char === ";" && !isCommand)) && stands(value, at)) {
      return at;
    }
  }
  return undefined;
}

function stands(value: string, at: number): boolean {
  return at > 0 && /\s/.test(value[at - 1]!) && /^(\s|$)/.test(value.slice(at + 1, at + 2));
}
