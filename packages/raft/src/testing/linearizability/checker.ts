import { MemoTable } from "./memo-table.js";

/**
 * One operation as its client saw it. An operation whose result is unknown returns at infinity:
 * it may take effect at any time after its call, or never.
 */
export interface Operation<Input, Output> {
  /** Times in any unit; operations that overlap may take effect in either order. */
  readonly call: number;
  readonly return: number;
  readonly input: Input;
  /** Ignored where `return` is infinity. */
  readonly output: Output;
}

/**
 * What an object does when operations come one at a time. States are values: `step` returns a new
 * one and leaves the old one as it was.
 *
 * @example A counter whose `add` returns what it was before:
 * ```ts
 * const counter: Model<number, { add: number }, number> = {
 *   init: () => 0,
 *   step: (state, { add }, output) =>
 *     output === undefined || output === state ? { state: state + add } : null,
 *   equal: (a, b) => a === b,
 * };
 * isLinearizable(counter, [
 *   { call: 0, return: 9, input: { add: 1 }, output: 1 },
 *   { call: 1, return: 2, input: { add: 1 }, output: 0 },
 * ]); // true: the second took effect first
 * ```
 */
export interface Model<State, Input, Output> {
  init(): State;
  /**
   * The state after an operation, or null when it cannot have this output in this state. `output`
   * is undefined where the result is unknown.
   */
  step(state: State, input: Input, output: Output | undefined): { readonly state: State } | null;
  equal(a: State, b: State): boolean;
  /** Which of many independent objects an operation is on; each is checked by itself. */
  object?(input: Input): string | number;
}

export interface CheckOptions {
  /** Steps of the model until the search is given up. Default 10 million. */
  readonly maxSteps?: number;
}

/** What {@link checkHistory} found. */
export interface Verdict<Input, Output> {
  /** "unknown" when the search was given up. */
  readonly result: "linearizable" | "not-linearizable" | "unknown";
  /** The object that was not linearizable or not decided, where the model has several. */
  readonly object?: string | number;
  /** Its longest order of operations that was found to be possible. */
  readonly longest: readonly Operation<Input, Output>[];
}

const MAX_STEPS = 10_000_000;

/**
 * Looks for an order of all operations that respects real time (one that returned before another
 * was called comes first) and in which every output is right for the model: Wing & Gong's search
 * with Lowe's memo of configurations that were seen. Exponential at worst, and usually near-linear:
 * let the model tell objects apart, and keep the number of operations that overlap small.
 */
export function checkHistory<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  { maxSteps = MAX_STEPS }: CheckOptions = {},
): Verdict<Input, Output> {
  let undecided: Verdict<Input, Output> | null = null;
  for (const [object, operations] of byObject(model, history)) {
    const verdict = new Search(model, operations, maxSteps).run();
    const named = object === null ? verdict : { ...verdict, object };
    if (verdict.result === "not-linearizable") return named;
    if (verdict.result === "unknown") undecided ??= named;
  }
  return undecided ?? { result: "linearizable", longest: [] };
}

/**
 * True when {@link checkHistory} finds the history linearizable; throws a RangeError when it gave up.
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
  history: readonly Operation<Input, Output>[],
  options: CheckOptions = {},
): boolean {
  const { result } = checkHistory(model, history, options);
  if (result === "unknown") throw new RangeError("the history is too wide to be decided");
  return result === "linearizable";
}

function byObject<Input, Output>(
  { object }: Pick<Model<never, Input, Output>, "object">,
  history: readonly Operation<Input, Output>[],
): Map<string | number | null, Operation<Input, Output>[]> {
  const objects = new Map<string | number | null, Operation<Input, Output>[]>();
  for (const operation of history) {
    const key = object?.(operation.input) ?? null;
    const operations = objects.get(key);
    if (operations === undefined) objects.set(key, [operation]);
    else operations.push(operation);
  }
  return objects;
}

/** A call or a return, linked to those before and after it. */
interface Event<Input, Output> {
  readonly operation: number;
  readonly time: number;
  readonly source: Operation<Input, Output>;
  /** Of a call, its return; null marks a return. */
  readonly match: Event<Input, Output> | null;
  previous: Event<Input, Output> | null;
  next: Event<Input, Output> | null;
}

