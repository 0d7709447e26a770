import { openCache } from '#cache';
import { checkOptions } from '../../core/options';
import { isPruneError } from '../../errors';
import { type FileCache, type Pieces, WITHOUT_A_PLACE } from './file-cache';
import { wrongDigest } from './integrity';
import { PACE, type Pace } from './pace';
import { Received } from './received';
import {
  checkDownloadOptions,
  checkRemoteFile,
  type DownloadOptions,
  type RemoteFile,
  type Wanted,
} from './remote-file';
import { transfer } from './transfer';

/**
 * Gets a file from the cache, or else from its host and into the cache.
 *
 * @param file Where the file is, and what is known of it.
 * @param options The progress, the signal and the cache.
 * @param pace How patient to be; for tests, which have no time.
 * @returns The file's bytes, in a buffer of their own.
 * @throws {@link PruneError} as `download` does; the signal's reason.
 */
export async function fetchFile(
  file: RemoteFile,
  options: DownloadOptions = {},
  pace: Pace = PACE,
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions(file, ['url', 'name', 'sha256', 'size']);
  checkOptions(options, ['onProgress', 'signal', 'cache']);
  const wanted = await checkRemoteFile(file);
  checkDownloadOptions(options);
  const { onProgress, signal, cache } = options;
  signal?.throwIfAborted();
  const files = cache === false ? undefined : await openCache(cache);
  const cached = files && (await readCached(files, wanted, signal));
  const bytes = cached ?? (await fetchNew(files, wanted, options, pace));
  signal?.throwIfAborted();
  onProgress?.(1);
  return bytes;
}

/** The file in the cache, if it is there and the one wanted. */
async function readCached(
  files: FileCache,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const found = await files.read(wanted.name);
  if (found === undefined) return undefined;
  const received = new Received(wanted);
  const wrong =
    found.size === (wanted.size ?? found.size)
      ? await readWrong(received, found, wanted, signal)
      : `has ${found.size} bytes instead of ${wanted.size}`;
  if (wrong === undefined) return received.whole();
  console.warn(`tfjs-prune: ${files.place(wanted.name)} ${wrong}. It is downloaded again.`);
  return undefined;
}

/** Reads a file from the cache, and says what is wrong with it. */
async function readWrong(
  received: Received,
  found: Pieces,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  received.announce(found.size);
  if (!(await appendAll(received, found, signal))) return `goes on after its ${found.size} bytes`;
  if (received.length !== found.size) return `ended after ${received.length} of ${found.size} bytes`;
  const digest = await wrongDigest(wanted, received.whole());
  return digest && `has the SHA-256 ${digest}, which should start with ${wanted.sha256}`;
}

/** Goes on with what a cache has, and says whether that was no more than it should be. */
async function appendAll(
  received: Received,
  { size, pieces }: Pieces,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    if (received.length + piece.length > size) return false;
    await received.append(piece);
  }
  return true;
}

async function fetchNew(
  files: FileCache | undefined,
  wanted: Wanted,
  { onProgress, signal }: DownloadOptions,
  pace: Pace,
): Promise<Uint8Array<ArrayBuffer>> {
  onProgress?.(0);
  // Parts that different downloads got can only be joined if a digest shows whether they belong together.
  const resumable = wanted.sha256 !== undefined;
  const partial = await files?.begin(wanted.name, resumable);
  try {
    const received = new Received(wanted, partial);
    const leftover = partial?.leftover;
    if (leftover && leftover.size <= (wanted.size ?? leftover.size)) {
      await appendAll(received, leftover, signal);
    }
    const onPiece = onProgress ? reporter(received, onProgress) : () => {};
    const byHand = files?.byHand(wanted.name) ?? WITHOUT_A_PLACE;
    await transfer(wanted, received, { signal, pace, onPiece, byHand });
    const bytes = received.whole();
    await partial?.commit(bytes);
    return bytes;
  } catch (error) {
    const sound = !isPruneError(error) || error.kind === 'network';
    // The error that led here says more than one from tidying up.
    await partial?.leave(resumable && sound).catch(() => {});
    throw error;
  }
}

/** Tells the fraction received: never less than before, and not 1 before all is checked. */
function reporter(received: Received, onProgress: (fraction: number) => void): () => void {
  let most = 0;
  return () => {
    const fraction = received.length / (received.total ?? Number.POSITIVE_INFINITY);
    if (fraction <= most || fraction >= 1) return;
    most = fraction;
    onProgress(fraction);
  };
}
