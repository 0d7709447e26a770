import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { PruneError } from '../errors';

/** Node reads and writes less than 2 GiB in one call. */
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
    throw new PruneError('file', `Cannot read the file '${path}': ${reasonOf(cause)}.`, {
      given: path,
      cause,
    });
  }
}

/**
 * Writes a file to disk: first under another name beside it, then under its own, so that no part of it is ever taken for
 * the whole.
 *
 * @param path The file's path. What is there is replaced.
 * @param pieces What to write; each is written before the next is asked for.
 * @throws {@link PruneError} `file` if it cannot be written. What was there is then still there, and nothing else.
 */
export async function writeBytes(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      for (const piece of pieces) await writeWhole(file, piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    // Why the file could not be written matters more than that nothing is left to remove.
    await rm(temporary, { force: true }).catch(() => {});
    throw new PruneError('file', `Cannot write the file '${path}': ${reasonOf(cause)}.`, {
      given: path,
      cause,
    });
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const length = Math.min(bytes.length - written, MOST_AT_A_TIME);
    written += (await file.write(bytes, written, length)).bytesWritten;
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
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
