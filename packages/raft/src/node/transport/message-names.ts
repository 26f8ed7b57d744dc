import { MessageType } from "../../index.js";

const NAMES: ReadonlyMap<MessageType, string> = new Map(
  Object.entries(MessageType).map(([name, type]) => [type, name]),
);

/** A message type's name, for people and metrics. */
export function messageName(type: MessageType): string {
  return NAMES.get(type) ?? `${type}`;
}
