import type { UnitModel, UnitName } from "../types.js";
import {
  checkAutomount,
  checkMount,
  checkSwap,
  readAutomountSection,
  readMountSection,
  readSwapSection,
} from "./mount-sections.js";
import { checkService } from "./service-checks.js";
import { type MachineSize, readServiceSection } from "./service-section.js";
import type { Settings } from "./settings.js";
import { checkSocket, readSocketSection } from "./socket-section.js";
import { checkPath, checkTimer, readPathSection, readTimerSection } from "./trigger-sections.js";

type TypeSection = Pick<
  UnitModel,
  "service" | "timer" | "path" | "socket" | "mount" | "automount" | "swap"
>;

/**
 * The section that a unit's type has of its own, checked as a whole. What a template leaves open
 * (`OnCalendar=%i`) is not missed in it.
 */
export function readTypeSection(
  settings: Settings,
  name: UnitName,
  machine: MachineSize,
): TypeSection {
  const whole = !name.isTemplate;
  switch (name.type) {
    case "service": {
      const service = readServiceSection(settings, machine);
      checkService(service, settings);
      return { service };
    }
    case "timer": {
      const timer = readTimerSection(settings, name);
      if (whole) checkTimer(timer, settings);
      return { timer };
    }
    case "path": {
      const path = readPathSection(settings, name);
      if (whole) checkPath(path, settings);
      return { path };
    }
    case "socket": {
      const socket = readSocketSection(settings, name);
      if (whole) checkSocket(socket, settings);
      return { socket };
    }
    case "mount": {
      const mount = readMountSection(settings, name);
      checkMount(mount, name, settings);
      return { mount };
    }
    case "automount": {
      const automount = readAutomountSection(settings, name);
      checkAutomount(automount, name, settings);
      return { automount };
    }
    case "swap": {
      const swap = readSwapSection(settings, name);
      checkSwap(swap, name, settings);
      return { swap };
    }
    default:
      return {};
  }
}
