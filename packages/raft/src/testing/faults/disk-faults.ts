import type { Fault } from "./fault.js";
import { startAgain } from "./process-faults.js";

/** The next fsync of a member fails; it is started again after a while, whether or not it stopped. */
export const syncError: Fault = {
  kind: "syncErrorEvery",
  strike(context) {
    const member = context.random.pick(context.group.present);
    member.failNextSync();
    context.later(2_000, () => startAgain(context, member.id));
  },
};

/** A disk is full for a while. A member that finds it so hands leadership over. */
export const diskFull: Fault = {
  kind: "diskFullEvery",
  strike({ group, random, later }) {
    const member = random.pick(group.present);
    member.setDiskFull(true);
    if (group.leader() === member) member.transferLeader(random.pick(group.present).id);
    later(random.between(500, 10_000), () => member.setDiskFull(false));
  },
};

/** Bits of a log change while its member is down. At least a majority of good copies is left. */
export const rot: Fault = {
  kind: "rotEvery",
  strike(context) {
    const { group, random } = context;
    const member = random.pick(group.present);
    if (!group.canLose(member.id)) return;
    group.stop(member);
    member.rot();
    startAgain(context, member.id);
  },
};

/** A member's disk is gone. At least a majority of good copies is left. */
export const wipe: Fault = {
  kind: "wipeEvery",
  strike({ group, random }) {
    const member = random.pick(group.present);
    if (group.canLose(member.id)) group.lose(member);
  },
};
