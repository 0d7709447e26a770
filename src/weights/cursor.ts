import { PruneError } from '../errors';

/** Names that a message quotes come from the file, and may be of any length. */
const LONGEST_MESSAGE = 600;

/**
 * Refuses a file.
 *
 * @param what What is wrong and where, as the end of a sentence.
 * @param given The value that was refused.
 * @throws {@link PruneError} `file`, always.
 */
export function refuse(what: string, given?: unknown): never {
  throw new PruneError('file', what.length > LONGEST_MESSAGE ? `${what.slice(0, LONGEST_MESSAGE)}…` : what, {
    given,
  });
}

/** A place in some bytes that moves on with each read, little-endian, and never past the end. */
export class Cursor {
  /** Where the next read starts. */
  offset: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;

  /**
   * @param bytes The bytes to read.
   * @param what What they are, for messages: "data.pkl".
   * @param offset Where to start.
   */
  constructor(bytes: Uint8Array, what: string, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.offset = offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  u64(): number {
    const at = this.#advance(8);
    const value = this.#view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      refuse(`${this.#what} has a size or offset of ${value} at byte ${at}`, value);
    }
    return Number(value);
  }

  /** A big-endian double: the one number that pickles store that way. */
  f64BigEndian(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** The bytes up to the next newline, which is skipped. */
  line(): Uint8Array {
    const end = this.#bytes.indexOf(0x0a, this.offset);
    if (end < 0) refuse(`${this.#what} ends inside the line that starts at byte ${this.offset}`);
    const text = this.take(end - this.offset);
    this.offset++;
    return text;
  }

  #advance(length: number): number {
    const at = this.offset;
    if (at < 0 || length > this.#bytes.length - at) {
      refuse(
        `${this.#what} is cut off: it needs ${length} bytes at byte ${at}, but has ${this.#bytes.length} in all`,
      );
    }
    this.offset = at + length;
    return at;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes UTF-8.
 *
 * @param bytes The encoded text.
 * @param what What it is, for the message.
 * @returns The text.
 * @throws {@link PruneError} `file` if the bytes are not UTF-8.
 */
export function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new PruneError('file', `${what} is not UTF-8 text`, { cause });
  }
}
