import { parseInteger } from "./scalars.js";

const NAMES =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP " +
  "TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";

const BY_NUMBER: readonly string[] = ["", ...NAMES.split(" ").map((name) => `SIG${name}`)];
const NUMBER_BY_NAME: ReadonlyMap<string, number> = new Map(
  BY_NUMBER.map((name, number) => [name, number] as const).slice(1),
);

/** Linux's first and last real-time signal (glibc keeps 32 and 33 for itself). */
const RTMIN = 34;
const RTMAX = 64;

/**
 * A signal in its full name (`SIGTERM`, `SIGRTMIN+3`) from `TERM`, `SIGTERM` or `15`. Undefined for
 * what is none.
 */
export function parseSignal(text: string): string | undefined {
  const direct = parseInteger(text, 1, RTMAX);
  if (direct !== undefined) return signalName(direct);
  const name = text.startsWith("SIG") ? text : `SIG${text}`;
  if (NUMBER_BY_NAME.has(name)) return name;
  const number = signalNumber(name);
  return number === undefined ? undefined : signalName(number);
}

/** The Linux number of a full signal name, real-time ones included. */
export function signalNumber(name: string): number | undefined {
  const known = NUMBER_BY_NAME.get(name);
  if (known !== undefined) return known;
  const realTime = /^SIGRT(?:MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(name);
  if (realTime === null) return undefined;
  const number = name.startsWith("SIGRTMIN")
    ? RTMIN + Number(realTime[1] ?? 0)
    : RTMAX - Number(realTime[2] ?? 0);
  return number < RTMIN || number > RTMAX ? undefined : number;
}

function signalName(number: number): string | undefined {
  if (number > 0 && number < BY_NUMBER.length) return BY_NUMBER[number];
  if (number < RTMIN || number > RTMAX) return undefined;
  return number === RTMIN ? "SIGRTMIN" : `SIGRTMIN+${number - RTMIN}`;
}
