import { ServiceUnit } from "./service/service-unit.js";
import { TargetUnit } from "./target-unit.js";
import type { ManagedUnit, UnitDefinition, UnitSurroundings } from "./unit.js";

/** Makes the unit that a definition is of. */
export function makeUnit(definition: UnitDefinition, surroundings: UnitSurroundings): ManagedUnit {
  const { name, type } = definition.model.name;
  if (type === "target") return new TargetUnit(name, surroundings);
  return new ServiceUnit(definition, surroundings);
}
