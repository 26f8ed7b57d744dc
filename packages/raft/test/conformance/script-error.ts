/** A refusal that the script expects to read, as opposed to a fault of the script. */
export class ScriptError extends Error {}
