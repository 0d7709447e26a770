/** The polynomial of zip files, its bits reversed. */
const POLYNOMIAL = 0xedb88320;
const SLICES = 8;

/**
 * What each byte does to a checksum that 0 to 7 more bytes follow, one table of 256 after the other: so eight bytes are one
 * step.
 */
const table = new Int32Array(SLICES * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  table[byte] = value;
}
for (let i = 256; i < table.length; i++) {
  const before = table[i - 256]!;
  table[i] = (before >>> 8) ^ table[before & 0xff]!;
}

/**
 * The CRC-32 of some bytes, as zip files have it.
 *
 * @param bytes The bytes.
 * @returns A whole number of 32 bits, ≥ 0.
 */
export function crc32(bytes: Uint8Array): number {
  if (bytes.length < 2 * SLICES) return ~single(bytes, 0, bytes.length, -1) >>> 0;
  const start = -bytes.byteOffset & 3;
  const pairs = (bytes.length - start) >> 3;
  const aligned = new Int32Array(bytes.buffer, bytes.byteOffset + start, 2 * pairs);
  const middle = words(aligned, single(bytes, 0, start, -1));
  return ~single(bytes, start + 8 * pairs, bytes.length, middle) >>> 0;
}

function single(bytes: Uint8Array, start: number, end: number, before: number): number {
  let crc = before;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ table[(crc ^ bytes[i]!) & 0xff]!;
  return crc;
}

/** Two words, eight bytes, at a time. */
function words(pairs: Int32Array, before: number): number {
  let crc = before;
  for (let i = 0; i < pairs.length; i += 2) {
    const a = crc ^ pairs[i]!;
    const b = pairs[i + 1]!;
    crc =
      table[0x700 + (a & 0xff)]! ^
      table[0x600 + ((a >>> 8) & 0xff)]! ^
      table[0x500 + ((a >>> 16) & 0xff)]! ^
      table[0x400 + (a >>> 24)]! ^
      table[0x300 + (b & 0xff)]! ^
      table[0x200 + ((b >>> 8) & 0xff)]! ^
      table[0x100 + ((b >>> 16) & 0xff)]! ^
      table[b >>> 24]!;
  }
  return crc;
}
