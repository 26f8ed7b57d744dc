export { campaign, Leadership, leaderOf, observe } from "./election.js";
export { acquireLock, Lock } from "./lock.js";
export { openSession, Session, type SessionOptions } from "./session.js";
export {
  Condition,
  condition,
  type Operation,
  type Outcome,
  put,
  type ResultsOf,
  range,
  remove,
  TransactionBuilder,
  transaction,
} from "./transaction.js";
