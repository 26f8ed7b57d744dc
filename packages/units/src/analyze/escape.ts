import { UnitsError } from "../errors.js";
import { escapeUnitName, unescapeUnitNameBytes } from "../names/escape.js";
import { mangleUnitName } from "../names/mangle.js";
import { parseUnitName, tryParseUnitName } from "../names/unit-name.js";
import { UNIT_TYPES } from "../types.js";

/** systemd-escape's options, by its names. */
export interface EscapeOptions {
  /** `--suffix`: the type that is put behind each name. */
  readonly suffix?: string;
  /** `--template`: each name becomes an instance of it; with `unescape` the template it must have. */
  readonly template?: string;
  /** `--instance`: with `unescape`, of a unit's name the instance only. */
  readonly instance?: boolean;
  readonly unescape?: boolean;
  readonly mangle?: boolean;
  readonly path?: boolean;
}

/** What `systemd-escape` prints; names can unescape to any bytes. */
export interface EscapeOutcome {
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly exitCode: 0 | 1;
}

/** A message that ends it all. */
class Refusal extends Error {}

/**
 * What `systemd-escape` prints for names: one line with all of them. Like systemd's it stops at the
 * first that cannot be done.
 *
 * @example
 * ```ts
 * const { stdout } = analyzeEscape(["/var/lib"], { path: true, suffix: "mount" });
 * new TextDecoder().decode(stdout); // "var-lib.mount\n"
 * ```
 */
export function analyzeEscape(
  names: readonly string[],
  options: EscapeOptions = {},
): EscapeOutcome {
  const bytes: number[] = [];
  const warnings: string[] = [];
  try {
    checkOptions(names, options);
    for (const [index, name] of names.entries()) {
      const result = convert(name, options, (warning) => warnings.push(`${warning}\n`));
      if (index > 0) bytes.push(SPACE);
      for (const byte of result) bytes.push(byte);
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const stderr = `${warnings.join("")}${error.message}\n`;
    return { stdout: Uint8Array.from(bytes), stderr, exitCode: 1 };
  }
  bytes.push(LINE_FEED);
  return { stdout: Uint8Array.from(bytes), stderr: warnings.join(""), exitCode: 0 };
}

const SPACE = 32;
const LINE_FEED = 10;

function checkOptions(names: readonly string[], options: EscapeOptions): void {
  const { suffix, template, instance = false, unescape: undo = false, mangle = false } = options;
  if (suffix !== undefined && !UNIT_TYPES.some((type) => type === suffix)) {
    throw new Refusal(`Invalid unit suffix type "${suffix}".`);
  }
  if (template !== undefined && tryParseUnitName(template)?.isTemplate !== true) {
    throw new Refusal(`Template name ${template} is not valid.`);
  }
  if (names.length === 0) throw new Refusal("Not enough arguments.");
  if (template !== undefined && suffix !== undefined) {
    throw new Refusal("--suffix= and --template= may not be combined.");
  }
  if (mangle && (template !== undefined || suffix !== undefined)) {
    throw new Refusal("--suffix= and --template= are not compatible with --mangle.");
  }
  if (undo && suffix !== undefined) {
    throw new Refusal("--suffix is not compatible with --unescape.");
  }
  if (mangle && options.path === true) {
    throw new Refusal("--path may not be combined with --mangle.");
  }
  if (instance && !undo) {
    throw new Refusal("--instance must be used in conjunction with --unescape.");
  }
  if (instance && template !== undefined) {
    throw new Refusal("--instance may not be combined with --template.");
  }
}

type Warn = (message: string) => void;

function convert(name: string, options: EscapeOptions, warn: Warn): Uint8Array {
  if (options.mangle === true) {
    return encode(orRefuse("Failed to mangle name", () => mangleUnitName(name)));
  }
  if (options.unescape === true) {
    const path = options.path === true;
    const text = options.template !== undefined || options.instance === true;
    const escaped = text ? instanceOf(name, options.template) : name;
    return orRefuse("Failed to unescape string", () => unescapeUnitNameBytes(escaped, { path }));
  }
  const escaped = options.path === true ? escapePath(name, warn) : escapeUnitName(name);
  if (options.template !== undefined) return encode(intoTemplate(options.template, escaped));
  return encode(options.suffix === undefined ? escaped : `${escaped}.${options.suffix}`);
}

function escapePath(path: string, warn: Warn): string {
  const absolute = path.startsWith("/");
  const valid = isValidPath(path);
  const input = `Input '${path}' is not`;
  const escaped = orElse(
    () => escapeUnitName(path, { path: true }),
    () => {
      if (!valid) return new Refusal(`${input} a valid file system path, failed to escape.`);
      if (!absolute) return new Refusal(`${input} an absolute file system path, failed to escape.`);
      return new Refusal(`${input} a normalized file system path, failed to escape.`);
    },
  );
  if (!valid) {
    // systemd's own words, its grammar included.
    warn(`${input} a valid file system path, escaping is likely not going be reversible.`);
  } else if (!absolute) {
    warn(`${input} an absolute file system path, escaping is likely not going to be reversible.`);
  }
  return escaped;
}

/** Linux's limits: 4095 bytes in all, 255 a part. */
function isValidPath(path: string): boolean {
  const size = (text: string): number => encode(text).length;
  return path !== "" && size(path) < 4096 && path.split("/").every((part) => size(part) <= 255);
}

function intoTemplate(template: string, instance: string): string {
  const { prefix, type } = parseUnitName(template);
  const name = `${prefix}@${instance}.${type}`;
  const isInstance = tryParseUnitName(name)?.isInstance === true;
  if (!isInstance) throw new Refusal("Failed to replace instance: Invalid argument");
  return name;
}

function instanceOf(name: string, template: string | undefined): string {
  const parsed = tryParseUnitName(name);
  if (parsed === undefined) throw new Refusal("Failed to extract instance: Invalid argument");
  if (!parsed.isInstance) throw new Refusal(`Unit ${name} is missing the instance name.`);
  if (template !== undefined && parsed.template !== template) {
    throw new Refusal(
      `Unit ${name} template ${parsed.template} does not match specified template ${template}.`,
    );
  }
  return parsed.instance ?? "";
}

function orRefuse<T>(what: string, run: () => T): T {
  return orElse(run, () => new Refusal(`${what}: Invalid argument`));
}

function orElse<T>(run: () => T, refusal: () => Refusal): T {
  try {
    return run();
  } catch (error) {
    if (UnitsError.is(error)) throw refusal();
    throw error;
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
