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

/**
 * What a file looks like that could not be read, for those who took it for another.
 *
 * @param bytes The file.
 * @param format What it was read as.
 * @returns A sentence with a space before it, and what to do; nothing if the file is of that format, or of none that is known.
 */
export function lookalike(bytes: Uint8Array, format: 'pth' | 'safetensors'): string {
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
