import { Cursor, decodeText, refuse } from '../cursor';

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END = 0x06054b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;

const CENTRAL_HEADER_SIZE = 46;
const END_SIZE = 22;
const ZIP64_LOCATOR_SIZE = 20;
const LONGEST_COMMENT = 0xffff;
/** A storage is an entry: more of them than the largest models have. */
const MOST_ENTRIES = 100_000;

const ZIP64_EXTRA = 0x0001;
const ENCRYPTED = 0x1;
const STORED = 0;
/** In a 16- or 32-bit field: the value is in the zip64 record instead. */
const IN_ZIP64 = { u16: 0xffff, u32: 0xffffffff };

interface Directory {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

interface Entry {
  readonly name: string;
  readonly header: number;
  readonly size: number;
}

/**
 * Reads the names and contents of a zip whose entries are stored without compression, as torch writes them. Only the
 * central directory is believed: the headers before each entry have no sizes in such files. Checksums are not
 * compared; torch may leave them out, and does not compare them either.
 *
 * @param bytes The whole file.
 * @returns The entries by name, as views of `bytes`, in the directory's order.
 * @throws {@link PruneError} `file` if anything in the zip is out of bounds, ambiguous, compressed or encrypted.
 */
export function readZip(bytes: Uint8Array): Map<string, Uint8Array> {
  const end = findEnd(bytes);
  const directory = readEnd(bytes, end);
  const entries = readDirectory(bytes, directory);
  const contents = new Map<string, Uint8Array>();
  const spans: Array<{ name: string; start: number; end: number }> = [];
  for (const entry of entries) {
    if (contents.has(entry.name)) refuse(`the zip has two entries named '${entry.name}'`, entry.name);
    const start = startOfData(bytes, entry);
    if (entry.size > directory.offset - start) {
      refuse(
        `the zip's entry '${entry.name}' says it has ${entry.size} bytes from byte ${start}, past the directory at byte ${directory.offset}`,
        entry.size,
      );
    }
    contents.set(entry.name, bytes.subarray(start, start + entry.size));
    spans.push({ name: entry.name, start: entry.header, end: start + entry.size });
  }
  spans.sort((a, b) => a.start - b.start);
  for (let i = 1; i < spans.length; i++) {
    const [before, after] = [spans[i - 1]!, spans[i]!];
    if (after.start < before.end) refuse(`the zip's entries '${before.name}' and '${after.name}' overlap`);
  }
  return contents;
}

function findEnd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = bytes.length - END_SIZE;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (view.getUint32(at, true) === END && at + END_SIZE + view.getUint16(at + 20, true) === bytes.length) {
      return at;
    }
  }
  return refuse('the end of the zip is missing: the file is cut off, or is not a zip');
}

function readEnd(bytes: Uint8Array, end: number): Directory {
  const cursor = new Cursor(bytes, "the zip's end record", end + 4);
  const disks = [cursor.u16(), cursor.u16()];
  if (disks.some((disk) => disk !== 0 && disk !== IN_ZIP64.u16)) refuse('the zip is in several parts');
  cursor.u16();
  const short: Directory = { count: cursor.u16(), size: cursor.u32(), offset: cursor.u32() };
  const long = readZip64End(bytes, end - ZIP64_LOCATOR_SIZE);
  const limit = long === undefined ? end : long.at;
  const directory = long === undefined ? short : agreed(short, long);
  if (directory.offset > limit || directory.size > limit - directory.offset) {
    refuse(
      `the zip's directory is said to be ${directory.size} bytes from byte ${directory.offset}, but the file's end record is at byte ${limit}`,
    );
  }
  if (directory.count > MOST_ENTRIES) {
    refuse(
      `the zip has ${directory.count} entries, more than the ${MOST_ENTRIES} that are read`,
      directory.count,
    );
  }
  if (directory.count > directory.size / CENTRAL_HEADER_SIZE) {
    refuse(
      `the zip's directory is said to have ${directory.count} entries in ${directory.size} bytes`,
      directory.count,
    );
  }
  return directory;
}

