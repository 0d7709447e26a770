import { PruneError } from '../errors';
import { isLegacy } from './pth/legacy-contents';

const ZIP = [0x50, 0x4b, 0x03, 0x04];
const BRACE = 0x7b;
/** Where the JSON of a safetensors file starts, after its length. */
const HEADER = 8;
/** What Git has in place of a large file that it has not fetched. */
const LFS_POINTER = 'version https://git-lfs';
const LONGEST_START = 64;

/**
 * Whether a file is one that torch wrote: a zip, or torch's pickles.
 *
 * @param bytes The file.
 * @returns True if it begins as such files do.
 */
export function isPth(bytes: Uint8Array): boolean {
  return ZIP.every((byte, i) => bytes[i] === byte) || isLegacy(bytes);
}

const NAMES = { pth: 'a .pth file', safetensors: 'a safetensors file' } as const;

/**
 * Reads a file's bytes, so that errors say which file it is, and what it looks like instead.
 *
 * @param format What it is read as.
 * @param bytes The file.
 * @param label What to call it in messages.
 * @param read Reads it.
 * @returns What it reads.
 * @throws {@link PruneError} `file` where it throws a PruneError.
 */
export function readAs<T>(
  format: keyof typeof NAMES,
  bytes: Uint8Array,
  label: string,
  read: (bytes: Uint8Array) => T,
): T {
  try {
    return read(bytes);
  } catch (cause) {
    if (!(cause instanceof PruneError)) throw cause;
    const message = `Cannot read ${label} as ${NAMES[format]}: ${cause.message}.${lookalike(bytes, format)}`;
    throw new PruneError('file', message, { given: cause.given, cause });
  }
}

/**
 * What a file looks like that could not be read, for those who took it for another.
 *
 * @param bytes The file.
 * @param format What it was read as.
 * @returns A sentence with a space before it, and what to do; nothing if the file is of that format, or of none that is known.
 */
function lookalike(bytes: Uint8Array, format: 'pth' | 'safetensors'): string {
  if (isPth(bytes)) return format === 'pth' ? '' : ' It looks like a .pth file: read it with readPth.';
  const start = new TextDecoder().decode(bytes.subarray(0, LONGEST_START)).trimStart();
  if (start.startsWith(LFS_POINTER))
    return ' It is only a pointer of Git LFS: get the file with git lfs pull.';
  if (start.startsWith('<')) return ' It looks like a web page, which a failed download may leave.';
  if (start.startsWith('{')) {
    return ' It looks like JSON: the index of a model in several files is read by readSafetensors, by its path.';
  }
  const isSafetensors = bytes[HEADER] === BRACE && bytes[HEADER - 1] === 0 && bytes[HEADER - 2] === 0;
  if (!isSafetensors || format === 'safetensors') return '';
  return ' It looks like a safetensors file: read it with readSafetensors.';
}
