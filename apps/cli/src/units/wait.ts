import { setTimeout as sleep } from "node:timers/promises";
import type { DesiredState, UnitInfo } from "@flotilla/node/api";
import type { Context } from "../context.js";
import { CliError } from "../errors.js";

/** Between two looks, as fleetctl. */
const POLL_MS = 500;
/** Quick looks first: most units are where they should be in a moment. */
const QUICK_MS = 100;
const QUICK_LOOKS = 20;
/** After this many looks a person is told what is being waited for. */
const TELL_AFTER = 25;
/** Looks by default: about a minute. */
const DEFAULT_ATTEMPTS = 120;

/** How long to wait: fleetctl's --block-attempts; 0 is the default minute. */
export interface WaitOptions {
  readonly attempts: number;
}

/** Waits until `done` gives something; the error after that says why it did not come about. */
export async function poll<T>(
  { warn }: Context,
  what: string,
  { attempts }: WaitOptions,
  done: () => Promise<{ readonly value: T } | { readonly waiting: string }>,
): Promise<T> {
  const limit = attempts > 0 ? attempts : DEFAULT_ATTEMPTS;
  let reason = "";
  for (let look = 1; look <= limit; look++) {
    const answer = await done();
    if ("value" in answer) return answer.value;
    if (look >= TELL_AFTER && answer.waiting !== reason) {
      reason = answer.waiting;
      warn(`waiting for ${what}: ${reason}`);
    }
    reason = answer.waiting;
    await sleep(look <= QUICK_LOOKS ? QUICK_MS : POLL_MS);
  }
  throw new CliError(`gave up waiting for ${what}: ${reason}`, {
    code: "timeout",
    hint: "it stays wanted; see flotilla explain and flotilla status, or wait longer with --block-attempts",
  });
}

/** Waits until the cluster has brought the unit to the state wanted of it. */
export function untilReached(
  context: Context,
  name: string,
  desired: DesiredState,
  options: WaitOptions,
): Promise<UnitInfo> {
  return poll(context, `${name} to be ${desired}`, options, async () => {
    const unit = await context.api.unit(name);
    const stillRuns = desired !== "launched" && unit.states.some(({ active }) => isUp(active));
    if (unit.current === desired && !stillRuns) return { value: unit };
    return { waiting: unit.unplaced ?? `it is ${unit.current}` };
  });
}

function isUp(active: string): boolean {
  return ["active", "activating", "deactivating", "reloading"].includes(active);
}
