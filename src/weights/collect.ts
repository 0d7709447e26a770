import { isPruneError, PruneError, shown } from '../errors';

/** Far more than any model for tfjs takes: a stream that never ends must not fill the memory. */
const MOST_BYTES = 2 ** 32;
const FIRST_BLOCK = 2 ** 16;
const LARGEST_BLOCK = 2 ** 24;

/**
 * Reads a stream to its end. What arrives is copied to a few large blocks, since pieces may be tiny views of large buffers.
 * How much will come is not known, so the blocks are joined at the end, each being freed as soon as it is in the result.
 *
 * @param stream The stream, the web's or Node's. It is cancelled if it cannot be read.
 * @param mostBytes How long it may be.
 * @returns Its bytes, in a buffer of their own.
 * @throws {@link PruneError} `file` if the stream fails or is longer than that; `argument` if it is locked or gives
 * anything but bytes. A PruneError of the stream is passed on.
 */
export async function collect(
  stream: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>,
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

/** What is used of a stream's reader. */
interface Reader {
  read(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  cancel(cause: unknown): Promise<unknown>;
  releaseLock(): void;
}

function readerOf(stream: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>): Reader {
  // Not every browser can iterate over its streams.
  if (!('getReader' in stream)) return iteratorOf(stream);
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

function iteratorOf(stream: AsyncIterable<unknown>): Reader {
  const iterator = stream[Symbol.asyncIterator]();
  return {
    read: async () => iterator.next(),
    cancel: async () => iterator.return?.(),
    releaseLock: () => {},
  };
}

/** What a stream gives is only known when it comes. */
function checkPiece(piece: unknown): asserts piece is Uint8Array {
  if (piece instanceof Uint8Array) return;
  throw new PruneError('argument', `The stream must give Uint8Arrays, but gave ${shown(piece)}.`, {
    given: piece,
    allowed: 'Uint8Array',
  });
}

/** What TypeScript's library for ES2022 lacks, though all that run this have it. */
interface ResizableBuffer extends ArrayBuffer {
  resize(length: number): void;
}
const ResizableBuffer = ArrayBuffer as unknown as new (
  length: number,
  options: { readonly maxByteLength: number },
) => ResizableBuffer;

/** Bytes of which it is not known how many will come. */
class Blocks {
  length = 0;
  #blocks: ResizableBuffer[] = [];
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
      const part = new Uint8Array(block, 0, Math.min(block.byteLength, this.length - at));
      joined.set(part, at);
      at += part.length;
      // Gives the memory back at once; the garbage collector would take its time.
      block.resize?.(0);
    }
    return joined;
  }

  #grow(): void {
    const size = Math.min(Math.max(FIRST_BLOCK, this.length), LARGEST_BLOCK);
    const block = new ResizableBuffer(size, { maxByteLength: size });
    this.#left = new Uint8Array(block);
    this.#blocks.push(block);
  }
}
