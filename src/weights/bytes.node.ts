import { type FileHandle, open } from 'node:fs/promises';
import { PruneError } from '../errors';

/** Node reads less than 2 GiB in one call. */
const MOST_AT_A_TIME = 2 ** 30;

/**
 * Reads a file from disk.
 *
 * @param path The file's path.
 * @returns The file's bytes, in a buffer of their own.
 * @throws {@link PruneError} `file` if there is no such file or it cannot be read.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      return await readWhole(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PruneError('file', `Cannot read the file '${path}': ${reason}.`, { given: path, cause });
  }
}

/** One buffer of the right size from the start: readFile grows and joins pieces, and may return a shared pool. */
async function readWhole(file: FileHandle): Promise<Uint8Array> {
  const { size } = await file.stat();
  const bytes = new Uint8Array(size);
  for (let filled = 0; filled < size; ) {
    const { bytesRead } = await file.read(bytes, filled, Math.min(size - filled, MOST_AT_A_TIME), filled);
    if (bytesRead === 0) throw new Error(`it ended after ${filled} of ${size} bytes`);
    filled += bytesRead;
  }
  return bytes;
}
