import * as v from "valibot";

const DesiredSchema = v.picklist(["inactive", "loaded", "launched"]);
export type Desired = v.InferOutput<typeof DesiredSchema>;

const schemas = {
  unit: v.object({ content: v.string(), hash: v.string() }),
  desired: v.object({ state: DesiredSchema }),
  schedule: v.object({ machine: v.string(), reason: v.string() }),
  machine: v.object({
    id: v.string(),
    name: v.string(),
    ip: v.string(),
    metadata: v.record(v.string(), v.string()),
    api: v.string(),
    version: v.string(),
    /** Made with the data directory: tells a restarted machine from a second one of the same ID. */
    directoryId: v.string(),
    /** Made with each process: tells two that run at once on copies of one directory. */
    bootId: v.string(),
    schedulable: v.boolean(),
    /** What units may ask for together: thousandths of a CPU, bytes, tasks. */
    capacity: v.exactOptional(
      v.object({
        cpu: v.exactOptional(v.number()),
        memory: v.exactOptional(v.number()),
        tasks: v.exactOptional(v.number()),
      }),
    ),
  }),
  state: v.object({
    hash: v.string(),
    /** The machine has started it (whatever became of it), rather than only loaded it. */
    launched: v.boolean(),
    load: v.string(),
    active: v.string(),
    sub: v.string(),
    mainPid: v.number(),
    restarts: v.number(),
    changedAt: v.number(),
  }),
};

export type UnitRecord = v.InferOutput<typeof schemas.unit>;
export type DesiredRecord = v.InferOutput<typeof schemas.desired>;
export type ScheduleRecord = v.InferOutput<typeof schemas.schedule>;
export type MachineRecord = v.InferOutput<typeof schemas.machine>;
export type StateRecord = v.InferOutput<typeof schemas.state>;

export interface Records {
  unit: UnitRecord;
  desired: DesiredRecord;
  schedule: ScheduleRecord;
  machine: MachineRecord;
  state: StateRecord;
}

export function encodeRecord<K extends keyof Records>(_kind: K, record: Records[K]): string {
  return JSON.stringify(record);
}

/** The record, or undefined where the value is none: somebody else's write must not stop a node. */
export function decodeRecord<K extends keyof Records>(
  kind: K,
  value: Uint8Array,
): Records[K] | undefined {
  try {
    const parsed = v.safeParse(schemas[kind], JSON.parse(Buffer.from(value).toString("utf8")));
    return parsed.success ? (parsed.output as Records[K]) : undefined;
  } catch {
    return undefined;
  }
}
