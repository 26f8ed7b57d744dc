import { formatDiagnostic, parseUnitName, type UnitName } from "@flotilla/units";
import * as v from "valibot";
import type { ClusterPlanner } from "../engine/cluster-planner.js";
import { messageOf, NodeError } from "../errors.js";
import type { ClusterView } from "../registry/cluster-view.js";
import { type Registry, unknownUnit } from "../registry/registry.js";
import { parseUnit } from "../registry/unit-models.js";
import { sendJson } from "./http-errors.js";
import { type Call, type Router, readJson } from "./router.js";
import { API_PREFIX, type Explanation, type PutUnitResult, type UnitDetail } from "./types.js";
import type { UnitReader } from "./unit-info.js";

const PutUnitSchema = v.strictObject({
  content: v.optional(v.string()),
  desired: v.picklist(["inactive", "loaded", "launched"]),
  replace: v.optional(v.boolean(), false),
});

export interface UnitRoutesOptions {
  readonly view: ClusterView;
  readonly registry: Registry;
  readonly planner: ClusterPlanner;
  readonly reader: UnitReader;
}

/** Units as the cluster wants them: list, read, write, remove, explain. */
export function unitRoutes(router: Router, options: UnitRoutesOptions): void {
  const { reader } = options;
  router
    .on("GET", `${API_PREFIX}/units`, ({ response }) => {
      sendJson(
        response,
        200,
        reader.names().map((name) => reader.info(name)),
      );
    })
    .on("GET", `${API_PREFIX}/states`, ({ response }) => {
      sendJson(response, 200, reader.allStates());
    })
    .on("GET", `${API_PREFIX}/units/:name`, (call) => getUnit(call, options))
    .on("PUT", `${API_PREFIX}/units/:name`, (call) => putUnit(call, options))
    .on("DELETE", `${API_PREFIX}/units/:name`, async ({ response, parameters }) => {
      await options.registry.destroy(unitName(parameters).name);
      response.writeHead(204).end();
    })
    .on("GET", `${API_PREFIX}/units/:name/explain`, (call) => explainUnit(call, options));
}

/** The `:name` of a path as a unit name; throws NodeError `bad-unit`. */
export function unitName(parameters: Readonly<Record<string, string>>): UnitName {
  try {
    return parseUnitName(parameters["name"] ?? "");
  } catch (error) {
    throw new NodeError("bad-unit", messageOf(error), { cause: error });
  }
}

function getUnit({ response, parameters }: Call, { reader, view }: UnitRoutesOptions): void {
  const { name } = unitName(parameters);
  const info = reader.info(name);
  const content = view.units.get(name)?.value.content;
  if (info === undefined || content === undefined) throw unknownUnit(name);
  const detail: UnitDetail = { ...info, content, states: reader.states(name) };
  sendJson(response, 200, detail);
}

async function putUnit(call: Call, options: UnitRoutesOptions): Promise<void> {
  const { registry, reader, view } = options;
  const name = unitName(call.parameters);
  const body = v.safeParse(PutUnitSchema, await readJson(call.request));
  if (!body.success) {
    throw new NodeError(
      "bad-request",
      `the body is not as it should be: ${body.issues[0].message}`,
    );
  }
  const { desired, replace } = body.output;
  refuseRunningTemplate(name, desired);
  const content = body.output.content ?? templateContent(name, view);
  let created = false;
  let warnings: readonly string[] = [];
  if (content === undefined) await registry.setDesired(name.name, desired);
  else {
    warnings = check(name, content);
    ({ created } = await registry.putUnit(name.name, content, desired, { replace }));
  }
  const unit = reader.info(name.name);
  if (unit === undefined) throw unknownUnit(name.name);
  const result: PutUnitResult = { unit, created, warnings };
  sendJson(call.response, created ? 201 : 200, result);
}

/** The content for an instance that is not there yet but whose template is. */
function templateContent(name: UnitName, view: ClusterView): string | undefined {
  if (view.units.has(name.name) || name.template === undefined) return undefined;
  return view.units.get(name.template)?.value.content;
}

/** Throws NodeError `bad-unit` with every diagnostic when the cluster could not run the unit. */
function check(name: UnitName, content: string): string[] {
  if (name.type !== "service" && name.type !== "target") {
    throw new NodeError("bad-unit", `${name.name}: units of type ${name.type} cannot be run yet`, {
      hint: "services and targets can",
    });
  }
  const { model, diagnostics } = parseUnit(name.name, content);
  const lines = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic));
  if (model === undefined || diagnostics.some(({ severity }) => severity === "error")) {
    throw new NodeError("bad-unit", `${name.name} cannot be used as it is`, { diagnostics: lines });
  }
  return lines;
}

function refuseRunningTemplate(name: UnitName, desired: string): void {
  if (!name.isTemplate || desired === "inactive") return;
  throw new NodeError("bad-unit", `${name.name} is a template and cannot be ${desired}`, {
    hint: `start an instance of it, like ${name.prefix}@1.${name.type}`,
  });
}

function explainUnit({ response, parameters }: Call, options: UnitRoutesOptions): void {
  const { name } = unitName(parameters);
  const info = options.reader.info(name);
  if (info === undefined) throw unknownUnit(name);
  const placement = options.view.schedule.get(name)?.value;
  const reasons = options.planner.current().explain(name);
  const explanation: Explanation = {
    unit: name,
    ...(placement === undefined ? {} : { target: placement.machine }),
    reason: placement?.reason ?? info.unplaced ?? `desired state is ${info.desired}`,
    machines: reasons.map(({ machine, refusals, choice, load }) => ({
      machine,
      fits: refusals.length === 0,
      reasons: refusals.map(({ reason }) => reason),
      ...(choice === undefined ? {} : { choice }),
      load,
    })),
  };
  sendJson(response, 200, explanation);
}
