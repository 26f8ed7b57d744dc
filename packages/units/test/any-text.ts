import fc from "fast-check";

/**
 * Strings of any code points, half of them ASCII. fast-check's own "binary" strings cost more than a
 * second to set up, several when the machine is busy.
 */
export function anyText(lengthMax: number): fc.Arbitrary<string> {
  const character = fc
    .oneof(fc.nat(0x7f), fc.nat(0x10ffff))
    .map((code) => String.fromCodePoint(code));
  return fc.array(character, { maxLength: lengthMax }).map((characters) => characters.join(""));
}
