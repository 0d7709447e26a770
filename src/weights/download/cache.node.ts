import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { PruneError } from '../../errors';
import type { FileCache, PartialFile, Pieces } from './file-cache';

/** How much of a file is read at a time. */
const PIECE = 2 ** 22;
const ENDING = '.partial';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A partial file that some download has left, or is still at. */
interface Leftover {
  readonly path: string;
  readonly size: number;
}

/**
 * The folder in which torch keeps downloaded weights, by the rules of `torch.hub.get_dir`.
 *
 * @returns Its absolute path.
 */
export function torchCheckpoints(): string {
  // Set to nothing counts as not set.
  const { TORCH_HOME, XDG_CACHE_HOME } = process.env;
  const home = TORCH_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'torch');
  return resolve(home.replace(/^~(?=$|[/\\])/, homedir()), 'hub', 'checkpoints');
}

/**
 * A folder as a cache.
 *
 * @param folder The folder; torch's own by default. It is made when the first file is written.
 * @returns The cache. Its errors are {@link PruneError}s of the kind `file`.
 */
export async function openCache(folder: string = torchCheckpoints()): Promise<FileCache> {
  const pathOf = (name: string): string => resolve(folder, name);
  const wrapped = <T>(step: Promise<T>): Promise<T> =>
    step.catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message =
        `The cache folder '${resolve(folder)}' cannot be used: ${reason}. ` +
        'Pass { cache: FOLDER } for another folder, or { cache: false } to keep no files.';
      throw new PruneError('file', message, { given: folder, cause });
    });
  return {
    place: (name) => `'${pathOf(name)}'`,
    byHand: (name) => `You can get the file elsewhere and put it there by hand: '${pathOf(name)}'.`,
    async read(name) {
      const size = await wrapped(sizeOf(pathOf(name)));
      return size === undefined ? undefined : piecesOf(pathOf(name), size);
    },
    async begin(name, resume) {
      await wrapped(mkdir(folder, { recursive: true }));
      const partial = await wrapped(beginPartialFile(folder, name, resume));
      return {
        leftover: partial.leftover,
        append: (bytes) => wrapped(partial.append(bytes)),
        restart: () => wrapped(partial.restart()),
        commit: (bytes) => wrapped(partial.commit(bytes)),
        leave: (keep) => wrapped(partial.leave(keep)),
      } satisfies PartialFile;
    },
  };
}

/**
 * Starts a partial file in a folder that exists. It is this download's own: no other writes to it. One that is left over
 * is only read, and may be deleted at any time, even from under a download that is still at it: that one has all bytes
 * in memory.
 */
async function beginPartialFile(folder: string, name: string, resume: boolean): Promise<PartialFile> {
  const leftover = resume ? (await leftovers(folder, name)).at(0) : undefined;
  const place = join(folder, name);
  let own = uniquePath(place);
  const file = await open(own, 'ax');
  return {
    leftover: leftover && piecesOf(leftover.path, leftover.size),
    append: (bytes) => file.appendFile(bytes),
    async restart() {
      await file.truncate();
      if (leftover !== undefined) await remove([leftover]);
    },
    async commit(bytes) {
      await file.sync();
      await file.close();
      while (!(await renamed(own, place)) && (await sizeOf(place)) !== bytes.length) {
        own = uniquePath(place);
        await writeFile(own, bytes, { flush: true });
      }
      await remove(await leftovers(folder, name));
    },
    async leave(keep) {
      await file.close();
      if (!keep) await rm(own, { force: true });
      const all = await leftovers(folder, name);
      await remove(all.filter(({ size }, index) => index > 0 || size === 0));
    },
  };
}

/** False if there is nothing to rename, because another download of the same file has cleaned up. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function uniquePath(place: string): string {
  return `${place}.${randomUUID()}${ENDING}`;
}

/** The partial files of a name, the longest first. */
async function leftovers(folder: string, name: string): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(`${name}.`) || !entry.endsWith(ENDING)) continue;
    if (!UUID.test(entry.slice(name.length + 1, -ENDING.length))) continue;
    const path = join(folder, entry);
    const stats = await statsOf(path);
    if (stats?.isFile()) found.push({ path, size: stats.size });
  }
  return found.sort((a, b) => b.size - a.size);
}

/** Deletes what it can; the rest goes another time. */
async function remove(files: readonly Leftover[]): Promise<void> {
  for (const { path } of files) await rm(path, { force: true }).catch(() => {});
}

/** How long a file is in bytes; undefined if there is no such file. To open a pipe would be to wait for another program. */
async function sizeOf(path: string): Promise<number | undefined> {
  const stats = await statsOf(path);
  if (stats !== undefined && !stats.isFile()) throw new Error(`'${path}' is not a file`);
  return stats?.size;
}

async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** The bytes of a file, all in the same buffer, and fewer of them if the file has become shorter or is gone. */
function piecesOf(path: string, size: number): Pieces {
  return { size, pieces: readPieces(path, size) };
}

async function* readPieces(path: string, size: number): Pieces['pieces'] {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const buffer = new Uint8Array(Math.min(PIECE, size));
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE, size - at), at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (cause) {
    if (isMissing(cause)) return;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PruneError('file', `Cannot read the file '${path}': ${reason}.`, { given: path, cause });
  } finally {
    await file?.close();
  }
}
