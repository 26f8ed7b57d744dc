/** What is done to a scenario's units, one step after the other; each waits until its job is over. */
export type Step = readonly ["start" | "stop" | "restart" | "reload" | "kill", unit: string];

/** A story told to both systemd and this package. `until` names the sub state that unit `a` ends in. */
export interface Scenario {
  readonly name: string;
  /** Units by stem (`a` for `a.service`); `@` in a text stands for the scenario's name and a dash. */
  readonly units: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly until: string;
}

const SLEEP = "ExecStart=/bin/sleep 60";
const NO_LIMIT = "[Unit]\nStartLimitIntervalSec=0\n";

function service(name: string, section: string, steps: string, until: string, unit = ""): Scenario {
  return {
    name,
    units: { a: `${unit}[Service]\n${section}\n` },
    steps: steps.split(" ").map((step): Step => [step as Step[0], "a"]),
    until,
  };
}

const SINGLE: readonly Scenario[] = [
  service("simple", SLEEP, "start stop", "dead"),
  service("simple-killed", SLEEP, "start kill", "failed"),
  service("simple-ends", "ExecStart=/bin/true", "start", "dead"),
  service("simple-fails", "ExecStart=/bin/sh -c 'exit 3'", "start", "failed"),
  service("simple-remains", "ExecStart=/bin/true\nRemainAfterExit=yes", "start", "exited"),
  service("exec-missing", "Type=exec\nExecStart=/does/not/exist", "start", "failed"),
  service("exec-runs", `Type=exec\n${SLEEP}`, "start stop", "dead"),
  service("oneshot", "Type=oneshot\nExecStart=/bin/true\nExecStart=/bin/true", "start", "dead"),
  service(
    "oneshot-fails",
    "Type=oneshot\nExecStart=/bin/true\nExecStart=/bin/false\nExecStart=/bin/true",
    "start",
    "failed",
  ),
  service(
    "oneshot-remains",
    "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecStop=/bin/true",
    "start stop",
    "dead",
  ),
  service(
    "oneshot-nothing",
    "Type=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true",
    "start stop",
    "dead",
  ),
  service("forking", "Type=forking\nExecStart=/bin/sh -c 'sleep 60 &'", "start stop", "dead"),
  service("forking-fails", "Type=forking\nExecStart=/bin/false", "start", "failed"),
  service("notify-early-end", "Type=notify\nExecStart=/bin/true", "start", "failed"),
  service("notify-timeout", `Type=notify\nTimeoutStartSec=200ms\n${SLEEP}`, "start", "failed"),
  service("condition-no", `ExecCondition=/bin/false\n${SLEEP}`, "start", "dead"),
  service("condition-fails", `ExecCondition=/bin/sh -c 'exit 255'\n${SLEEP}`, "start", "failed"),
  service(
    "pre-fails",
    `ExecStartPre=/bin/false\n${SLEEP}\nExecStopPost=/bin/true`,
    "start",
    "failed",
  ),
  service("pre-may-fail", `ExecStartPre=-/bin/false\n${SLEEP}`, "start", "running"),
  service("post-fails", `${SLEEP}\nExecStartPost=/bin/false`, "start", "failed"),
  service("stop-fails", `${SLEEP}\nExecStop=/bin/false`, "start stop", "failed"),
  service(
    "stop-hangs",
    `${SLEEP}\nExecStop=/bin/sleep 60\nTimeoutStopSec=200ms`,
    "start stop",
    "failed",
  ),
  service("stop-post-fails", `${SLEEP}\nExecStopPost=/bin/false`, "start stop", "failed"),
  service("reload", `${SLEEP}\nExecReload=/bin/true`, "start reload stop", "dead"),
  service("reload-fails", `${SLEEP}\nExecReload=/bin/false`, "start reload stop", "dead"),
  service(
    "term-ignored",
    "ExecStart=/usr/bin/perl -e 'use POSIX; $SIG{TERM}=\"IGNORE\"; sleep 1 while 1'\nExecStartPost=/bin/sleep 0.3\nTimeoutStopSec=200ms",
    "start stop",
    "failed",
  ),
  service("kill-mixed", `KillMode=mixed\n${SLEEP}`, "start stop", "dead"),
  service("kill-signal", `KillSignal=SIGINT\n${SLEEP}`, "start stop", "dead"),
  service("runtime-max", `RuntimeMaxSec=200ms\n${SLEEP}`, "start", "failed"),
  service("watchdog", `WatchdogSec=200ms\n${SLEEP}`, "start", "failed"),
  service(
    "start-limit",
    "Restart=on-failure\nRestartSec=50ms\nExecStart=/bin/false",
    "start",
    "failed",
    "[Unit]\nStartLimitBurst=2\n",
  ),
  service(
    "restart-always",
    `Restart=always\nRestartSec=50ms\n${SLEEP}`,
    "start kill",
    "running",
    NO_LIMIT,
  ),
  service(
    "restart-prevented",
    "Restart=always\nRestartPreventExitStatus=3\nExecStart=/bin/sh -c 'exit 3'",
    "start",
    "failed",
  ),
  service("restart-not-on-stop", `Restart=always\n${SLEEP}`, "start stop", "dead"),
  service(
    "restart-waiting-stopped",
    "Restart=always\nRestartSec=1h\nExecStart=/bin/sleep 0.2",
    "start",
    "auto-restart",
  ),
  service("restarted", SLEEP, "start restart", "running"),
  service("success-status", "SuccessExitStatus=3\nExecStart=/bin/sh -c 'exit 3'", "start", "dead"),
  service("missing-environment", "EnvironmentFile=/absent\nExecStart=/bin/true", "start", "failed"),
  service("missing-directory", "WorkingDirectory=/absent\nExecStart=/bin/true", "start", "failed"),
];

