import { softwareSha256 } from './sha256-software';

/**
 * The SHA-256 of some bytes: by WebCrypto, or in JavaScript on a page that is not served securely, where there is none.
 *
 * @param bytes What to digest.
 * @returns 64 hexadecimal digits in lower case.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Typed as if it were always there.
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle === undefined) return softwareSha256(bytes);
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
