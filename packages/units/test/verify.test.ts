import { describe, expect, it } from "vitest";
import { SECTIONS } from "../src/index.js";
import { ourJudgement, theirJudgement } from "./judge.js";
import { NEEDS_SYSTEMD, systemdVersion, verify } from "./systemd.js";

const installed = systemdVersion() !== undefined;
if (!installed) console.warn(`skipped: ${NEEDS_SYSTEMD}`);

/** Values of every kind: each is right for some keys and wrong for most. */
const VALUES = [
  ...["", "yes", "off", "x", "1", "0", "5", "-1", "0x10", "017", "infinity", "50%", "12.345%"],
  ...["1G", "1G500M", "1.5K", "/a/b", "/a/../b", "-/a", "~", "a.service", "a@.service b.target"],
  ...["foo # c", "%Z", "%n", "%i.service", "10:20", "20:10", "SIGTERM", "RTMIN+3", "TEMPFAIL 3"],
  ...["A=1", "A=1 B", "'x", '"a b" c', "a\\qb", "none", "5min 3s", "5 5", "file:/x", "file:x"],
  ...["journal+console", "main", "mixed", "0022", "9999", "warning", "man:x(1) http://", "!/a"],
];

/**
 * Where this package and systemd differ on purpose: `Key` or `Key=value` → why. All else must agree
 * on which lines to complain of and on whether to refuse the unit.
 */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "SupplementaryGroups='x": "systemd drops a list with an open quote without a word",
  "SupplementaryGroups=a\\qb": "and one with an unknown escape",
};

/** Keys of which this package knows no more than the name have type "text" and no expansion. */
function checked(section: string): string[] {
  const entries = Object.entries(SECTIONS[section]?.keys ?? {});
  return entries.filter(([, { type }]) => type.name !== "text").map(([key]) => key);
}

/** Types whose bad values make systemd refuse the unit and read no further. */
const REFUSING: ReadonlySet<string> = new Set([
  ...["command line", "user or group", "groups", "directory, or ~", "path, relative to /run"],
]);

/** What makes a unit of a type whole, and what its name is. */
const WHOLES: Readonly<Record<string, { type: string; name: string; text: string }>> = {
  Timer: { type: "timer", name: "t#.timer", text: "OnClockChange=yes\n" },
  Path: { type: "path", name: "t#.path", text: "" },
  Socket: { type: "socket", name: "t#.socket", text: "" },
  Mount: { type: "mount", name: "mnt-t#.mount", text: "What=/dev/x\n" },
  Automount: { type: "automount", name: "mnt-t#.automount", text: "" },
  Swap: { type: "swap", name: "mnt-t#.swap", text: "" },
};

/** An assignment that stands last, so that lists which were cleared are not empty. */
const LAST: Readonly<Record<string, string>> = {
  Path: "PathExists=/last\n",
  Socket: "ListenStream=/last\n",
};

/** Names and addresses besides, which only these sections have. */
const MORE_VALUES = [
  ...["80", "127.0.0.1:80", "[::1]:80", "256.0.0.1:80", "[::1]", "0", "65536", "@abstract", "@"],
  ...["vsock:2:80", "vsock::80", "vsock:80", "route 1", "kobject-uevent", "nothing 1", "route x"],
  ...["Mon 9:00", "daily", "25:00", "1:2:3:4", "a.socket", "a@.service", "t.timer", "a b", "a:b"],
];

/** The keys of a section with values: one assignment each where one may end it all, else in bulk. */
function samples(section: string): Map<string, { label: string; text: string }> {
  const units = new Map<string, { label: string; text: string }>();
  const own = WHOLES[section];
  const add = (key: string, values: readonly string[]): void => {
    const start = key === "ExecStart" ? "" : "ExecStart=/bin/true\n";
    const head = own
      ? `[${section}]\n${own.text}`
      : `[Service]\n${start}${section === "Service" ? "" : `[${section}]\n`}`;
    const tail = own ? (LAST[section] ?? "") : "";
    const text = head + values.map((value) => `${key}=${value}\n`).join("") + tail;
    const label = values.length === 1 ? `${key}=${values[0]}` : key;
    const name = (own?.name ?? "t#.service").replace("#", String(units.size));
    units.set(name, { label, text });
  };
  for (const key of checked(section)) {
    const { name } = SECTIONS[section]!.keys[key]!.type;
    const alone = REFUSING.has(name) || /^(Root(Directory|Image|Verity)|DynamicUser)$/.test(key);
    // What these name is the unit itself; and systemd counts Unit= once.
    if (own !== undefined) {
      if (!/^(Where|What|Unit|Accept|Exec.*)$/.test(key) && !PROCESS.has(key)) {
        add(key, [...VALUES, ...MORE_VALUES]);
      }
      continue;
    }
    if (alone) for (const value of VALUES) add(key, [value]);
    else add(key, VALUES);
  }
  return units;
}

