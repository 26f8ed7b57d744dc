import type { ApiError } from "@flotilla/node/api";

/** An error to show to a person: what is wrong, and how to mend it. Exit code 1 unless said otherwise. */
export class CliError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: readonly string[];
  readonly exitCode: number;

  constructor(
    message: string,
    options: ErrorOptions & {
      code?: string;
      hint?: string | undefined;
      details?: readonly string[];
      exitCode?: number;
    } = {},
  ) {
    super(message, options);
    this.name = "CliError";
    this.code = options.code ?? "failed";
    this.hint = options.hint;
    this.details = options.details ?? [];
    this.exitCode = options.exitCode ?? 1;
  }

  static ofApi(status: number, body: ApiError | undefined): CliError {
    if (body?.error?.message === undefined) {
      return new CliError(`what answered with HTTP ${status} is not the API of a Flotilla node`, {
        hint: "is --endpoint perhaps the store's client port? The API's is 49153 by default",
      });
    }
    const { code, message, hint, diagnostics = [] } = body.error;
    return new CliError(message, { code, hint, details: diagnostics });
  }
}

/** Ends a command that has already said all that there is to say. */
export class Exit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.name = "Exit";
    this.exitCode = exitCode;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