/** Depth-first: takes calls into the order one by one, and goes back where a return is reached. */
class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #maxSteps: number;
  readonly #memo: MemoTable<State>;
  readonly #head: Event<Input, Output> | null;
  readonly #stack: { call: Event<Input, Output>; state: State }[] = [];
  #remaining: number;
  #longest: Operation<Input, Output>[] = [];

  constructor(
    model: Model<State, Input, Output>,
    operations: readonly Operation<Input, Output>[],
    maxSteps: number,
  ) {
    this.#model = model;
    this.#maxSteps = maxSteps;
    this.#memo = new MemoTable(operations.length, model.equal);
    this.#head = link(operations);
    this.#remaining = operations.filter((operation) => operation.return !== Infinity).length;
  }

  run(): Verdict<Input, Output> {
    let state = this.#model.init();
    let at = this.#head?.next ?? null;
    for (let steps = 0; this.#remaining > 0; ) {
      if (at !== null && at.match !== null) {
        if (++steps > this.#maxSteps) return { result: "unknown", longest: this.#order() };
        const next = this.#take(at, state);
        if (next === null) {
          at = at.next;
        } else {
          state = next.state;
          at = this.#head!.next;
        }
        continue;
      }
      // A return before its operation has its place: go back on the last choice.
      const last = this.#giveBack();
      if (last === null) return { result: "not-linearizable", longest: this.#longest };
      state = last.state;
      at = last.call.next;
    }
    return { result: "linearizable", longest: this.#order() };
  }

  /** Gives a call the next place in the order, unless that is impossible or was tried. */
  #take(call: Event<Input, Output>, state: State): { readonly state: State } | null {
    const { source, operation } = call;
    const known = source.return !== Infinity;
    const next = this.#model.step(state, source.input, known ? source.output : undefined);
    if (next === null || !this.#memo.enter(operation, next.state)) return null;
    this.#stack.push({ call, state });
    if (known) this.#remaining--;
    lift(call);
    return next;
  }

  #giveBack(): { call: Event<Input, Output>; state: State } | null {
    if (this.#stack.length > this.#longest.length) this.#longest = this.#order();
    const last = this.#stack.pop();
    if (last === undefined) return null;
    this.#memo.leave(last.call.operation);
    if (last.call.source.return !== Infinity) this.#remaining++;
    unlift(last.call);
    return last;
  }

  #order(): Operation<Input, Output>[] {
    return this.#stack.map(({ call }) => call.source);
  }
}

/** The calls and returns in their order, after a head. */
function link<Input, Output>(
  operations: readonly Operation<Input, Output>[],
): Event<Input, Output> | null {
  const events: Event<Input, Output>[] = [];
  for (const [operation, source] of operations.entries()) {
    const base = { operation, source, previous: null, next: null };
    const end = { ...base, time: source.return, match: null };
    events.push({ ...base, time: source.call, match: end }, end);
  }
  if (events.length === 0) return null;
  // At one time calls come first: such operations count as overlapping.
  events.sort((a, b) => a.time - b.time || Number(b.match !== null) - Number(a.match !== null));
  const head = { ...events[0]!, match: null, previous: null };
  let last: Event<Input, Output> = head;
  for (const event of events) {
    event.previous = last;
    last.next = event;
    last = event;
  }
  return head;
}

function lift<Input, Output>(call: Event<Input, Output>): void {
  unlink(call);
  unlink(call.match!);
}

function unlink<Input, Output>(event: Event<Input, Output>): void {
  event.previous!.next = event.next;
  if (event.next !== null) event.next.previous = event.previous;
}

/** Puts back what was lifted last. */
function unlift<Input, Output>(call: Event<Input, Output>): void {
  relink(call.match!);
  relink(call);
}

function relink<Input, Output>(event: Event<Input, Output>): void {
  event.previous!.next = event;
  if (event.next !== null) event.next.previous = event;
}
