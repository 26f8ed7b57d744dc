import type { TimeZone, ZoneMoment } from "../calendar/time-zone.js";
import { parseZoneRule, type ZoneRule } from "./zone-rule.js";

const HEADER_BYTES = 44;

/** A file of the tz database (TZif, RFC 8536), version 2 and later. */
export class ZoneFile implements TimeZone {
  readonly name: string;
  readonly abbreviations: readonly [string, string];
  readonly #times: readonly number[];
  readonly #moments: readonly ZoneMoment[];
  /** Before the first change of the clock. */
  readonly #first: ZoneMoment;
  /** Behind the last one. */
  readonly #rule: ZoneRule | undefined;

  private constructor(
    name: string,
    times: readonly number[],
    moments: readonly ZoneMoment[],
    first: ZoneMoment,
    rule: ZoneRule | undefined,
  ) {
    this.name = name;
    this.#times = times;
    this.#moments = moments;
    this.#first = first;
    this.#rule = rule;
    const last = moments.at(-1) ?? first;
    const names = rule?.abbreviations ?? [last.abbreviation, last.abbreviation];
    this.abbreviations = names;
  }

  /** @throws Error for anything but such a file. */
  static parse(name: string, bytes: Buffer): ZoneFile {
    if (bytes.toString("latin1", 0, 4) !== "TZif") throw new Error(`${name} is not a zone`);
    const old = readCounts(bytes, 0);
    // The first block is for readers that know 32 bits only.
    const start = HEADER_BYTES + dataLength(old, 4);
    const counts = readCounts(bytes, start);
    const data = start + HEADER_BYTES;
    const indexes = data + counts.times * 8;
    const types = indexes + counts.times;
    const names = types + counts.types * 6;
    const momentOf = (type: number): ZoneMoment => {
      const at = types + type * 6;
      const from = names + bytes.readUInt8(at + 5);
      return {
        offset: bytes.readInt32BE(at),
        isDst: bytes.readUInt8(at + 4) !== 0,
        abbreviation: bytes.toString("latin1", from, bytes.indexOf(0, from)),
      };
    };
    const moments = Array.from({ length: counts.types }, (_, type) => momentOf(type));
    const times = Array.from({ length: counts.times }, (_, index) =>
      Number(bytes.readBigInt64BE(data + index * 8)),
    );
    const used = times.map((_, index) => moments[bytes.readUInt8(indexes + index)]!);
    const footer = bytes.toString("latin1", data + dataLength(counts, 8)).trim();
    return new ZoneFile(name, times, used, moments[0]!, parseZoneRule(footer));
  }

  at(seconds: number): ZoneMoment {
    const times = this.#times;
    const last = times.at(-1);
    if (last === undefined || seconds >= last) {
      return this.#rule?.at(seconds) ?? this.#moments.at(-1) ?? this.#first;
    }
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle]! <= seconds) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.#first : this.#moments[low - 1]!;
  }
}

interface Counts {
  readonly utcFlags: number;
  readonly standardFlags: number;
  readonly leaps: number;
  readonly times: number;
  readonly types: number;
  readonly characters: number;
}

function readCounts(bytes: Buffer, at: number): Counts {
  const count = (index: number): number => bytes.readUInt32BE(at + 20 + index * 4);
  return {
    utcFlags: count(0),
    standardFlags: count(1),
    leaps: count(2),
    times: count(3),
    types: count(4),
    characters: count(5),
  };
}

function dataLength(counts: Counts, timeBytes: 4 | 8): number {
  const { times, types, characters, leaps, standardFlags, utcFlags } = counts;
  return (
    times * (timeBytes + 1) +
    types * 6 +
    characters +
    leaps * (timeBytes + 4) +
    standardFlags +
    utcFlags
  );
}
