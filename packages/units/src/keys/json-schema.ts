import { SECTIONS } from "./sections.js";
import type { KeySpec } from "./value-type.js";

/** A JSON Schema (draft 2020-12), as far as it is used here. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly deprecated?: boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean;
}

/**
 * A JSON Schema of unit files that are written as JSON, `{ "Service": { "ExecStart": "/bin/true" } }`,
 * made from the key table: every section, every key, what kind of value it takes, the words of those
 * that take a few, and what is deprecated. Lists may be arrays.
 */
export function unitJsonSchema(): JsonSchema {
  const properties = Object.entries(SECTIONS).map(([name, { keys, types }]) => [
    name,
    {
      type: "object",
      ...(types === undefined ? {} : { description: `Units of type ${types.join(", ")}.` }),
      properties: Object.fromEntries(
        Object.entries(keys).map(([key, spec]) => [key, schemaOf(spec)]),
      ),
      patternProperties: OWN_NAMES,
      additionalProperties: false,
    } satisfies JsonSchema,
  ]);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "systemd unit",
    type: "object",
    properties: Object.fromEntries(properties),
    patternProperties: OWN_NAMES,
    additionalProperties: false,
  };
}

/** Names of one's own, which systemd leaves alone. */
const OWN_NAMES: Readonly<Record<string, JsonSchema>> = { "^X-": {} };

function schemaOf({ type, deprecated, removed }: KeySpec): JsonSchema {
  // What the words are prefixes of (`file:`) is not one of a few values.
  const words = type.words?.every((word) => !word.endsWith(":")) ? type.words : undefined;
  const single: JsonSchema = { type: "string", ...(words === undefined ? {} : { enum: words }) };
  const value: JsonSchema = type.list
    ? { anyOf: [single, { type: "array", items: single }] }
    : single;
  return {
    ...value,
    description: deprecated === undefined ? type.name : `${type.name}. ${deprecated}`,
    ...(deprecated !== undefined || removed === true ? { deprecated: true } : {}),
  };
}
