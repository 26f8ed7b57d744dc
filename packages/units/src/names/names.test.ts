import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyText } from "../../test/any-text.js";
import { UnitsError } from "../errors.js";
import { escapeUnitName, unescapeUnitName } from "./escape.js";
import { instanceName, isValidUnitName, parseUnitName } from "./unit-name.js";

describe("unit names", () => {
  it("come apart", () => {
    expect(parseUnitName("foo@bar@baz.service")).toEqual({
      name: "foo@bar@baz.service",
      prefix: "foo",
      instance: "bar@baz",
      type: "service",
      isTemplate: false,
      isInstance: true,
      template: "foo@.service",
    });
    expect(parseUnitName("foo@.timer")).toMatchObject({ isTemplate: true, instance: "" });
    expect(parseUnitName("a.b.target")).toMatchObject({ prefix: "a.b", type: "target" });
  });

  it.each([
    ...["", "foo", "foo.servICE", "this+that.mount", ".service", "@a.service", "a b.service"],
    ...["a/b.service", "a.snapshot", `${"a".repeat(248)}.service`, "ä.service"],
  ])("refuse %j with a hint", (name) => {
    expect(isValidUnitName(name)).toBe(false);
    expect(() => parseUnitName(name)).toThrow(UnitsError);
    try {
      parseUnitName(name);
    } catch (error) {
      expect(UnitsError.is(error) && error.code === "invalid-name" && error.hint).toBeTruthy();
    }
  });

  it("allow 255 characters", () => {
    expect(isValidUnitName(`${"a".repeat(247)}.service`)).toBe(true);
  });

  it("are made from templates", () => {
    expect(instanceName("web@.service", "a-1")).toBe("web@a-1.service");
    expect(() => instanceName("web.service", "a")).toThrow(UnitsError);
    expect(() => instanceName("web@.service", "a b")).toThrow(UnitsError);
    expect(() => instanceName("web@.service", "")).toThrow(UnitsError);
  });
});

describe("escaping", () => {
  it("is undone by unescaping", () => {
    fc.assert(
      fc.property(anyText(30), (any) => {
        // As in C, a NUL would end the text; and a lone surrogate has no bytes.
        const text = any.replace(/\0|\p{Surrogate}/gu, "");
        const name = escapeUnitName(text);
        expect(unescapeUnitName(name)).toBe(text);
        if (name !== "" && name.length < 200) expect(isValidUnitName(`${name}.service`)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
