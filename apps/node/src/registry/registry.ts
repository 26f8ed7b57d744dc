import { createHash } from "node:crypto";
import type { Compare, KeyValue, RequestOp } from "@flotilla/kv";
import { NodeError } from "../errors.js";
import type { ClusterView } from "./cluster-view.js";
import type { RegistryKeys } from "./keys.js";
import { type Desired, encodeRecord } from "./records.js";

/** fleet's identity of a unit file: SHA-1 over its bytes, hex. */
export function unitHash(content: string): string {
  return createHash("sha1").update(content, "utf8").digest("hex");
}

const utf8 = (text: string): Uint8Array => Buffer.from(text, "utf8");

export function putOp(key: string, value: string, lease?: bigint): RequestOp {
  return {
    type: "put",
    request: { key: utf8(key), value: utf8(value), ...(lease === undefined ? {} : { lease }) },
  };
}

export function deleteOp(key: string): RequestOp {
  return { type: "delete", request: { key: utf8(key) } };
}

/** Holds while the key stands as it was at `modRevision`; 0 means "does not exist". */
export function unchanged(key: string, modRevision: number): Compare {
  return { key: utf8(key), target: "mod", result: "equal", revision: modRevision };
}

/** Holds while the key is the one created at `createRevision`, whatever was put since. */
export function sameCreation(key: string, createRevision: number): Compare {
  return { key: utf8(key), target: "create", result: "equal", revision: createRevision };
}

/** Holds while no key has this prefix. */
export function noneUnder(prefix: string): Compare {
  const end = utf8(prefix);
  end[end.length - 1]! += 1;
  return { key: utf8(prefix), rangeEnd: end, target: "create", result: "equal", revision: 0 };
}

export interface RegistryOptions {
  readonly store: KeyValue;
  readonly keys: RegistryKeys;
  readonly view: ClusterView;
}

/** What the API writes: units and what is wanted of them. Each call is one transaction. */
export class Registry {
  readonly #store: KeyValue;
  readonly #keys: RegistryKeys;
  readonly #view: ClusterView;

  constructor(options: RegistryOptions) {
    this.#store = options.store;
    this.#keys = options.keys;
    this.#view = options.view;
  }

  /** Creates or replaces a unit together with its desired state. */
  async putUnit(
    name: string,
    content: string,
    desired: Desired,
    options: { readonly replace: boolean },
  ): Promise<{ readonly created: boolean }> {
    const hash = unitHash(content);
    const known = this.#view.units.get(name);
    if (known !== undefined && known.value.hash !== hash && !options.replace) {
      throw new NodeError(
        "unit-differs",
        `unit ${name} is there already with another content (hash ${known.value.hash.slice(0, 7)})`,
        { hint: "use --replace to take the new content, or destroy the unit first" },
      );
    }
    const result = await this.#store.txn({
      compare: [unchanged(this.#keys.unit(name), known?.modRevision ?? 0)],
      success: [
        ...(known?.value.hash === hash
          ? []
          : [putOp(this.#keys.unit(name), encodeRecord("unit", { content, hash }))]),
        putOp(this.#keys.desired(name), encodeRecord("desired", { state: desired })),
      ],
    });
    if (!result.succeeded) {
      throw new NodeError("unit-differs", `unit ${name} was changed by somebody else just now`, {
        hint: "look at it and try again",
      });
    }
    await this.#view.reaches(result.revision);
    return { created: known === undefined };
  }

  async setDesired(name: string, desired: Desired): Promise<void> {
    const known = this.#view.units.get(name);
    if (known === undefined) throw unknownUnit(name);
    const result = await this.#store.txn({
      compare: [unchanged(this.#keys.unit(name), known.modRevision)],
      success: [putOp(this.#keys.desired(name), encodeRecord("desired", { state: desired }))],
    });
    if (!result.succeeded) {
      throw new NodeError("unit-differs", `unit ${name} was changed by somebody else just now`, {
        hint: "look at it and try again",
      });
    }
    await this.#view.reaches(result.revision);
  }

  async destroy(name: string): Promise<void> {
    if (!this.#view.units.has(name)) throw unknownUnit(name);
    const result = await this.#store.txn({
      compare: [],
      success: [
        deleteOp(this.#keys.unit(name)),
        deleteOp(this.#keys.desired(name)),
        deleteOp(this.#keys.schedule(name)),
      ],
    });
    await this.#view.reaches(result.revision);
  }
}

export function unknownUnit(name: string): NodeError {
  return new NodeError("unknown-unit", `unit ${name} is not in the cluster`, {
    hint: "flotilla list-unit-files shows what is there",
  });
}
