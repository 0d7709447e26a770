import { sha256 } from '#sha256';
import type { Wanted } from './remote-file';

/**
 * Compares the digest of some bytes with the one wanted.
 *
 * @param wanted The file; without a digest, all bytes will do.
 * @param bytes The bytes.
 * @returns Their SHA-256 if it is not the one wanted, else undefined.
 */
export async function wrongDigest(
  { sha256: expected }: Wanted,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  if (expected === undefined) return undefined;
  const digest = await sha256(bytes);
  return digest.startsWith(expected) ? undefined : digest;
}
