import type { Random } from "../random.js";

/** What a disk writes as a whole or not at all. */
const SECTOR = 512;

/** A write of `bytes[from, to)` ended after `kept` bytes: the rest is as it was before, zeros. */
export function cutShort(bytes: Uint8Array, from: number, to: number, kept: number): void {
  bytes.fill(0, from + kept, to);
}

/**
 * Of what was written to `bytes[from, to)`, which begins with a sector, each sector is lost or not,
 * in no order. True when some are lost.
 */
export function loseSectors(bytes: Uint8Array, from: number, to: number, random: Random): boolean {
  const share = random.pick([0.1, 0.5, 0.9]);
  let lost = false;
  for (let at = from; at < to; at += SECTOR) {
    if (!random.chance(share)) continue;
    bytes.fill(0, at, Math.min(to, at + SECTOR));
    lost = true;
  }
  return lost;
}

/** Changes up to three bits of `bytes[0, end)`, or all of one sector that lies in it. */
export function rotBits(bytes: Uint8Array, end: number, random: Random): void {
  const sectors = Math.floor(end / SECTOR);
  if (sectors > 0 && random.chance(0.3)) {
    const at = random.int(sectors) * SECTOR;
    const garbage = random.chance(0.5);
    for (let i = at; i < at + SECTOR; i++) bytes[i] = garbage ? random.int(256) : 0;
    return;
  }
  for (let i = random.between(1, 3); i > 0; i--) {
    const at = random.int(end);
    bytes[at] = bytes[at]! ^ (1 << random.int(8));
  }
}
