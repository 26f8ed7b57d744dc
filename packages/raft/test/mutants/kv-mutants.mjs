// Bugs of what stands on the log: the key-value store.

export const kvMutants = [
  {
    name: "a deposed leader's expiry revokes a lease (etcd #12528, #15247)",
    file: "kv/src/store/apply.ts",
    find: 'if (command.term !== undefined && command.term !== term) throw new KvError("leader-changed");',
    replace: "",
    by: "kv/src/store/mvcc-store.test.ts",
    test: "are not revoked by a leader that was deposed meanwhile",
  },
  {
    name: "an expiry is proposed by whoever, in whatever term (etcd #12528, #15247)",
    file: "kv/src/member/expiry.ts",
    find: '{ type: "lease-revoke", id, term }, { onlyAsLeader: true, term }',
    replace: '{ type: "lease-revoke", id }, {}',
    by: "kv/test/mutants-lease-expiry.test.ts",
    test: "is proposed under the term in which it was found",
  },
  {
    name: "a snapshot holds data from after its applied index (etcd 3.5's inconsistency)",
    file: "kv/src/store/mvcc-store.ts",
    find: "const moment = {\n      revision: this.revision,",
    replace: "const moment = {\n      get revision() { return keyspace.revision; },",
    by: "kv/test/store/store.property.test.ts",
    test: "shows the moment it was taken",
  },
  {
    name: "a restored store does not know its applied index (etcd 3.5's inconsistency)",
    file: "kv/src/store/mvcc-store.ts",
    find: "this.#appliedIndex = at.index;",
    replace: "",
    by: "kv/test/store/store.property.test.ts",
    test: "restores to the same state",
  },
  {
    name: "a lock's holder writes on after its lease ended (Jepsen: etcd 3.4.3)",
    file: "kv/src/store/compare.ts",
    find: "(exists ? table.create(row) : 0)",
    replace: "(exists ? table.create(row) : compare.revision)",
    by: "kv/test/mutants-fencing.test.ts",
    test: "is fenced off",
  },
];
