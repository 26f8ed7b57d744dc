import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Configuration,
  enterJoint,
  leaveJoint,
  simple,
} from "../../src/core/conf-change/changer.js";
import { restoreConfiguration } from "../../src/core/conf-change/restore.js";
import { confStateOf, EMPTY_MEMBERSHIP } from "../../src/core/tracker/tracker.js";
import { type ConfChangeSingle, ConfChangeType, RaftError } from "../../src/index.js";

const defaults = { lastIndex: 10, maxInflightMsgs: 4, maxInflightBytes: 1000 };
const id = fc.integer({ min: 1, max: 7 });
const single = fc.record({ type: fc.constantFrom(...Object.values(ConfChangeType)), nodeId: id });
const singles = fc.array(single, { maxLength: 6 });
const first = fc.uniqueArray(id, { minLength: 1, maxLength: 5 });

function found(voters: readonly number[]): Configuration {
  let configuration: Configuration = { membership: EMPTY_MEMBERSHIP, progress: new Map() };
  for (const nodeId of voters) {
    configuration = simple(configuration, [{ type: ConfChangeType.AddNode, nodeId }], defaults);
  }
  return configuration;
}

/** What a configuration says, without what its progress holds. */
function describeAll({ membership, progress }: Configuration) {
  const members = [...progress].map(([member, pr]) => [member, pr.isLearner, pr.next]);
  return { membership, members: members.sort((a, b) => Number(a[0]) - Number(b[0])) };
}

/** One change after the other; null when a step is refused. */
function oneByOne(base: Configuration, changes: readonly ConfChangeSingle[]): Configuration | null {
  try {
    return changes.reduce((one, change) => simple(one, [change], defaults), base);
  } catch (error) {
    expect(RaftError.is(error)).toBe(true);
    return null;
  }
}

describe("configuration changes", () => {
  it("by way of a joint configuration end where the same changes one by one end", () => {
    fc.assert(
      fc.property(first, singles, fc.boolean(), (voters, changes, autoLeave) => {
        const base = found(voters);
        const slow = oneByOne(base, changes);
        fc.pre(slow !== null);
        const joint = enterJoint(base, autoLeave, changes, defaults);
        expect(joint.membership.outgoing).toEqual(base.membership.incoming);
        expect(joint.membership.autoLeave).toBe(autoLeave);
        expect(describeAll(leaveJoint(joint))).toEqual(describeAll(slow!));
        // The base is as it was.
        expect(base.membership.incoming).toEqual([...voters].sort((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });

  it("are restored from what a snapshot says of them, joint or not", () => {
    fc.assert(
      fc.property(first, singles, singles, (voters, before, changes) => {
        let configuration = oneByOne(found(voters), before) ?? found(voters);
        for (const step of [enterJoint, null]) {
          if (step !== null) {
            try {
              configuration = step(configuration, true, changes, defaults);
            } catch {
              return;
            }
          } else {
            configuration = leaveJoint(configuration);
          }
          const confState = confStateOf(configuration.membership);
          const restored = restoreConfiguration(confState, defaults);
          expect(describeAll(restored)).toEqual(describeAll(configuration));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("leave the configuration alone, or refuse, but never contradict themselves", () => {
    fc.assert(
      fc.property(first, fc.array(singles, { maxLength: 6 }), (voters, batches) => {
        let configuration = found(voters);
        batches.forEach((changes, i) => {
          try {
            const joint = configuration.membership.outgoing.length > 0;
            if (joint) configuration = leaveJoint(configuration);
            else if (i % 2 === 0) configuration = simple(configuration, changes, defaults);
            else configuration = enterJoint(configuration, false, changes, defaults);
          } catch (error) {
            if (!RaftError.is(error)) throw error;
          }
          const { incoming, outgoing, learners, learnersNext } = configuration.membership;
          expect(incoming.length).toBeGreaterThan(0);
          const all = new Set([...incoming, ...outgoing, ...learners]);
          expect([...configuration.progress.keys()].sort()).toEqual([...all].sort());
          for (const learner of learners) {
            expect(incoming.includes(learner) || outgoing.includes(learner)).toBe(false);
          }
          for (const next of learnersNext) expect(outgoing).toContain(next);
        });
      }),
      { numRuns: 500 },
    );
  });
});
