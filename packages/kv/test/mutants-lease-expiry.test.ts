import { expect, it, vi } from "vitest";
import type { Command } from "../src/api/types.js";
import { Expiry } from "../src/member/expiry.js";
import type { Backend } from "../src/server/backend.js";

it("an expired lease's revoke is proposed under the term in which it was found, and never forwarded", () => {
  vi.useFakeTimers();
  try {
    const proposed: { command: Command; options: unknown }[] = [];
    const log = {
      propose: async (command: Command, options: unknown) => {
        proposed.push({ command, options });
      },
    };
    const lessor = { promote: () => {}, demote: () => {}, expired: () => [7n] };
    const expiry = new Expiry({ log, lessor } as unknown as Backend);
    expiry.leaderChanged(true, 4);
    vi.advanceTimersByTime(150);
    expiry.leaderChanged(false, 5);
    vi.advanceTimersByTime(1000);
    expect(proposed).toEqual([
      {
        command: { type: "lease-revoke", id: 7n, term: 4 },
        options: { onlyAsLeader: true, term: 4 },
      },
    ]);
  } finally {
    vi.useRealTimers();
  }
});
