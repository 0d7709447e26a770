import { ByteWriter } from '../byte-writer';
import type { FilePieces } from '../target';
import { crc32 } from './crc32';

/** One file of a zip to be written. */
export interface ZipEntry {
  /** In ASCII. */
  readonly name: string;
  /** How many bytes there will be. */
  readonly size: number;
  /** Makes them; called once. */
  bytes(): Uint8Array;
}

/** Where an entry's header goes, and what is known of it by then. */
export interface PlacedEntry {
  readonly name: string;
  readonly size: number;
  readonly crc: number;
  /** Where its local header starts. */
  readonly offset: number;
}

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END = 0x06054b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;

const LOCAL_HEADER_SIZE = 30;
const CENTRAL_HEADER_SIZE = 46;
const END_SIZE = 22;
const ZIP64_END_SIZE = 56;
const ZIP64_LOCATOR_SIZE = 20;
const EXTRA_HEADER_SIZE = 4;

/** Versions of the format that a reader must know: that of folders, and that of zip64. */
const VERSION = 20;
const VERSION_ZIP64 = 45;
/** The first day that the format can write, 1980-01-01. */
const DATE = 0x21;
const ZIP64_EXTRA = 0x0001;
/** torch's extra field that shifts what follows. */
const PADDING_EXTRA = 0x4246;
/** torch's; so that a file can be mapped into memory and used there. */
const ALIGNMENT = 64;

const MOST_U16 = 0xffff;
const MOST_U32 = 0xffffffff;

/**
 * A zip as torch writes them: entries stored without compression, the data of each aligned to 64 bytes. Sizes and offsets
 * from 4 GiB on are written as zip64.
 *
 * @param entries The entries, in order.
 * @returns The zip, an entry's bytes being made when it is their turn.
 */
export function zipPieces(entries: readonly ZipEntry[]): FilePieces {
  const offsets: number[] = [];
  let end = 0;
  for (const { name, size } of entries) {
    offsets.push(end);
    end += localHeaderSize(name, size, end) + size;
  }
  const start = end;
  for (const [i, { name, size }] of entries.entries()) end += centralHeaderSize(name, size, offsets[i]!);
  const size = end + endSize(entries.length, end - start, start);
  return { size, pieces: pieces(entries, offsets) };
}

function* pieces(entries: readonly ZipEntry[], offsets: readonly number[]): Iterable<Uint8Array> {
  const placed: PlacedEntry[] = [];
  for (const [i, { name, size, bytes }] of entries.entries()) {
    const contents = bytes();
    const entry: PlacedEntry = { name, size, crc: crc32(contents), offset: offsets[i]! };
    placed.push(entry);
    yield localHeader(entry);
    yield contents;
  }
  yield directory(placed);
}

function localHeaderSize(name: string, size: number, offset: number): number {
  const zip64 = size >= MOST_U32 ? EXTRA_HEADER_SIZE + 16 : 0;
  const least = LOCAL_HEADER_SIZE + name.length + zip64 + EXTRA_HEADER_SIZE;
  return Math.ceil((offset + least) / ALIGNMENT) * ALIGNMENT - offset;
}

/** What stands before an entry's bytes. */
export function localHeader({ name, size, crc, offset }: PlacedEntry): Uint8Array {
  const isLong = size >= MOST_U32;
  const short = isLong ? MOST_U32 : size;
  const extraSize = localHeaderSize(name, size, offset) - LOCAL_HEADER_SIZE - name.length;
  const header = new ByteWriter()
    .u32(LOCAL_HEADER)
    .u16(isLong ? VERSION_ZIP64 : VERSION)
    .u16(0) // flags
    .u16(0) // stored
    .u16(0) // midnight
    .u16(DATE)
    .u32(crc)
    .u32(short)
    .u32(short)
    .u16(name.length)
    .u16(extraSize)
    .text(name);
  if (isLong) header.u16(ZIP64_EXTRA).u16(16).u64(size).u64(size);
  const padding = extraSize - (isLong ? EXTRA_HEADER_SIZE + 16 : 0) - EXTRA_HEADER_SIZE;
  return header.u16(PADDING_EXTRA).u16(padding).zeros(padding).toBytes();
}

/** Sizes and offsets that 32 bits cannot hold, in the order in which zip64 wants them. */
function longFields(size: number, offset: number): number[] {
  return [...(size >= MOST_U32 ? [size, size] : []), ...(offset >= MOST_U32 ? [offset] : [])];
}

function centralHeaderSize(name: string, size: number, offset: number): number {
  const fields = longFields(size, offset).length;
  return CENTRAL_HEADER_SIZE + name.length + (fields === 0 ? 0 : EXTRA_HEADER_SIZE + 8 * fields);
}

function writeCentralHeader(writer: ByteWriter, { name, size, crc, offset }: PlacedEntry): void {
  const fields = longFields(size, offset);
  const version = fields.length > 0 ? VERSION_ZIP64 : VERSION;
  const short = Math.min(size, MOST_U32);
  writer
    .u32(CENTRAL_HEADER)
    .u16(version)
    .u16(version)
    .u16(0) // flags
    .u16(0) // stored
    .u16(0) // midnight
    .u16(DATE)
    .u32(crc)
    .u32(short)
    .u32(short)
    .u16(name.length)
    .u16(fields.length === 0 ? 0 : EXTRA_HEADER_SIZE + 8 * fields.length)
    .u16(0) // comment
    .u16(0) // disk
    .u16(0) // attributes
    .u32(0)
    .u32(Math.min(offset, MOST_U32))
    .text(name);
  if (fields.length > 0) writer.u16(ZIP64_EXTRA).u16(8 * fields.length);
  for (const field of fields) writer.u64(field);
}

function needsZip64(count: number, size: number, offset: number): boolean {
  return count >= MOST_U16 || size >= MOST_U32 || offset >= MOST_U32;
}

function endSize(count: number, size: number, offset: number): number {
  return END_SIZE + (needsZip64(count, size, offset) ? ZIP64_END_SIZE + ZIP64_LOCATOR_SIZE : 0);
}

/**
 * What stands after all entries: the directory and the end records.
 *
 * @param entries The entries, where they have been written.
 * @returns The rest of the zip.
 */
export function directory(entries: readonly PlacedEntry[]): Uint8Array {
  const writer = new ByteWriter();
  for (const entry of entries) writeCentralHeader(writer, entry);
  const last = entries.at(-1);
  const offset =
    last === undefined ? 0 : last.offset + localHeaderSize(last.name, last.size, last.offset) + last.size;
  const [count, size] = [entries.length, writer.length];
  if (needsZip64(count, size, offset)) {
    writer
      .u32(ZIP64_END)
      .u64(ZIP64_END_SIZE - 12)
      .u16(VERSION_ZIP64)
      .u16(VERSION_ZIP64)
      .u32(0)
      .u32(0);
    writer.u64(count).u64(count).u64(size).u64(offset);
    writer
      .u32(ZIP64_LOCATOR)
      .u32(0)
      .u64(offset + size)
      .u32(1);
  }
  const short = Math.min(count, MOST_U16);
  return writer
    .u32(END)
    .u32(0) // disks
    .u16(short)
    .u16(short)
    .u32(Math.min(size, MOST_U32))
    .u32(Math.min(offset, MOST_U32))
    .u16(0) // comment
    .toBytes();
}
