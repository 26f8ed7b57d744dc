import type { RestTimes, UnitChange } from "./unit.js";

/** A change of state in the words of systemd's log; undefined for one that nobody needs to read of. */
export function describeChange({ before, after }: UnitChange, what: string): string | undefined {
  const wasDown = before === "inactive" || before === "failed";
  if (after === "activating" && wasDown) return `Starting ${what}...`;
  if (after === "active" && before !== "reloading" && before !== "active")
    return `Started ${what}.`;
  if (after === "deactivating" && before !== "deactivating") return `Stopping ${what}...`;
  return after === "inactive" && !wasDown ? `Stopped ${what}.` : undefined;
}

/** What a change tells of when the unit was started or came to rest. */
export function restTimes({ before, after }: UnitChange, now: number): RestTimes {
  const rested = before === "inactive" || before === "failed";
  const rests = after === "inactive" || after === "failed";
  if (rested === rests) return {};
  return rests ? { restedAt: now } : { leftRestAt: now };
}
