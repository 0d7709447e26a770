import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 as inBrowser } from '../../../../src/weights/download/sha256.browser';
import { sha256 as inNode } from '../../../../src/weights/download/sha256.node';
import { softwareSha256 } from '../../../../src/weights/download/sha256-software';

describe.each([
  { name: 'in Node', digest: inNode },
  { name: 'by WebCrypto', digest: inBrowser },
  { name: 'in JavaScript', digest: softwareSha256 },
])('SHA-256 $name', ({ digest }) => {
  // FIPS 180-4's own examples.
  it.each([
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ])("of '%s'", async (text, expected) => {
    expect(await digest(new TextEncoder().encode(text))).toBe(expected);
  });

  it("is OpenSSL's for bytes of any length", async () => {
    const lengths = fc.uint8Array({ maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(lengths, async (bytes) => {
        expect(await digest(Uint8Array.from(bytes))).toBe(createHash('sha256').update(bytes).digest('hex'));
      }),
    );
  });
});
