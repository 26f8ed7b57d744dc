/** What a zone's clocks show at one instant. */
export interface ZoneMoment {
  /** Seconds east of UTC. */
  readonly offset: number;
  readonly isDst: boolean;
  /** As `CET`, `EDT` or `+03`. */
  readonly abbreviation: string;
}

/** The clock of a place. */
export interface TimeZone {
  readonly name: string;
  /** What standard and daylight-saving time are called; twice the same where there is one only. */
  readonly abbreviations: readonly [string, string];
  /** The clock at a number of seconds since 1970-01-01 00:00:00 UTC. */
  at(seconds: number): ZoneMoment;
}

/** Where zones come from: {@link intlTimeZones}, or the system's own files (`@flotilla/units/node`). */
export interface TimeZones {
  /** The zone of expressions that name none. */
  readonly local: TimeZone;
  /** The zone of that name; names are case-sensitive, as systemd's are. */
  find(name: string): TimeZone | undefined;
}

const UTC_MOMENT: ZoneMoment = { offset: 0, isDst: false, abbreviation: "UTC" };

/** Coordinated universal time. */
export const UTC: TimeZone = {
  name: "UTC",
  abbreviations: ["UTC", "UTC"],
  at: () => UTC_MOMENT,
};

/**
 * The zones that the JavaScript engine knows, through `Intl`; no data of our own. `local` is the
 * engine's zone unless one is named.
 *
 * Daylight saving is what is ahead of the earlier of the year's two clocks, and abbreviations are
 * those that English locales write: both can differ from the tz database in a few zones.
 *
 * @throws RangeError when `local` is not a zone.
 */
export function intlTimeZones(local?: string): TimeZones {
  const zones = new Map<string, TimeZone>([["UTC", UTC]]);
  const find = (name: string): TimeZone | undefined => {
    const known = zones.get(name);
    if (known !== undefined) return known;
    if (!isZoneName(name)) return undefined;
    const zone = new IntlZone(name);
    zones.set(name, zone);
    return zone;
  };
  const name = local ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const own = find(name);
  if (own === undefined) throw new RangeError(`There is no time zone ${JSON.stringify(name)}.`);
  return { local: own, find };
}

let engineZones: TimeZones | undefined;

/** The zones of calls that name none; made once. */
export function defaultTimeZones(): TimeZones {
  engineZones ??= intlTimeZones();
  return engineZones;
}

/** Intl takes any case and offsets such as `+01:00`; systemd takes the names of the tz database. */
function isZoneName(name: string): boolean {
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en-US", { timeZone: name }).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

/** No zone has changed its clocks at another instant than a quarter of an hour since 1972. */
const BUCKET_SECONDS = 900;
const BUCKETS_MAX = 8192;

/** Locales whose English has names for the zones near them. */
const LOCALES = ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA"] as const;

class IntlZone implements TimeZone {
  readonly name: string;
  readonly #offsets: Intl.DateTimeFormat;
  readonly #moments = new Map<number, ZoneMoment>();
  readonly #standard = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
    this.#offsets = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      timeZoneName: "longOffset",
    });
  }

  get abbreviations(): readonly [string, string] {
    const year = new Date().getUTCFullYear();
    const halves = [Date.UTC(year, 0), Date.UTC(year, 6)].map((time) => this.at(time / 1000));
    const standard = halves.find((one) => !one.isDst) ?? halves[0]!;
    const summer = halves.find((one) => one.isDst) ?? standard;
    return [standard.abbreviation, summer.abbreviation];
  }

  at(seconds: number): ZoneMoment {
    const bucket = Math.floor(seconds / BUCKET_SECONDS);
    const known = this.#moments.get(bucket);
    if (known !== undefined) return known;
    if (this.#moments.size >= BUCKETS_MAX) this.#moments.clear();
    const date = new Date(bucket * BUCKET_SECONDS * 1000);
    const offset = this.#offset(date);
    const moment = new IntlMoment(this.name, date, offset, offset > this.#standardOffset(date));
    this.#moments.set(bucket, moment);
    return moment;
  }

  #standardOffset(date: Date): number {
    const year = date.getUTCFullYear();
    let standard = this.#standard.get(year);
    if (standard === undefined) {
      const [winter, summer] = [Date.UTC(year, 0), Date.UTC(year, 6)];
      standard = Math.min(this.#offset(new Date(winter)), this.#offset(new Date(summer)));
      if (this.#standard.size >= BUCKETS_MAX) this.#standard.clear();
      this.#standard.set(year, standard);
    }
    return standard;
  }

  #offset(date: Date): number {
    const shown = /GMT(?:([+-])(\d+):(\d+)(?::(\d+))?)?$/.exec(this.#offsets.format(date));
    const [, sign, hours = "0", minutes = "0", seconds = "0"] = shown ?? [];
    const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return sign === "-" ? -total : total;
  }
}

/** Names are looked up when asked for: most calculations need none. */
class IntlMoment implements ZoneMoment {
  readonly offset: number;
  readonly isDst: boolean;
  readonly #zone: string;
  readonly #date: Date;

  constructor(zone: string, date: Date, offset: number, isDst: boolean) {
    this.offset = offset;
    this.isDst = isDst;
    this.#zone = zone;
    this.#date = date;
  }

  get abbreviation(): string {
    for (const locale of LOCALES) {
      const options = { timeZone: this.#zone, timeZoneName: "short" } as const;
      const parts = new Intl.DateTimeFormat(locale, options).formatToParts(this.#date);
      const name = parts.find(({ type }) => type === "timeZoneName")?.value;
      if (name !== undefined && !/^GMT[+-]/.test(name)) return name;
    }
    const minutes = Math.abs(this.offset) / 60;
    const digits = (value: number): string => String(Math.floor(value)).padStart(2, "0");
    const rest = minutes % 60 === 0 ? "" : digits(minutes % 60);
    return `${this.offset < 0 ? "-" : "+"}${digits(minutes / 60)}${rest}`;
  }
}
