import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { PruneError } from '../errors';

/** Node reads and writes less than 2 GiB in one call. */
const MOST_AT_A_TIME = 2 ** 30;
/** To open a pipe that nothing writes to must not wait for something to do so. Windows has no such flag. */
const READ: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads a file from disk.
 *
 * @param path The file's path.
 * @returns The file's bytes, in a buffer of their own.
 * @throws {@link PruneError} `file` if there is no such file or it cannot be read, such as a folder or a pipe.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, READ);
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
 * @param path The file's path. What is there is replaced, and its permissions kept; of a link, what it leads to.
 * @param pieces What to write; each is written before the next is asked for.
 * @throws {@link PruneError} `file` if it cannot be written. What was there is then still there, and nothing else.
 */
export async function writeBytes(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  let temporary: string | undefined;
  try {
    const { place, mode } = await placeOf(path);
    temporary = `${place}.${crypto.randomUUID()}.tmp`;
    const file = await open(temporary, 'wx');
    try {
      if (mode !== undefined) await file.chmod(mode);
      for (const piece of pieces) await writeWhole(file, piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, place);
  } catch (cause) {
    // Why the file could not be written matters more than that nothing is left to remove.
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {});
    throw new PruneError('file', `Cannot write the file '${path}': ${reasonOf(cause)}.`, {
      given: path,
      cause,
    });
  }
}

/** Where a path leads, and what a file there may be used for. To rename onto a pipe or a device would be its end. */
async function placeOf(path: string): Promise<{ place: string; mode?: number }> {
  let stats: Stats;
  try {
    stats = await stat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { place: path };
    throw error;
  }
  checkRegular(stats, 'createWriteStream');
  return { place: await realpath(path), mode: stats.mode & 0o777 };
}

function checkRegular(stats: Stats, stream: string): void {
  if (stats.isFile()) return;
  throw new Error(
    stats.isDirectory() ? 'it is a folder' : `it is a pipe or a device: pass fs.${stream}(path) instead`,
  );
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
  const stats = await file.stat();
  checkRegular(stats, 'createReadStream');
  const { size } = stats;
  const bytes = new Uint8Array(size);
  for (let filled = 0; filled < size; ) {
    const { bytesRead } = await file.read(bytes, filled, Math.min(size - filled, MOST_AT_A_TIME), filled);
    if (bytesRead === 0) throw new Error(`it ended after ${filled} of ${size} bytes`);
    filled += bytesRead;
  }
  return bytes;
}
