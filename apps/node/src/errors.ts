export type NodeErrorCode =
  | "bad-option"
  | "address-in-use"
  | "data-directory-in-use"
  | "corrupt-store"
  | "wrong-cluster"
  | "duplicate-machine"
  | "store-unavailable"
  | "bad-unit"
  | "unknown-unit"
  | "unit-differs"
  | "not-launched"
  | "forbidden-host"
  | "not-found"
  | "bad-request"
  | "machine-unreachable"
  | "failed";

const BRAND = Symbol.for("@flotilla/node.NodeError");

/** The one error class of flotillad: `code` tells the case, `hint` how to mend it. */
export class NodeError extends Error {
  readonly code: NodeErrorCode;
  readonly hint?: string;
  readonly diagnostics?: readonly string[];

  constructor(
    code: NodeErrorCode,
    message: string,
    options: ErrorOptions & { hint?: string; diagnostics?: readonly string[] } = {},
  ) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = "NodeError";
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
    if (options.diagnostics !== undefined) this.diagnostics = options.diagnostics;
  }

  static is(error: unknown): error is NodeError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
