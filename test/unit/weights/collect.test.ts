import { readPth } from 'tfjs-prune/weights';
import { describe, expect, it, vi } from 'vitest';
import { isPruneError, PruneError } from '../../../src/errors';
import { collect } from '../../../src/weights/collect';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

function streamOf(...pieces: unknown[]): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    pull: (controller) => {
      // Untyped code may put anything into a stream.
      if (left.length > 0) controller.enqueue(left.shift() as Uint8Array);
      else controller.close();
    },
  });
}

describe('a stream', () => {
  it.each([[0], [1], [65_536], [65_537, 0, 3], [1_000_000, 1], Array<number>(3000).fill(77)])(
    'is joined, of pieces of %j bytes and so on',
    async (...lengths) => {
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const whole = Uint8Array.from({ length: total }, (_, i) => i % 251);
      let at = 0;
      const pieces = lengths.map((length) => {
        at += length;
        return whole.subarray(at - length, at);
      });
      const joined = await collect(streamOf(...pieces));
      expect(joined.buffer.byteLength).toBe(total);
      expect(Buffer.compare(joined, whole)).toBe(0);
    },
  );

  it('is in memory once: each block is given back when it is joined', async () => {
    const sizes: number[] = [];
    // TypeScript's library for ES2022 does not know it.
    const prototype = ArrayBuffer.prototype as ArrayBuffer & { resize(length: number): void };
    const resize = vi.spyOn(prototype, 'resize').mockImplementation((length) => void sizes.push(length));
    await collect(streamOf(new Uint8Array(2 ** 20), new Uint8Array(2 ** 20)));
    resize.mockRestore();
    expect(sizes).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('may be as long as is allowed, and no longer: it is cancelled, not read on', async () => {
    expect(await collect(streamOf(new Uint8Array(10)), 10)).toHaveLength(10);
    let cancelled: unknown;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(4)),
      cancel: (reason) => {
        cancelled = reason;
      },
    });
    const error = await failure(collect(endless, 10));
    expect(isPruneError(error, 'file') && error.message).toMatch(/more than 10 bytes/);
    expect(cancelled).toBe(error);
    expect(endless.locked).toBe(false);
  });

  it('that fails is a file that cannot be read, with the cause', async () => {
    const cause = new Error('the cable was cut');
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(3)),
      pull: (controller) => controller.error(cause),
    });
    const error = await failure(readPth(stream));
    expect(isPruneError(error, 'file') && error.message).toMatch(/failed after \d bytes: the cable was cut/);
    expect(isPruneError(error) && error.cause).toBe(cause);
  });

  it("passes a download's own error on", async () => {
    const network = new PruneError('network', 'It broke.');
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(network) });
    expect(await failure(readPth(stream))).toBe(network);
  });

  it('of anything but bytes is refused', async () => {
    const error = await failure(readPth(streamOf('text')));
    expect(isPruneError(error, 'argument') && error.message).toMatch(
      /must give Uint8Arrays, but gave 'text'/,
    );
  });

  it('that something else reads is refused', async () => {
    const stream = streamOf();
    stream.getReader();
    const error = await failure(readPth(stream));
    expect(isPruneError(error, 'argument') && error.message).toMatch(/locked/);
  });
});
