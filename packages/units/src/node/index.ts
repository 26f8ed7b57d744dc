export { systemTimeZones } from "./time-zones.js";