const B = "[Service]\nExecStart=/bin/sleep 60\n";
const AFTER_B = "After=@b.service";

function pair(
  name: string,
  unit: string,
  b: string,
  steps: readonly Step[],
  until: string,
): Scenario {
  return {
    name,
    units: { a: `[Unit]\n${unit}\n[Service]\n${SLEEP}\n`, b },
    steps,
    until,
  };
}

const FAILS = "[Service]\nType=oneshot\nExecStart=/bin/false\n";
const PAIRS: readonly Scenario[] = [
  pair(
    "requires",
    `Requires=@b.service\n${AFTER_B}`,
    B,
    [
      ["start", "a"],
      ["stop", "b"],
    ],
    "dead",
  ),
  pair("requires-fails", `Requires=@b.service\n${AFTER_B}`, FAILS, [["start", "a"]], "dead"),
  pair(
    "requires-crash",
    `Requires=@b.service\n${AFTER_B}`,
    B,
    [
      ["start", "a"],
      ["kill", "b"],
    ],
    "running",
  ),
  pair(
    "requires-restart",
    `Requires=@b.service\n${AFTER_B}`,
    B,
    [
      ["start", "a"],
      ["restart", "b"],
    ],
    "running",
  ),
  pair("wants-fails", `Wants=@b.service\n${AFTER_B}`, FAILS, [["start", "a"]], "running"),
  pair("requisite", `Requisite=@b.service\n${AFTER_B}`, B, [["start", "a"]], "dead"),
  pair(
    "binds-to",
    `BindsTo=@b.service\n${AFTER_B}`,
    B,
    [
      ["start", "a"],
      ["kill", "b"],
    ],
    "dead",
  ),
  pair(
    "part-of",
    "PartOf=@b.service",
    B,
    [
      ["start", "a"],
      ["start", "b"],
      ["stop", "b"],
    ],
    "dead",
  ),
  pair(
    "conflicts",
    `Conflicts=@b.service\n${AFTER_B}`,
    B,
    [
      ["start", "b"],
      ["start", "a"],
    ],
    "running",
  ),
  pair(
    "on-failure",
    "OnFailure=@b.service",
    B,
    [
      ["start", "a"],
      ["kill", "a"],
    ],
    "failed",
  ),
];

export const SCENARIOS: readonly Scenario[] = [...SINGLE, ...PAIRS];
