import { Settings } from "../model/settings.js";
import { tryParseUnitName } from "../names/unit-name.js";
import type { UnitFile } from "../syntax/tree.js";
import type { Diagnostic } from "../types.js";
import { QUADLET_KINDS, type QuadletKind } from "./quadlet-keys.js";

/** The file name extensions of quadlet: `container`, `pod`, `volume`, … */
export const QUADLET_TYPES: readonly string[] = [...QUADLET_KINDS.keys()];

/** True for the names that quadlet reads: `web.container`, `db@.volume`. */
export function isQuadletName(name: string): boolean {
  return kindOf(name) !== undefined;
}

/**
 * What is wrong in a quadlet file (podman-systemd.unit(5), as of podman 5 and 6): unknown keys and
 * sections, keys in the wrong section, bad values, missing ones. Podman itself stops at the first, and
 * tells no line.
 *
 * @example
 * ```ts
 * checkQuadlet("web.container", parseUnitFile("[Container]\nImag=nginx\n")).length; // 2
 * ```
 */
export function checkQuadlet(name: string, file: UnitFile): readonly Diagnostic[] {
  const kind = kindOf(name);
  // The service that quadlet makes of it is what specifiers speak of.
  const unit = tryParseUnitName(name.replace(/\.[^.]*$/, ".service"));
  if (kind === undefined || unit === undefined) return [badName(name, file), ...file.diagnostics];
  const settings = new Settings([file], unit, undefined, kind.table);
  checkNeeds(kind, file, settings);
  checkService(file, settings);
  return settings.sorted();
}

function kindOf(name: string): QuadletKind | undefined {
  return QUADLET_KINDS.get(name.slice(name.lastIndexOf(".") + 1));
}

function badName(name: string, file: UnitFile): Diagnostic {
  const start = file.position(0);
  return {
    code: "invalid-name",
    severity: "error",
    message: `${JSON.stringify(name)} is not the name of a quadlet file.`,
    hint: `It ends in .${QUADLET_TYPES.join(", .")}.`,
    file: file.file === "" ? name : file.file,
    span: { start, end: start },
  };
}

function checkNeeds({ section, needs }: QuadletKind, file: UnitFile, settings: Settings): void {
  for (const keys of needs) {
    if (keys.some((key) => file.values(section, key).some((value) => value !== ""))) continue;
    const names = keys.map((key) => `${key}=`).join(" or ");
    const message = `[${section}] lacks ${names}.`;
    const problem = { code: "missing-setting", severity: "error", message } as const;
    settings.complain({ ...problem, hint: `Add ${keys[0]}=.` }, [`${section}.${keys[0]}`]);
  }
}

/** Keys of [Service] that podman refuses, since they would be the user of podman itself. */
function checkService(file: UnitFile, settings: Settings): void {
  for (const key of ["User", "Group", "DynamicUser"]) {
    if (file.values("Service", key).length === 0) continue;
    const message = `${key}= in [Service] is not supported by quadlet.`;
    const hint = "Use User= or UserNS= of [Container], or a file in the user's own folder.";
    const problem = { code: "wrong-section", severity: "error", message, hint } as const;
    settings.complain(problem, [`Service.${key}`]);
  }
}
