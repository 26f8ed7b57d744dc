/** A datagram of sd_notify(3), understood. */
export interface NotifyMessage {
  readonly ready: boolean;
  readonly stopping: boolean;
  readonly reloading: boolean;
  readonly status?: string;
  readonly mainPid?: number;
  readonly extendTimeoutMs?: number;
  readonly watchdog?: "ping" | "trigger";
  readonly watchdogMs?: number;
}

/** Longest STATUS= kept, in UTF-16 units. */
const STATUS_LENGTH_MAX = 4096;

/** Reads what the supervisor acts on; unknown and malformed assignments are ignored. */
export function parseNotify(message: Readonly<Record<string, string>>): NotifyMessage {
  const mainPid = wholeNumber(message["MAINPID"]);
  const extendUsec = wholeNumber(message["EXTEND_TIMEOUT_USEC"]);
  const watchdogUsec = wholeNumber(message["WATCHDOG_USEC"]);
  const status = message["STATUS"];
  const watchdog = message["WATCHDOG"];
  return {
    ready: message["READY"] === "1",
    stopping: message["STOPPING"] === "1",
    reloading: message["RELOADING"] === "1",
    ...(status !== undefined && { status: status.slice(0, STATUS_LENGTH_MAX) }),
    ...(mainPid !== undefined && mainPid > 1 && { mainPid }),
    ...(extendUsec !== undefined && { extendTimeoutMs: extendUsec / 1000 }),
    ...(watchdog === "1" && { watchdog: "ping" as const }),
    ...(watchdog === "trigger" && { watchdog: "trigger" as const }),
    ...(watchdogUsec !== undefined && watchdogUsec > 0 && { watchdogMs: watchdogUsec / 1000 }),
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
