import { isPruneError, PruneError, shown } from '../errors';

/** Far more than any model for tfjs takes: a stream that never ends must not fill the memory. */
const MOST_BYTES = 2 ** 32;
const FIRST_BLOCK = 2 ** 16;
const LARGEST_BLOCK = 2 ** 24;

/**
 * Reads a stream to its end. What arrives is copied to a few large blocks, since pieces may be tiny views of large buffers.
 * How much will come is not known, so the blocks are joined at the end, each given up as soon as it is in the result: until
 * the garbage collector runs, a stream may take twice its size.
 *
 * @param stream The stream. It is cancelled if it cannot be read.
 * @param mostBytes How long it may be.
 * @returns Its bytes, in a buffer of their own.
 * @throws {@link PruneError} `file` if the stream fails or is longer than that; `argument` if it is locked or gives
 * anything but bytes. A PruneError of the stream is passed on.
 */
export async function collect(
  stream: ReadableStream<Uint8Array>,
  mostBytes: number = MOST_BYTES,
): Promise<Uint8Array> {
  const reader = readerOf(stream);
  const blocks = new Blocks();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return blocks.join();
      checkPiece(value);
      if (blocks.length + value.length > mostBytes) {
        throw new PruneError('file', `The stream has more than ${mostBytes} bytes.`, { given: mostBytes });
      }
      blocks.add(value);
    }
  } catch (cause) {
    // The stream may have failed already; why it did matters more than that it cannot be cancelled.
    await reader.cancel(cause).catch(() => {});
    if (isPruneError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const where = `after ${blocks.length} bytes`;
    throw new PruneError('file', `The stream could not be read to its end: it failed ${where}: ${reason}.`, {
      cause,
    });
  } finally {
    reader.releaseLock();
  }
}

function readerOf(stream: ReadableStream<Uint8Array>): ReadableStreamDefaultReader<unknown> {
  try {
    return stream.getReader();
  } catch (cause) {
    const message = 'The stream is locked: something else is reading it, such as response.arrayBuffer().';
    throw new PruneError('argument', message, {
      given: stream,
      allowed: 'a stream that nothing reads',
      cause,
    });
  }
}

/** What a stream gives is only known when it comes. */
function checkPiece(piece: unknown): asserts piece is Uint8Array {
  if (piece instanceof Uint8Array) return;
  throw new PruneError('argument', `The stream must give Uint8Arrays, but gave ${shown(piece)}.`, {
    given: piece,
    allowed: 'Uint8Array',
  });
}

/** Bytes of which it is not known how many will come. */
class Blocks {
  length = 0;
  #blocks: Uint8Array[] = [];
  #left = new Uint8Array(0);

  add(piece: Uint8Array): void {
    for (let from = 0; from < piece.length; ) {
      if (this.#left.length === 0) this.#grow();
      const part = piece.subarray(from, from + this.#left.length);
      this.#left.set(part);
      this.#left = this.#left.subarray(part.length);
      this.length += part.length;
      from += part.length;
    }
  }

  join(): Uint8Array {
    const joined = new Uint8Array(this.length);
    let at = 0;
    for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
      const part = block.subarray(0, this.length - at);
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  #grow(): void {
    const size = Math.min(Math.max(FIRST_BLOCK, this.length), LARGEST_BLOCK);
    this.#left = new Uint8Array(size);
    this.#blocks.push(this.#left);
  }
}
