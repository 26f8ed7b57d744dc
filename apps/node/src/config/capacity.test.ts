import * as v from "valibot";
import { expect, it } from "vitest";
import { machineCapacity } from "../agent/machine-capacity.js";
import { OPTIONS } from "./options.js";

const parse = (text: string) => v.safeParse(OPTIONS.capacity.schema, text);

it("reads --capacity, and takes what the machine has for the rest", () => {
  const read = parse("cpu=1.5,memory=2G");
  expect(read.output).toEqual({ cpu: 1_500, memory: 2 * 1024 ** 3 });
  expect(parse("tasks=100").output).toEqual({ tasks: 100 });
  expect(parse("").output).toEqual({});
  expect(machineCapacity({ cpu: 1_500 })).toMatchObject({ cpu: 1_500 });
  expect(machineCapacity({}).cpu).toBeGreaterThan(0);
  expect(machineCapacity({}).memory).toBeGreaterThan(0);
});

it.each([["cpu=much"], ["memory=1X"], ["disk=5"], ["cpu"], ["cpu=-1"]])("refuses %j", (text) => {
  expect(parse(text).success).toBe(false);
});
