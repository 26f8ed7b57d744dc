import { expect, it } from "vitest";
import { unitJsonSchema } from "./json-schema.js";

it("has every section and key, with words and what is deprecated", () => {
  const { properties } = unitJsonSchema();
  const service = properties?.["Service"]?.properties;
  expect(service?.["Restart"]?.enum).toContain("on-failure");
  expect(service?.["ExecStart"]?.anyOf).toHaveLength(2);
  expect(service?.["CPUShares"]).toMatchObject({ deprecated: true });
  expect(Object.keys(properties ?? {})).toEqual(
    expect.arrayContaining(["Unit", "Timer", "Target", "X-Fleet"]),
  );
});
