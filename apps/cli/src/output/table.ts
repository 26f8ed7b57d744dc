/** The width that fleetctl's tables are laid out in. */
const TAB = 8;

/**
 * Columns apart by tabs, each as wide as its widest cell and a space, rounded up to whole tabs:
 * what fleetctl's tables are (Go's text/tabwriter with tab padding), so that scripts that cut them
 * at tabs go on working.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) {
      widths[i] = Math.max(widths[i] ?? 0, Math.ceil((cell.length + 1) / TAB) * TAB);
    }
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => {
        if (i === row.length - 1) return cell;
        return cell + "\t".repeat(Math.ceil(((widths[i] ?? 0) - cell.length) / TAB));
      })
      .join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}
