import { createHash } from 'node:crypto';

/** A digest takes less than 2 GiB in one call. */
const MOST_AT_A_TIME = 2 ** 30;

/**
 * The SHA-256 of some bytes, without a copy of them.
 *
 * @param bytes What to digest.
 * @returns 64 hexadecimal digits in lower case.
 */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += MOST_AT_A_TIME) {
    hash.update(bytes.subarray(at, at + MOST_AT_A_TIME));
  }
  return hash.digest('hex');
}
