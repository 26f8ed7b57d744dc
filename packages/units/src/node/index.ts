export { nodeFileSystem } from "./file-system.js";
export { systemTimeZones } from "./time-zones.js";
