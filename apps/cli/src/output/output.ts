import { CliError } from "../errors.js";
import { table } from "./table.js";

export interface OutputOptions {
  /** `-o json`. */
  readonly json: boolean;
  readonly legend: boolean;
  /** IDs and hashes in full. */
  readonly full: boolean;
}

/** A column: its name for --fields, and how it shows a row. */
export type Columns<Row> = Readonly<Record<string, (row: Row, full: boolean) => string>>;

/** A table as fleetctl prints it, or the rows as they came with `-o json`. */
export function showRows<Row>(
  rows: readonly Row[],
  columns: Columns<Row>,
  fields: readonly string[],
  { json, legend, full }: OutputOptions,
): string {
  if (json) return showJson(rows);
  const chosen = fields.map((field) => {
    const column = columns[field];
    if (column === undefined) {
      throw new CliError(`--fields: there is no field "${field}"`, {
        hint: `there are ${Object.keys(columns).join(", ")}`,
        exitCode: 2,
      });
    }
    return column;
  });
  const head = legend ? [fields.map((field) => field.toUpperCase())] : [];
  return table([...head, ...rows.map((row) => chosen.map((column) => column(row, full) || "-"))]);
}

export function showJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** `113f16a7...`, or all of it. */
export function machineId(id: string, full: boolean): string {
  return full ? id : `${id.slice(0, 8)}...`;
}

/** `113f16a7.../172.17.8.101`, the way fleetctl names a machine. */
export function machineLegend(id: string, ip: string | undefined, full: boolean): string {
  return ip ? `${machineId(id, full)}/${ip}` : machineId(id, full);
}
