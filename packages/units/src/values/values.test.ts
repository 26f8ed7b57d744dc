// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is systemd's syntax, not a template

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyText } from "../../test/any-text.js";
import { UnitsError } from "../errors.js";
import { parseUnitName } from "../names/unit-name.js";
import { closest } from "./closest.js";
import { expandEnvironment, parseEnvironment } from "./environment.js";
import { parseEnvironmentFile } from "./environment-file.js";
import { parseCommand, parseExecLine } from "./exec.js";
import { exitStatusName, parseExitStatus } from "./exit-status.js";
import { compilePattern, pathMatch } from "./path-match.js";
import { parseBoolean, parsePercent, parseSize } from "./scalars.js";
import { parseSignal, signalNumber } from "./signals.js";
import { expandSpecifiers } from "./specifiers.js";
import { formatTimeSpan, parseTimeSpan } from "./time-span.js";
import { nextWord, splitWords } from "./words.js";

describe("pathMatch", () => {
  // Cases of the documentation of Go's path.Match, and of its grammar.
  it.each([
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*", "ab/c", false],
    ["a*/b", "abc/b", true],
    ["a*/b", "a/c/b", false],
    ["a*b*c*d*e*/f", "axbxcxdxexxx/f", true],
    ["a*b?c*x", "abxbbxdbxebxczzx", true],
    ["a*b?c*x", "abxbbxdbxebxczzy", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[^e-g]", "abc", true],
    ["ab[^b-d]", "abc", false],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["a?b", "a/b", false],
    ["[a-ζ]*", "α", true],
    ["[\\]a]", "]", true],
    ["[\\-x]", "-", true],
    ["", "", true],
    ["", "a", false],
    ["*x", "xxx", true],
    ["web@*.service", "web@1.service", true],
  ])("%j on %j is %s", (pattern, name, expected) => {
    expect(pathMatch(pattern, name)).toBe(expected);
  });

  it.each(["[", "[^", "[^bc", "a[", "[]a]", "[-]", "[x-]", "[-x]", "a[\\", "\\", "a\\", "[a-b-c]"])(
    "refuses %j",
    (pattern) => {
      expect(() => compilePattern(pattern)).toThrow(UnitsError);
    },
  );

  it("takes linear-ish time for many stars", () => {
    const pattern = `${"*a".repeat(50)}b`;
    expect(pathMatch(pattern, "a".repeat(5000))).toBe(false);
  });
});

describe("words", () => {
  it.each([
    ["a b\tc", ["a", "b", "c"]],
    ["'a b' \"c d\"", ["a b", "c d"]],
    ["a'b c'd", ["ab cd"]],
    ["''", [""]],
    ["\\x41\\102\\s\\n", ["AB \n"]],
    ["\\xc3\\xa9 \\303\\251", ["é", "é"]],
    ["\\u00e9\\U0001f600", ["é😀"]],
    ["'a\\'b'", ["a'b"]],
  ])("splits %j", (text, expected) => {
    expect(splitWords(text)).toEqual(expected);
  });

  it.each(["'a", 'a"b', "\\q", "\\x0", "\\x00", "\\400", "\\ud800", "a\\"])(
    "refuses %j",
    (text) => {
      expect(() => splitWords(text)).toThrow(UnitsError);
    },
  );

  it("never throws or stands still on any text", () => {
    fc.assert(
      fc.property(anyText(40), (text) => {
        for (let at = 0; ; ) {
          const word = nextWord(text, at);
          if (word === undefined || "problem" in word) return;
          expect(word.end).toBeGreaterThan(at);
          at = word.end;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("Exec lines", () => {
  it("reads prefixes in any order", () => {
    expect(parseCommand("-@:!!/bin/x name a")).toEqual({
      path: "/bin/x",
      argv: ["name", "a"],
      ignoreFailure: true,
      noEnvironmentExpansion: true,
      privileges: "ambient",
    });
  });

  it("parts commands by a lone semicolon only", () => {
    const { commands } = parseExecLine("/a b; \\; ';' ; /c");
    expect(commands.map((one) => one.argv)).toEqual([["/a", "b;", ";", ";"], ["/c"]]);
  });

  it("never throws", () => {
    fc.assert(
      fc.property(anyText(60), (text) => {
        parseExecLine(text);
      }),
    );
  });
});

describe("environment", () => {
  const env = { ONE: "1", TWO: "a  'b c' d", EMPTY: "" };
  it.each([
    ["/x $ONE", ["/x", "1"]],
    ["/x $TWO", ["/x", "a", "b c", "d"]],
    ["/x ${TWO}", ["/x", "a  'b c' d"]],
    ["/x $NONE b", ["/x", "b"]],
    ["/x ${NONE} b", ["/x", "", "b"]],
    ["/x $EMPTY b", ["/x", "b"]],
    ["/x a$ONE a${ONE}b $$ONE $$", ["/x", "a$ONE", "a1b", "$ONE", "$"]],
    ["/x ${constructor}", ["/x", ""]],
    [":/x $ONE ${ONE}", ["/x", "$ONE", "${ONE}"]],
  ])("expands %j", (line, expected) => {
    expect(expandEnvironment(parseCommand(line), env)).toEqual(expected);
  });

  it("splits assignments, and names those that are none", () => {
    const { assignments, invalid } = parseEnvironment("A=1 'B=2 3' 4=x C");
    expect(assignments).toEqual(["A=1", "B=2 3"]);
    expect(invalid.map((one) => one.text)).toEqual(["4=x", "C"]);
  });

  it("reads files", () => {
    const text = [
      "# c",
      "; c \\",
      "hidden=by the comment above",
      "A=1  ",
      " B = two words  ",
      "C='raw $x \\n'",
      'D="a \\"q\\" \\$ \\n"',
      "E=a'b'",
      "F='a' \"b\"",
      "G=a\\",
      "b",
      "H=",
      "nothing",
      "1X=1",
      "A=2",
    ].join("\n");
    const { variables, problems } = parseEnvironmentFile(text);
    expect(variables).toEqual({
      A: "2",
      B: "two words",
      C: "raw $x \\n",
      D: 'a "q" $ \\n',
      E: "a'b'",
      F: "ab",
      G: "ab",
      H: "",
    });
    expect(problems.map((one) => one.line)).toEqual([13, 14]);
  });

  it("reads any text without throwing", () => {
    fc.assert(
      fc.property(anyText(80), (text) => {
        parseEnvironmentFile(text);
      }),
    );
  });
});

describe("specifiers", () => {
  it.each([
    ["%n %N %p %i", "a-b@c\\x20d.service a-b@c\\x20d a-b c\\x20d"],
    ["%P %I %j %J", "a/b c d b b"],
    ["%f %%", "/c d %"],
    ["100% %-", "100% %-"],
    ["%H", "%H"],
  ])("expands %j", (text, expected) => {
    expect(expandSpecifiers(text, parseUnitName("a-b@c\\x20d.service")).text).toBe(expected);
  });

  it("tells what it could not replace", () => {
    const found = expandSpecifiers("%H %z %f", parseUnitName("a--b.service"), { m: "1" });
    expect([found.unresolved, found.unknown, found.failed]).toEqual([["%H"], ["%z"], ["%f"]]);
  });
});

describe("scalars", () => {
  it("reads booleans, sizes and percentages", () => {
    expect(["YES", "t", "0", "Off", "2", ""].map(parseBoolean)).toEqual([
      ...[true, true, false, false, undefined, undefined],
    ]);
    expect(
      ["0", "1K", "1.5K", "1G500M", "500M1G", "1k", "16E", "-1", ""].map((t) => parseSize(t)),
    ).toEqual([
      0,
      1024,
      1536,
      1_598_029_824,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(parseSize("1K", 1000)).toBe(1000);
    expect(["50%", "12.5%", "5‰", "200%", "50", "1.234%"].map(parsePercent)).toEqual([
      ...[50, 12.5, 0.5, 200, undefined, undefined],
    ]);
  });

  it("reads signals and exit statuses", () => {
    expect(
      ["TERM", "SIGKILL", "9", "RTMIN+1", "SIGRTMAX-1", "FOO", "0", "65"].map(parseSignal),
    ).toEqual([
      ...["SIGTERM", "SIGKILL", "SIGKILL", "SIGRTMIN+1", "SIGRTMIN+29"],
      ...[undefined, undefined, undefined],
    ]);
    expect(["SIGTERM", "SIGRTMIN+1"].map(signalNumber)).toEqual([15, 35]);
    expect(["TEMPFAIL", "3", "256", "BPF"].map(parseExitStatus)).toEqual([75, 3, undefined, 244]);
    expect(exitStatusName(203)).toBe("EXEC");
  });

  it("reads and prints time spans in milliseconds", () => {
    expect(parseTimeSpan("1min 500ms 5us")).toBe(60_500.005);
    expect(parseTimeSpan("infinity")).toBe(Number.POSITIVE_INFINITY);
    expect(formatTimeSpan(parseTimeSpan("1h 5.5s"))).toBe("1h 5.500000s");
    expect(() => parseTimeSpan("5 parsecs")).toThrow(UnitsError);
  });
});

describe("closest", () => {
  it.each([
    ["execstart", "ExecStart"],
    ["ExecStrat", "ExecStart"],
    ["Restrat", "Restart"],
    ["Frobnicate", undefined],
  ])("%s → %s", (word, expected) => {
    expect(closest(word, ["ExecStop", "ExecStart", "Restart", "Nice"])).toBe(expected);
  });
});
