import { expect, it } from "vitest";
import { table } from "./table.js";

it("lays columns out as Go's tabwriter does with tab padding", () => {
  // What fleetctl prints for these rows: cells reach to the next multiple of eight after one space.
  expect(
    table([
      ["UNIT", "MACHINE", "ACTIVE", "SUB"],
      ["a.service", "113f16a7.../172.17.8.101", "active", "running"],
      ["seven77", "x", "inactive", "dead"],
    ]),
  ).toBe(
    "UNIT\t\tMACHINE\t\t\t\tACTIVE\t\tSUB\n" +
      "a.service\t113f16a7.../172.17.8.101\tactive\t\trunning\n" +
      "seven77\t\tx\t\t\t\tinactive\tdead\n",
  );
});
