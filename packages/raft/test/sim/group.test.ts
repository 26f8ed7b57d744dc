import { describe, expect, it } from "vitest";
import { simulateGroup } from "./group/simulation.js";

const SECONDS = 8;

// Nothing in it waits for real time: how long it takes is how busy the machine is.
describe("the driver in the simulator", { timeout: 60_000 }, () => {
  it("gives equal runs for equal seeds", async () => {
    const trace = async (seed: number): Promise<string[]> => {
      const lines: string[] = [];
      await simulateGroup({ seed, seconds: 5, trace: (line) => lines.push(line) });
      return lines;
    };
    const first = await trace(5);
    expect(await trace(5)).toEqual(first);
    expect(await trace(6)).not.toEqual(first);
  });

  // More of them: npm run sim:group
  it.each(Array.from({ length: 15 }, (_, at) => at + 1))(
    "finds nothing with SEED=%i",
    async (seed) => {
      const report = await simulateGroup({ seed, seconds: SECONDS });
      expect(report.operations).toBeGreaterThan(0);
    },
  );
});
