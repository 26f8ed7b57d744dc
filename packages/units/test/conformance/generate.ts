import fc from "fast-check";

/** Values to put before both sides; the same on every run with the same seed. */
export interface Samples {
  readonly calendars: readonly string[];
  readonly spans: readonly string[];
  readonly names: readonly string[];
}

/** About a third of each kind; most are right, and many wrong in one place. */
export function generate(count: number, seed: number): Samples {
  const share = Math.ceil(count / 3);
  const take = (kind: fc.Arbitrary<string>, salt: number): string[] =>
    [...new Set(fc.sample(kind, { numRuns: share * 2, seed: seed + salt }))].slice(0, share);
  return { calendars: take(calendar, 1), spans: take(span, 2), names: take(name, 3) };
}

const join = (parts: readonly (string | number)[]): string => parts.join("");
const pick = (words: string): fc.Arbitrary<string> => fc.constantFrom(...words.split(" "));

/** Most of the time the first, sometimes the others. */
const mostly = (usual: fc.Arbitrary<string>, ...rare: fc.Arbitrary<string>[]) =>
  fc.oneof(
    { arbitrary: usual, weight: 12 },
    ...rare.map((arbitrary) => ({ arbitrary, weight: 1 })),
  );

function number(max: number, width: number): fc.Arbitrary<string> {
  return mostly(
    fc.nat(max).map((value) => String(value).padStart(value % 2 === 0 ? width : 1, "0")),
    pick("0 00 99 2147483647 2147483648 4294967296 18446744073709551616 -1 +1 1.5"),
    fc.constant(""),
  );
}

function component(value: fc.Arbitrary<string>, step: fc.Arbitrary<string>) {
  return fc.oneof(
    { arbitrary: value, weight: 6 },
    { arbitrary: fc.tuple(value, fc.constant(".."), value).map(join), weight: 2 },
    { arbitrary: fc.tuple(value, fc.constant("/"), step).map(join), weight: 2 },
    {
      arbitrary: fc.tuple(value, fc.constant(".."), value, fc.constant("/"), step).map(join),
      weight: 1,
    },
  );
}

function field(value: fc.Arbitrary<string>, step: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const one = component(value, step);
  const list = fc.array(one, { minLength: 2, maxLength: 4 }).map((parts) => parts.join(","));
  return fc.oneof(
    { arbitrary: fc.constant("*"), weight: 5 },
    { arbitrary: one, weight: 8 },
    { arbitrary: list, weight: 3 },
  );
}

const step = number(12, 1);
const years = mostly(
  fc.integer({ min: 2020, max: 2040 }).map(String),
  pick("0 69 70 99 100 1970 1969 2199 2200 9999"),
);
const second = mostly(
  fc.tuple(fc.nat(59), pick("  .5 .25 .000001 .1234567 .9999999 .")).map(join),
  number(60, 2),
);
const date = fc.oneof(
  fc
    .tuple(field(years, step), pick("- - - - ~ /"), field(number(13, 2), step), pick("- - - ~ ~ :"))
    .chain((start) => field(number(32, 2), step).map((day) => join([...start, day]))),
  fc.tuple(field(number(13, 2), step), pick("- - - ~ ~"), field(number(31, 2), step)).map(join),
);
const time = fc.oneof(
  fc.tuple(field(number(24, 2), step), fc.constant(":"), field(number(60, 2), step)).map(join),
  fc
    .tuple(field(number(23, 2), step), fc.constant(":"), field(number(59, 2), step))
    .chain((start) => field(second, mostly(second, step)).map((end) => join([...start, ":", end]))),
);
const weekday = mostly(
  pick("Mon Tue Wed Thu Fri Sat Sun Monday tuesday WED Thursday fri Saturday sunday"),
  pick("Mo Tues Day  Sund Montag"),
);
const weekdays = fc
  .array(fc.tuple(weekday, pick(",  , .. .. - ;")).map(join), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join("").replace(/[,.\-;]+$/, ""));
const zone = pick(
  "UTC utc Europe/Berlin America/New_York Asia/Kolkata Australia/Lord_Howe Africa/Casablanca " +
    "America/Sao_Paulo Pacific/Apia Europe/Dublin Antarctica/Troll Asia/Tehran EST5EDT Etc/GMT+5 " +
    "Asia/Gaza America/Nuuk europe/berlin Nowhere/City CET GMT EST",
);
const shorthand = pick(
  "minutely hourly daily monthly weekly yearly annually anually quarterly biannually " +
    "bi-annually semiannually semi-annually Daily WEEKLY fortnightly constructor __proto__",
);
const instant = fc
  .tuple(fc.constant("@"), mostly(fc.nat(2 ** 31 - 1).map(String), number(9, 1)))
  .map(join);

const calendar: fc.Arbitrary<string> = fc
  .tuple(
    fc.option(weekdays, { nil: "", freq: 3 }),
    fc.oneof(
      { arbitrary: fc.tuple(date, pick("    T"), time).map(spaced), weight: 6 },
      { arbitrary: date, weight: 3 },
      { arbitrary: time, weight: 3 },
      { arbitrary: shorthand, weight: 1 },
      { arbitrary: instant, weight: 1 },
      { arbitrary: fc.constant(""), weight: 1 },
    ),
    fc.option(zone, { nil: "", freq: 4 }),
    mostly(fc.constant(""), pick("  x")),
  )
  .map(
    ([days, when, where, end]) => [days, when, where].filter((part) => part !== "").join(" ") + end,
  );

/** `pick` cannot name a space: an empty word stands for one. */
function spaced([first, separator, second]: readonly string[]): string {
  return `${first}${separator === "" ? " " : separator}${second}`;
}

const unit = mostly(
  pick("us usec ms msec s sec second seconds m min minute minutes h hr hour hours d day days"),
  pick("w week weeks M month months y year years μs µs"),
  pick("x se secs minz dayss Month ns nsec   . -"),
);
const amount = mostly(
  fc.nat(5000).map(String),
  pick("0 .5 1.5 0.0000019 1. +3 -1 1e3 .. +.5 +-1 0x10 1.2.3 00012 3.999999999"),
  pick("18446744073709551615 9223372036854775807 9223372036854775808 584542 18446744073709 1e400"),
);
const gap = fc.constantFrom("", "", " ", "  ", "\t");
const span: fc.Arbitrary<string> = mostly(
  fc
    .array(fc.tuple(amount, gap, unit, gap).map(join), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("")),
  fc.constantFrom("infinity", " infinity ", "infinityx", "Infinity", "", " ", "5 5", "5infinity"),
);

const piece = fc.constantFrom(
  ...["a", "b1", "-", "/", ".", "..", "\\x2d", "\\x2f", "\\xe9", "\\x00", "\\xzz", "\\", "é", " "],
  ...["@", ":", "_", "*", "[a]", "?", "//", "/dev/", "/sys/", "dev", "%i", "€", "\u{1f600}", "'"],
  ...[".service", ".mount", ".slice", ".device", "foo", "long-name-".repeat(13), "x".repeat(120)],
);
const name: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.array(piece, { maxLength: 8 }).map(join), weight: 4 },
  { arbitrary: fc.array(piece, { maxLength: 6 }).map((parts) => `/${join(parts)}`), weight: 2 },
  {
    arbitrary: fc
      .tuple(
        pick("a foo x-y a.b"),
        pick("@ @  @@"),
        pick("1 a-b \\x2d  x@y a\\x20b"),
        pick(".service .mount .x "),
      )
      .map(join),
    weight: 2,
  },
);
