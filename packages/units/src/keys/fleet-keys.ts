import { UnitsError } from "../errors.js";
import { isValidUnitName } from "../names/unit-name.js";
import { compilePattern } from "../values/path-match.js";
import { parseInteger } from "../values/scalars.js";
import { oneOf, opaque } from "./scalar-types.js";
import { type KeyTable, keys, renamed, type ValueContext, type ValueType } from "./value-type.js";

/** The specifiers that fleet replaces. */
const FLEET_SPECIFIERS = "nNpi";

interface Piece {
  readonly text: string;
  readonly index: number;
  readonly length: number;
}

/**
 * fleet's multi-values: a line that starts and ends with `"` is cut at the spaces outside of quotes,
 * and the quotes vanish; any other line is one value. Hence `"bar` stays, and `"bar" "` is `bar` and
 * an empty value.
 */
function multiValue(line: string): Piece[] {
  if (!line.startsWith('"') || !line.endsWith('"')) {
    return [{ text: line, index: 0, length: line.length }];
  }
  const pieces: Piece[] = [];
  let text = "";
  let start = 0;
  let quoted = false;
  for (let at = 0; at <= line.length; at++) {
    const char = line[at];
    if (char === '"') {
      quoted = !quoted;
    } else if (char === undefined || (char === " " && !quoted)) {
      pieces.push({ text, index: start, length: at - start });
      text = "";
      start = at + 1;
    } else {
      text += char;
    }
  }
  return pieces;
}

/** One of fleet's options: every value checked by `each`, which gives none for a reported one. */
function fleetValues<T>(
  name: string,
  each: (text: string, piece: Piece, context: ValueContext) => readonly T[],
): ValueType<readonly T[]> {
  return {
    name,
    empty: "read",
    list: true,
    read: (value, context) =>
      multiValue(value).flatMap((piece) => {
        const { index, length } = piece;
        // fleet left alone what it did not know.
        const options = { index, length, allowed: FLEET_SPECIFIERS, severity: "none" } as const;
        return each(context.expand(piece.text, options) ?? piece.text, piece, context);
      }),
  };
}

function refuse(context: ValueContext, piece: Piece, message: string, hint: string): readonly [] {
  const { index, length } = piece;
  context.report({ severity: "error", message, hint, index, length });
  return [];
}

export const machineIds: ValueType<readonly string[]> = fleetValues("machine ID", (text) => [text]);

/** `[key, value]` pairs. */
export const machineMetadata: ValueType<readonly (readonly [string, string])[]> = fleetValues(
  "metadata key=value",
  (text, piece, context) => {
    const [key = "", value = "", ...more] = text.split("=");
    if (key !== "" && value !== "" && more.length === 0) return [[key, value] as const];
    const message = `${JSON.stringify(text)} is not key=value with exactly one "=".`;
    return refuse(context, piece, message, `Write MachineMetadata="region=eu" "disk=ssd".`);
  },
);

export const machineOf: ValueType<readonly string[]> = fleetValues(
  "unit name",
  (text, piece, context) => {
    if (isValidUnitName(text)) return [text];
    const hint = "Name one unit, with its type, as in db.service; repeat the key for more.";
    return refuse(context, piece, `${JSON.stringify(text)} is not a unit name.`, hint);
  },
);

function glob(text: string, piece: Piece, context: ValueContext): readonly string[] {
  try {
    compilePattern(text);
    return [text];
  } catch (error) {
    if (!UnitsError.is(error)) throw error;
    return refuse(context, piece, error.message, error.hint ?? "");
  }
}

/** Globs, parted by spaces also within one value. */
export const conflicts: ValueType<readonly string[]> = fleetValues(
  "globs of unit names",
  (text, piece, context) =>
    text
      .split(/\s+/)
      .filter((word) => word !== "")
      .flatMap((word) => glob(word, piece, context)),
);

export const replaces: ValueType<readonly string[]> = fleetValues(
  "glob of a unit name",
  (text, piece, context) => (text === "" ? [] : glob(text, piece, context)),
);

/** Anything but true, yes, 1, on and t is false; fleet never refused a value. */
export const fleetBoolean: ValueType<readonly boolean[]> = fleetValues(
  "boolean",
  (text, piece, context) => {
    const truthy = /^(true|yes|1|on|t)$/i.test(text);
    if (!truthy && !/^(false|no|0|off|f)$/i.test(text)) {
      const message = `${JSON.stringify(text)} counts as false.`;
      const { index, length } = piece;
      context.report({ message, hint: "Write true or false.", index, length });
    }
    return [truthy];
  },
);

/** What the scheduler reads by itself, in either section: room, rank and neighbours. */
const PLACEMENT_KEYS: KeyTable = keys(opaque, "CPU Memory Tasks Priority Affinity Spread");

/** [X-Fleet]; the `X-…` spellings come from fleet's first versions. */
export const FLEET_KEYS: KeyTable = {
  MachineID: { type: machineIds },
  MachineMetadata: { type: machineMetadata },
  MachineOf: { type: machineOf },
  Conflicts: { type: conflicts },
  Replaces: { type: replaces },
  Global: { type: fleetBoolean },
  // Not `renamed`: the modern spelling wins over these two, whatever their order.
  "X-ConditionMachineID": { type: machineIds, deprecated: "It is called MachineID= now." },
  "X-ConditionMachineBootID": { type: machineIds, deprecated: "Use MachineID=." },
  ...renamed(machineMetadata, "X-ConditionMachineMetadata=MachineMetadata"),
  ...renamed(machineOf, "X-ConditionMachineOf=MachineOf"),
  ...renamed(conflicts, "X-Conflicts=Conflicts"),
  ...PLACEMENT_KEYS,
};

/** A DNS label: discovery makes host names of it. */
export const serviceName: ValueType<string> = {
  name: "service name",
  empty: "reset",
  list: false,
  read: (value, context) => {
    const name = context.expand(value, { severity: "error" });
    if (name === undefined) return undefined;
    if (/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(name)) return name;
    const message = `${JSON.stringify(name)} is not a service name.`;
    const hint = "At most 63 letters, digits and -, beginning and ending in a letter or digit.";
    return context.report({ message, hint, severity: "error" });
  },
};

export const port: ValueType<number> = {
  name: "port number",
  empty: "reset",
  list: false,
  read: (value, context) => {
    const expanded = context.expand(value, { severity: "error" });
    if (expanded === undefined) return undefined;
    const number = /^\d+$/.test(expanded) ? parseInteger(expanded, 1, 65_535) : undefined;
    if (number !== undefined) return number;
    const message = `${JSON.stringify(expanded)} is not a port from 1 to 65535.`;
    const hint = expanded === value ? undefined : `It came from ${value}.`;
    return context.report({ message, severity: "error", ...(hint ? { hint } : {}) });
  },
};

export const protocol: ValueType<"tcp" | "udp"> = oneOf("protocol", ["tcp", "udp"]);

/** [X-Flotilla]: what fleet lacked. */
export const FLOTILLA_KEYS: KeyTable = {
  Service: { type: serviceName },
  Port: { type: port },
  Protocol: { type: protocol },
  ...PLACEMENT_KEYS,
};
