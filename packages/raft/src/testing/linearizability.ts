/**
 * One operation as its client saw it. An operation whose result is unknown returns at infinity:
 * it may take effect at any time after its call, or never.
 */
export interface Operation<Input, Output> {
  readonly call: number;
  readonly return: number;
  readonly input: Input;
  /** Ignored where `return` is infinity. */
  readonly output: Output;
}

/** What one object does when operations come one at a time. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /** The state after an operation, or null when the output is impossible in this state. */
  step(state: State, input: Input, output: Output, known: boolean): State | null;
  /** Equal states have equal keys. */
  key(state: State): string | number;
}

interface Node<Input, Output> {
  readonly operation: number;
  readonly isCall: boolean;
  readonly time: number;
  readonly source: Operation<Input, Output>;
  previous: Node<Input, Output> | null;
  next: Node<Input, Output> | null;
  /** The return of a call. */
  match: Node<Input, Output> | null;
}

function link<Input, Output>(operations: readonly Operation<Input, Output>[]): Node<Input, Output> {
  const events: Node<Input, Output>[] = [];
  operations.forEach((source, operation) => {
    const base = { operation, source, previous: null, next: null, match: null };
    const end = { ...base, isCall: false, time: source.return };
    events.push({ ...base, isCall: true, time: source.call, match: end }, end);
  });
  // At one time calls come first: such operations count as concurrent.
  events.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  const head = { ...events[0]!, isCall: false, match: null, previous: null };
  let last: Node<Input, Output> = head;
  for (const event of events) {
    event.previous = last;
    last.next = event;
    last = event;
  }
  last.next = null;
  return head;
}

function lift<Input, Output>(call: Node<Input, Output>): void {
  const end = call.match!;
  call.previous!.next = call.next;
  if (call.next !== null) call.next.previous = call.previous;
  end.previous!.next = end.next;
  if (end.next !== null) end.next.previous = end.previous;
}

function unlift<Input, Output>(call: Node<Input, Output>): void {
  const end = call.match!;
  end.previous!.next = end;
  if (end.next !== null) end.next.previous = end;
  call.previous!.next = call;
  if (call.next !== null) call.next.previous = call;
}

/**
 * True when the operations on one object can be put into an order that respects real time and in
 * which every output is right (Wing & Gong's search with Lowe's memo of configurations that were
 * seen). Exponential at worst: check a key at a time, and keep histories short.
 *
 * @example
 * ```ts
 * isLinearizable(registerModel, [
 *   { call: 0, return: 1, input: { type: "write", value: 7 }, output: 0 },
 *   { call: 2, return: 3, input: { type: "read" }, output: 7 },
 * ]); // true
 * ```
 */
export function isLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): boolean {
  if (operations.length === 0) return true;
  const head = link(operations);
  const seen = new Set<string>();
  const done = new Uint32Array(Math.ceil(operations.length / 32));
  const stack: { call: Node<Input, Output>; state: State }[] = [];
  let state = model.initial;
  let remaining = operations.filter((operation) => operation.return !== Infinity).length;
  let at = head.next;
  while (remaining > 0) {
    if (at?.isCall) {
      const { source, operation } = at;
      const known = source.return !== Infinity;
      const next = model.step(state, source.input, source.output, known);
      if (next !== null) {
        done[operation >> 5]! ^= 1 << (operation & 31);
        const memo = `${done.join(",")}|${model.key(next)}`;
        if (!seen.has(memo)) {
          seen.add(memo);
          stack.push({ call: at, state });
          state = next;
          if (known) remaining--;
          lift(at);
          at = head.next;
          continue;
        }
        done[operation >> 5]! ^= 1 << (operation & 31);
      }
      at = at.next;
      continue;
    }
    // A return before its operation was placed: go back on the last choice.
    const last = stack.pop();
    if (last === undefined) return false;
    state = last.state;
    const { operation, source } = last.call;
    done[operation >> 5]! ^= 1 << (operation & 31);
    if (source.return !== Infinity) remaining++;
    unlift(last.call);
    at = last.call.next;
  }
  return true;
}

/** An operation on a register that holds a number, at first 0. */
export type RegisterInput =
  | { readonly type: "read" }
  | { readonly type: "write"; readonly value: number };

/** A register; a write's output says nothing. */
export const registerModel: Model<number, RegisterInput, number> = {
  initial: 0,
  step(state, input, output, known) {
    if (input.type === "write") return input.value;
    return !known || output === state ? state : null;
  },
  key: (state) => state,
};
