import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { integer, oid, sequence, time } from "./der.js";
import { revokedSerials } from "./revocation.js";

const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
const revoked = (...serials: number[][]): Buffer =>
  sequence(...serials.map((serial) => sequence(integer(Buffer.from(serial)), time(new Date()))));
const list = (entries: Buffer): Buffer =>
  sequence(
    sequence(
      integer(Buffer.from([1])),
      algorithm,
      sequence(),
      time(new Date(0)),
      time(new Date(1)),
      entries,
    ),
    algorithm,
  );

test("every serial number that is revoked, of DER and of PEM, past its date", () => {
  const der = list(revoked([0x0a, 0xbc], [0xff, 1]));
  const expected = new Set(["0ABC", "FF01"]);
  expect(revokedSerials(der)).toEqual(expected);
  const pem = `-----BEGIN X509 CRL-----\n${der.toString("base64")}\n-----END X509 CRL-----\n`;
  expect(revokedSerials(Buffer.from(pem))).toEqual(expected);
});

test("a list that revokes nothing, and what is none", () => {
  expect(revokedSerials(list(sequence())).size).toBe(0);
  expect(() => revokedSerials(Buffer.from("hello there"))).toThrow(RangeError);
  expect(() => revokedSerials(list(revoked([1])).subarray(0, 20))).toThrow(RangeError);
});
