import { PathUnit } from "./path/path-unit.js";
import { ServiceUnit } from "./service/service-unit.js";
import { SocketUnit } from "./socket/socket-unit.js";
import { TargetUnit } from "./target-unit.js";
import { TimerUnit } from "./timer/timer-unit.js";
import type { ManagedUnit, UnitDefinition, UnitSurroundings } from "./unit.js";

/** Makes the unit that a definition is of. */
export function makeUnit(definition: UnitDefinition, surroundings: UnitSurroundings): ManagedUnit {
  const { name, type } = definition.model.name;
  if (type === "target") return new TargetUnit(name, surroundings);
  if (type === "timer") return new TimerUnit(definition, surroundings);
  if (type === "path") return new PathUnit(definition, surroundings);
  if (type === "socket") return new SocketUnit(definition, surroundings);
  return new ServiceUnit(definition, surroundings);
}