/** What sockets, mounts and swaps share with services is looked at there. */
const PROCESS: ReadonlySet<string> = new Set(
  Object.keys(SECTIONS["Service"]?.keys ?? {}).filter(
    (key) => !/^(TimeoutSec|TriggerLimit|Priority)/.test(key),
  ),
);

/** Every case whose judgements differ, in words. */
function compare(units: ReadonlyMap<string, { label: string; text: string }>): string[] {
  const all = [...units];
  const found: string[] = [];
  for (let at = 0; at < all.length; at += 500) {
    const part = all.slice(at, at + 500);
    const verdicts = verify(new Map(part.map(([name, { text }]) => [name, text])));
    for (const [name, { label, text }] of part) {
      const verdict = verdicts.get(name)!;
      const [mine, yours] = [
        JSON.stringify(ourJudgement(name, text)),
        JSON.stringify(theirJudgement(verdict)),
      ];
      if (mine !== yours && DIFFERENCES[label] === undefined) {
        found.push(`${label}: ours ${mine}, systemd ${yours} ${verdict.messages.join(" | ")}`);
      }
    }
  }
  return found;
}

describe.skipIf(!installed)("systemd-analyze verify", () => {
  it.each(["Service", "Unit", "Timer", "Path", "Socket", "Mount", "Automount", "Swap"])(
    "judges every value of every checked key of [%s] alike",
    (section) => {
      const units = samples(section);
      expect(units.size).toBeGreaterThan(WHOLES[section] === undefined ? 50 : 1);
      expect(compare(units)).toEqual([]);
    },
    60_000,
  );

  it("judges whole units alike", () => {
    const units = new Map(
      WHOLE_UNITS.map((text, index) => [
        `w${index}.service`,
        { label: JSON.stringify(text), text },
      ]),
    );
    expect(compare(units)).toEqual([]);
  });

  it("judges whole units of other types alike", () => {
    const entries = OTHER_UNITS.map(([name, text]) => [name, { label: name, text }] as const);
    expect(new Set(entries.map(([name]) => name)).size).toBe(entries.length);
    expect(compare(new Map(entries))).toEqual([]);
  });

  it("knows each key that systemd knows, in its section", () => {
    const units = new Map<string, string>();
    for (const section of ["Unit", "Service"]) {
      const keys = Object.keys(SECTIONS[section]?.keys ?? {});
      units.set(
        `k${units.size}.service`,
        `[${section}]\n${keys.map((key) => `${key}=`).join("\n")}\n`,
      );
    }
    for (const { messages } of verify(units).values()) {
      expect(messages.filter((one) => one.startsWith("Unknown key"))).toEqual([]);
    }
  });
});

const EXEC = "[Service]\nExecStart=/bin/true\n";

/** What sockets, timers, paths and mounts need, and cannot have together. */
const OTHER_UNITS: readonly (readonly [name: string, text: string])[] = [
  ["a1.timer", "[Timer]\n"],
  ["a2.timer", "[Timer]\nOnCalendar=daily\nOnBootSec=\n"],
  ["a3.timer", "[Timer]\nOnTimezoneChange=yes\n"],
  ["a4.timer", "[Timer]\nOnBootSec=1min\nUnit=a.service\nUnit=b.service\n"],
  ["a5.timer", "[Timer]\nOnBootSec=1min\nUnit=a5.timer\n"],
  ["b1.path", "[Path]\n"],
  ["b2.path", "[Path]\nPathExists=/a\nPathChanged=\n"],
  ["b3.path", "[Path]\nPathExists=/a\nUnit=b.target\n"],
  ["c1.socket", "[Socket]\n"],
  ["c2.socket", "[Socket]\nListenStream=80\nAccept=yes\n"],
  ["c3.socket", "[Socket]\nListenDatagram=80\nAccept=yes\n"],
  ["c4.socket", "[Socket]\nListenStream=80\nAccept=yes\nMaxConnections=0\n"],
  ["c5.socket", "[Socket]\nListenStream=80\nAccept=yes\nService=x.service\n"],
  ["c6.socket", "[Socket]\nListenFIFO=/x\nListenStream=\n"],
  ["mnt-d1.mount", "[Mount]\nWhat=/dev/x\nWhere=/mnt/d1\n"],
  ["mnt-d2.mount", "[Mount]\nWhat=/dev/x\nWhere=/mnt/other\n"],
  ["mnt-d3.mount", "[Mount]\nWhere=/mnt/d3\n"],
  ["mnt-d4.mount", "[Mount]\nWhat=/dev/x\n"],
  ["mnt-e1.automount", "[Automount]\nWhere=/mnt/e1/\n"],
  ["mnt-e2.automount", "[Automount]\nWhere=/mnt/x\n"],
  ["mnt-f1.swap", "[Swap]\nWhat=/mnt/f1\n"],
  ["mnt-f2.swap", "[Swap]\nWhat=/mnt/x\n"],
  ["g1.slice", "[Slice]\nMemoryMax=1G\n"],
  ["g2.target", "[Unit]\nDescription=x\n[Target]\n"],
];

