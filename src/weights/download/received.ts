import { PruneError } from '../../errors';
import type { PartialFile } from './file-cache';
import type { Wanted } from './remote-file';

/** The most that one array of bytes holds in Node 20. */
const MOST_BYTES = 2 ** 32;
const FIRST_BYTES = 2 ** 22;
/** How much more than has come is set aside on the word of a host. */
const TRUST = 32;

/** The bytes of a file that have come so far: in memory, and in the cache's partial file if there is one. */
export class Received {
  /** How many bytes have come. */
  length = 0;
  readonly #wanted: Wanted;
  readonly #partial: PartialFile | undefined;
  #bytes: Uint8Array<ArrayBuffer>;
  #announced: number | undefined;

  /**
   * @param wanted The file.
   * @param partial Where the bytes go besides.
   * @throws {@link PruneError} `unsupported` for a file that does not fit into memory.
   */
  constructor(wanted: Wanted, partial?: PartialFile) {
    this.#wanted = wanted;
    this.#partial = partial;
    this.#bytes = this.#allocate(wanted.size ?? 0);
  }

  /** How long the file is, as far as that is known. */
  get total(): number | undefined {
    return this.#wanted.size ?? this.#announced;
  }

  /**
   * Takes a host at its word for the length of the file, or withdraws that. Memory follows only as bytes come.
   *
   * @param total The length in bytes.
   * @throws {@link PruneError} `integrity` if it should have another length, `unsupported` if it is too long.
   */
  announce(total: number | undefined): void {
    this.#announced = total;
    if (total === undefined) return;
    const { size, url } = this.#wanted;
    if (size !== undefined && total !== size) {
      const message = `${url} should have ${size} bytes, but the host offers ${total}. Nothing was kept.`;
      throw new PruneError('integrity', message, { given: total, allowed: `${size} bytes` });
    }
    if (total > MOST_BYTES) throw this.#tooLong(total);
  }

  /**
   * Goes on with some bytes.
   *
   * @param piece The bytes, which are copied.
   * @throws {@link PruneError} `integrity` if the file is longer than it should be, `unsupported` if it is too long,
   * `file` if the cache cannot be written.
   */
  async append(piece: Uint8Array): Promise<void> {
    const length = this.length + piece.length;
    if (length > (this.total ?? MOST_BYTES)) throw this.#tooLong(length);
    if (length > this.#bytes.length) this.#grow(length);
    this.#bytes.set(piece, this.length);
    this.length = length;
    await this.#partial?.append(piece);
  }

  /** Starts again from nothing. */
  async restart(): Promise<void> {
    this.length = 0;
    this.#announced = undefined;
    await this.#partial?.restart();
  }

  /**
   * All that has come.
   *
   * @returns The bytes, in a buffer of their own that is exactly as long.
   */
  whole(): Uint8Array<ArrayBuffer> {
    if (this.length < this.#bytes.length) this.#bytes = this.#bytes.slice(0, this.length);
    return this.#bytes;
  }

  #grow(length: number): void {
    const likely = this.#bytes.length * (this.total === undefined ? 2 : TRUST);
    const room = Math.min(Math.max(FIRST_BYTES, likely), this.total ?? MOST_BYTES);
    const bytes = this.#allocate(Math.max(length, room));
    bytes.set(this.#bytes.subarray(0, this.length));
    this.#bytes = bytes;
  }

  #allocate(length: number): Uint8Array<ArrayBuffer> {
    if (length > MOST_BYTES) throw this.#tooLong(length);
    try {
      return new Uint8Array(length);
    } catch (cause) {
      const message = `There is no memory for the ${length} bytes of ${this.#wanted.url}.`;
      throw new PruneError('unsupported', message, { given: length, cause });
    }
  }

  #tooLong(length: number): PruneError {
    const { url } = this.#wanted;
    if (this.total !== undefined && this.total <= MOST_BYTES) {
      const message = `${url} should have ${this.total} bytes, but the host goes on after them. Nothing was kept.`;
      return new PruneError('integrity', message, { given: length, allowed: `${this.total} bytes` });
    }
    const message = `${url} has ${length} bytes or more; at most ${MOST_BYTES} (4 GiB) can be read at once.`;
    return new PruneError('unsupported', message, { given: length, allowed: `${MOST_BYTES} bytes` });
  }
}
