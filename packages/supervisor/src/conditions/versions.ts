/**
 * Compares two versions by the rules of the UAPI group's version format specification, as systemd's
 * conditions do: runs of digits as numbers, runs of letters as text, `~` before all, then `-`, `^`,
 * `.`; a longer one after its own beginning.
 */
export function compareVersions(a: string, b: string): number {
  let [left, right] = [clean(a), clean(b)];
  while (left !== "" || right !== "") {
    for (const separator of ["~", "-", "^", "."]) {
      const [has, other] = [left.startsWith(separator), right.startsWith(separator)];
      if (has !== other && (separator === "~" || (left !== "" && right !== ""))) {
        return has ? -1 : 1;
      }
      if (has && other) [left, right] = [left.slice(1), right.slice(1)];
    }
    if (left === "" || right === "") break;
    const numbers = /^\d/.test(left) || /^\d/.test(right);
    const run = numbers ? /^\d*/ : /^[A-Za-z]*/;
    const [one, two] = [run.exec(left)?.[0] ?? "", run.exec(right)?.[0] ?? ""];
    const difference = numbers ? Number(one) - Number(two) : one < two ? -1 : one > two ? 1 : 0;
    if (difference !== 0) return Math.sign(difference);
    [left, right] = [left.slice(one.length), right.slice(two.length)];
    if (one === "" && two === "") return 0;
  }
  return left === right ? 0 : left === "" ? -1 : 1;
}

/** Other characters separate, and are skipped. */
function clean(version: string): string {
  return version.replace(/[^0-9A-Za-z~^.-]/g, ".");
}