/** Syntax, commands and combinations. */
const WHOLE_UNITS: readonly string[] = [
  "[Service]\nType=oneshot\n",
  "[Service]\nExecStop=/bin/true\n",
  "[Service]\nExecStop=/bin/true\nType=oneshot\n",
  "[Service]\nExecStop=/bin/true\nRemainAfterExit=yes\n",
  "[Unit]\nSuccessAction=exit\n[Service]\n",
  "[Unit]\nSuccessAction=exit\n[Service]\nType=simple\n",
  `${EXEC}ExecStart=/bin/true\n`,
  `${EXEC}ExecStart=/bin/true\nType=oneshot\n`,
  `${EXEC}ExecStart=\nExecStart=/bin/true\n`,
  `${EXEC}Type=oneshot\nRestart=always\n`,
  `${EXEC}Type=oneshot\nRestart=on-success\n`,
  `${EXEC}Type=oneshot\nRestart=on-failure\n`,
  `${EXEC}Type=oneshot\nRestartForceExitStatus=1\n`,
  `${EXEC}Type=oneshot\nExitType=cgroup\n`,
  `${EXEC}Type=dbus\n`,
  `${EXEC}Type=dbus\nBusName=a.b\n`,
  `${EXEC}PAMName=login\nKillMode=process\n`,
  "[Service]\nExecStart=/bin/true ; /bin/true\n",
  "[Service]\nType=oneshot\nExecStart=/bin/true ; /bin/true\n",
  "[Service]\nExecStart=/bin/true \\; /bin/true\n",
  "[Service]\nExecStart=; /bin/true\n",
  "[Service]\nExecStart=/bin/true 'a\n",
  "[Service]\nExecStart=/bin/true\nExecStop=-/bin/true 'a\n",
  "[Service]\nExecStart=+!/bin/true\n",
  "[Service]\nExecStart=!!!/bin/true\n",
  "[Service]\nExecStart=-@:!!/bin/true name\n",
  "[Service]\nExecStart=@/bin/true\n",
  "[Service]\nExecStart=--/bin/true\n",
  "[Service]\nExecStart=-\n",
  "[Service]\nExecStart=/bin/\n",
  `${EXEC}ExecStop=./true\n`,
  `${EXEC}ExecStop=a/b\n`,
  `${EXEC}ExecStop=-a/b\n`,
  "[Service]\nExecStart=true\n",
  '[Service]\nExecStart="/bin/tr ue"\n',
  "[Service]\nExecStart=/bin/tr\\'ue\n",
  "[Service]\nExecStart=/bin/true \\x41 \\x0 \\400 \\u00e9 \\U0001F600 \\ud800\n",
  "[Service]\nExecStart=/bin/true a\\\n",
  "[Service]\nExecStart=/bin/true \\\n# comment\n; comment\n b\n",
  "[Service]\nExecStart=/bin/true \\\n\nb\n",
  "[Service\nExecStart=/bin/true\n",
  "[Service]x\nExecStart=/bin/true\n",
  `[Ser"vice]\n${EXEC}`,
  `A=1\n${EXEC}`,
  `${EXEC}=1\nfoo\n Nope\n`,
  `${EXEC}X-Foo=1\nfoo=1\n[X-Own]\nA=1\nB\n`,
  `[Own]\nA=1\n${EXEC}`,
  `[Timer]\nOnCalendar=daily\n${EXEC}`,
  `${EXEC}[Install]\nWantedBy=b.target\nFoo=1\n`,
  "\ufeff[Service]\r\nExecStart=/bin/true\r\n",
  "[Service]\rExecStart=/bin/true\rFoo=1\r",
  "  [Service]  \n  ExecStart  =  /bin/true  \n\tRestart\t=\tno\t\n",
];