function readZip64End(bytes: Uint8Array, locator: number): (Directory & { at: number }) | undefined {
  if (locator < 0) return undefined;
  const cursor = new Cursor(bytes, "the zip's zip64 end record", locator);
  if (cursor.u32() !== ZIP64_LOCATOR) return undefined;
  cursor.u32();
  const at = cursor.u64();
  if (at > locator)
    refuse(`the zip's zip64 end record is said to be at byte ${at}, past its locator at ${locator}`, at);
  cursor.offset = at;
  if (cursor.u32() !== ZIP64_END) refuse(`the zip has no zip64 end record at byte ${at}`);
  cursor.offset = at + 32;
  return { count: cursor.u64(), size: cursor.u64(), offset: cursor.u64(), at };
}

/** Two end records that differ would mean two readings of one file. */
function agreed(short: Directory, long: Directory): Directory {
  const same =
    (short.count === long.count || short.count === IN_ZIP64.u16) &&
    (short.size === long.size || short.size === IN_ZIP64.u32) &&
    (short.offset === long.offset || short.offset === IN_ZIP64.u32);
  if (!same) refuse("the zip's two end records differ");
  return long;
}

function readDirectory(bytes: Uint8Array, directory: Directory): Entry[] {
  const cursor = new Cursor(
    bytes.subarray(0, directory.offset + directory.size),
    "the zip's directory",
    directory.offset,
  );
  const entries: Entry[] = [];
  for (let i = 0; i < directory.count; i++) entries.push(readEntry(cursor));
  return entries;
}

function readEntry(cursor: Cursor): Entry {
  const at = cursor.offset;
  if (cursor.u32() !== CENTRAL_HEADER) refuse(`the zip's directory has no entry at byte ${at}`);
  cursor.offset = at + 8;
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.offset = at + 20;
  let packed = cursor.u32();
  let size = cursor.u32();
  const [nameLength, extraLength, commentLength] = [cursor.u16(), cursor.u16(), cursor.u16()];
  cursor.offset = at + 42;
  let header = cursor.u32();
  const name = decodeText(cursor.take(nameLength), `the name of the zip's entry at byte ${at}`);
  const extra = zip64Extra(cursor.take(extraLength), name);
  cursor.take(commentLength);
  if (size === IN_ZIP64.u32) size = long(extra, name);
  if (packed === IN_ZIP64.u32) packed = long(extra, name);
  if (header === IN_ZIP64.u32) header = long(extra, name);
  if ((flags & ENCRYPTED) !== 0) refuse(`the zip's entry '${name}' is encrypted`);
  if (method !== STORED || packed !== size) {
    refuse(
      `the zip's entry '${name}' is compressed (method ${method}); torch stores entries as they are`,
      method,
    );
  }
  return { name, header, size };
}

function zip64Extra(extra: Uint8Array, name: string): Cursor | undefined {
  const cursor = new Cursor(extra, `the extra field of the zip's entry '${name}'`);
  while (extra.length - cursor.offset >= 4) {
    const id = cursor.u16();
    const field = cursor.take(cursor.u16());
    if (id === ZIP64_EXTRA) return new Cursor(field, `the zip64 field of the zip's entry '${name}'`);
  }
  return undefined;
}

function long(extra: Cursor | undefined, name: string): number {
  return extra === undefined ? refuse(`the zip's entry '${name}' lacks its zip64 field`) : extra.u64();
}

function startOfData(bytes: Uint8Array, entry: Entry): number {
  const what = `the header of the zip's entry '${entry.name}'`;
  const cursor = new Cursor(bytes, what, entry.header);
  if (cursor.u32() !== LOCAL_HEADER) refuse(`${what} is not at byte ${entry.header}`);
  cursor.offset = entry.header + 26;
  const [nameLength, extraLength] = [cursor.u16(), cursor.u16()];
  if (decodeText(cursor.take(nameLength), what) !== entry.name) refuse(`${what} has another name`);
  cursor.take(extraLength);
  return cursor.offset;
}
