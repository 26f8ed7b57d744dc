const colour = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
const paint = (code: number, text: string): string =>
  colour ? `\u001b[${code}m${text}\u001b[0m` : text;

export const bold = (text: string): string => paint(1, text);
export const green = (text: string): string => paint(32, text);
export const dim = (text: string): string => paint(2, text);

export function say(line = ""): void {
  process.stdout.write(`${line}\n`);
}

/** Tells what is being done, does it, and tells how long it took. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  process.stdout.write(`${dim("…")} ${what}${colour ? "" : "\n"}`);
  const start = performance.now();
  const result = await work();
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  process.stdout.write(
    `${colour ? "\r\u001b[2K" : ""}${green("✓")} ${what} ${dim(`(${seconds} s)`)}\n`,
  );
  return result;
}
