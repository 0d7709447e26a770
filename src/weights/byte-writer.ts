const encoder = new TextEncoder();

/** Builds the small parts of a file: little-endian numbers and text. */
export class ByteWriter {
  readonly #bytes: number[] = [];

  /** How many bytes have been written. */
  get length(): number {
    return this.#bytes.length;
  }

  u8(value: number): this {
    this.#bytes.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >>> 8);
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  /** A whole number from 0 to 2^53. */
  u64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  /** Text as UTF-8. */
  text(value: string): this {
    for (const byte of encoder.encode(value)) this.#bytes.push(byte);
    return this;
  }

  /** As many zeros as asked for. */
  zeros(count: number): this {
    for (let i = 0; i < count; i++) this.#bytes.push(0);
    return this;
  }

  toBytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
