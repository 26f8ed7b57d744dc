// Bugs of the algorithm, as one change to the core each.

export const coreMutants = [
  {
    name: "a configuration change before the term's first commit (dissertation errata)",
    file: "raft/src/core/raft.ts",
    find: "this.pendingConfIndex = this.log.lastIndex();",
    replace: "this.pendingConfIndex = 0;",
    by: "raft/test/core/replication.test.ts",
  },
  {
    name: "ReadIndex before the term's first commit (etcd #7331, TiKV #9351)",
    file: "raft/src/core/reads/reads.ts",
    find: "if (!raft.committedInCurrentTerm) {\n    raft.pendingReads",
    replace: "if (raft.term < 0) {\n    raft.pendingReads",
    by: "sim",
  },
  {
    name: "reads confirmed by heartbeats from before them (etcd #20418, raft #397)",
    file: "raft/src/core/reads/read-only.ts",
    find: "Math.max(this.#ackOf(from), decodeToken(token))",
    replace: "this.#confirmed + this.#unconfirmed.length",
    by: "sim",
  },
  {
    name: "a removed leader with one voter left answers reads alone",
    file: "raft/src/core/reads/reads.ts",
    find: "raft.tracker.singleton && raft.tracker.membership.incoming[0] === raft.id",
    replace: "raft.tracker.singleton",
    by: "sim",
  },
  {
    name: "a leader counts its entries before they are durable (etcd #14370)",
    file: "raft/src/core/raft.ts",
    find: "this.send(ack);",
    replace:
      "this.tracker.get(this.id)?.maybeUpdate(ack.index); this.maybeCommit(); this.send(ack);",
    by: "sim",
  },
  {
    name: "an acknowledgement of storage without its term (ABA race)",
    file: "raft/src/core/ready/storage-messages.ts",
    find: "message.term = raft.term;",
    replace: "message.term = 0;",
    by: "conformance",
  },
  {
    name: "a learner that is asked does not vote",
    file: "raft/src/core/step/step.ts",
    find: "const canVote =\n    raft.vote === m.from ||",
    replace:
      "const canVote = raft.tracker.get(raft.id)?.isLearner !== true && (\n    raft.vote === m.from) ||",
    also: [
      {
        find: "(raft.vote === NONE && raft.lead === NONE) ||",
        replace:
          "(raft.tracker.get(raft.id)?.isLearner !== true && raft.vote === NONE && raft.lead === NONE) ||",
      },
    ],
    by: "conformance",
  },
  {
    name: "half of the voters are a quorum (openraft #1802)",
    file: "raft/src/core/quorum/majority.ts",
    find: "scratch[count - (Math.floor(count / 2) + 1)]",
    replace: "scratch[count - Math.max(1, Math.floor(count / 2))]",
    by: "sim",
  },
  {
    name: "an append truncates without a conflict",
    file: "raft/src/core/log/log.ts",
    find: "const at = this.#findConflict(entries);",
    replace: "const at = entries.length > 0 ? 0 : -1;",
    by: "raft/test/core/replication.test.ts",
  },
  {
    name: "a stale snapshot is taken over (etcd #18055)",
    file: "raft/src/core/conf-change/membership.ts",
    find: "if (index <= raft.log.committed) return false;",
    replace: "",
    also: [{ find: "if (raft.log.matches(index, term)) {", replace: "if (raft.term < 0) {" }],
    by: "sim",
  },
  {
    name: "an entry of an earlier term is committed by counting (paper, figure 8)",
    file: "raft/src/core/log/log.ts",
    find: "if (term === 0 || index <= this.committed || !this.matches(index, term)) return false;",
    replace: "if (term === 0 || index <= this.committed) return false;",
    by: "raft/test/core/replication.test.ts",
  },
  {
    name: "votes leave before they are durable",
    file: "raft/src/core/raft.ts",
    find: "type === MessageType.AppResp ||\n      type === MessageType.VoteResp ||\n      type === MessageType.PreVoteResp\n    ) {\n      this.messagesAfterAppend",
    replace:
      "type === MessageType.AppResp ||\n      (type === MessageType.VoteResp && message.to === this.id) ||\n      type === MessageType.PreVoteResp\n    ) {\n      this.messagesAfterAppend",
    by: "sim",
  },
  {
    name: "two votes in a term",
    file: "raft/src/core/step/step.ts",
    find: "(raft.vote === NONE && raft.lead === NONE) ||",
    replace: "raft.lead === NONE ||",
    by: "sim",
  },
  {
    name: "a candidate with a shorter log is elected (paper, 5.4.1)",
    file: "raft/src/core/log/log.ts",
    find: "term > lastTerm || (term === lastTerm && index >= this.lastIndex())",
    replace: "term >= lastTerm",
    by: "sim",
  },
  {
    name: "a heartbeat commits what the follower may not hold",
    file: "raft/src/core/replication/send.ts",
    find: "message.commit = Math.min(progress.match, raft.log.committed);",
    replace: "message.commit = raft.log.committed;",
    by: "sim",
  },
  {
    name: "a change of the configuration is applied again over a newer snapshot",
    file: "raft/src/core/conf-change/membership.ts",
    find: "if (index > raft.restoredIndex) switchTo",
    replace: "switchTo",
    by: "raft/test/core/replication.test.ts",
  },
  {
    name: "a joint configuration decides by its new half alone",
    file: "raft/src/core/quorum/joint.ts",
    find: "Math.min(majorityIndex(incoming, acked), majorityIndex(outgoing, acked))",
    replace: "majorityIndex(incoming, acked)",
    by: "sim",
  },
  {
    name: "vote requests unseat a leader in spite of checkQuorum (Cloudflare, 2020-11-02)",
    file: "raft/src/core/step/step.ts",
    find: "if (inLease && !isTransfer(m.context)) return false;",
    replace: "",
    by: "conformance",
  },
];
