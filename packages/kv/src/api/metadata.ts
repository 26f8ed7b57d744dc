/** Headers of calls beside etcd's messages. */

/** "true" from callers that want to be refused while the member knows no leader. */
export const HAS_LEADER = "hasleader";
/** On requests that a member passes on to the leader: they are not passed on again. */
export const FORWARDED = "x-flotilla-forwarded";
