import { writeBytes } from '#bytes';
import { PruneError, shown } from '../errors';

/** What is used of Node's own writable streams. */
export interface NodeWritable {
  /** Takes a piece, and tells when there is room for the next. */
  write(piece: Uint8Array, done: (error?: Error | null) => void): boolean;
  /** Ends it after the last piece, and tells when all is written. */
  end(done: (error?: Error | null) => void): unknown;
  /** Ends it at once, when something fails. */
  destroy(error?: Error): unknown;
  /** Listens to errors, which would end the process if nothing did. */
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Where a file goes: its path (in Node), or a stream, such as that of a FileSystemFileHandle or, in Node, what
 * `fs.createWriteStream` gives.
 */
export type FileTarget = string | WritableStream<Uint8Array> | NodeWritable;

/** A file that is made while it is written: one piece after the other, none of them kept. */
export interface FilePieces {
  /** Bytes of all pieces. */
  readonly size: number;
  readonly pieces: Iterable<Uint8Array>;
}

/**
 * All of a file.
 *
 * @param file The file.
 * @returns Its bytes, in a buffer of their own.
 */
export function joined({ size, pieces }: FilePieces): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * Writes a file piece by piece.
 *
 * @param file The file.
 * @param target Where it goes. A stream is closed after the last piece, and aborted if one cannot be written.
 * @param caller The public function's name, for messages.
 * @throws {@link PruneError} `file` if it cannot be written, `unsupported` for a path in a browser, `argument` for a target of
 * another type, or a stream that is locked.
 */
export async function writeTo(file: FilePieces, target: FileTarget, caller: string): Promise<void> {
  if (typeof target === 'string') return writeBytes(target, file.pieces);
  if (isStream(target)) return writeStream(file, target, caller);
  if (isNodeStream(target)) return writeStream(file, wrapped(target), caller);
  const message = `${caller} writes to a path or a WritableStream, but got ${shown(target)}.`;
  throw new PruneError('argument', message, { given: target, allowed: ['string', 'WritableStream'] });
}

function isStream(target: unknown): target is WritableStream<Uint8Array> {
  return typeof target === 'object' && target !== null && 'getWriter' in target;
}

function isNodeStream(target: unknown): target is NodeWritable {
  return typeof target === 'object' && target !== null && 'write' in target && 'destroy' in target;
}

function wrapped(target: NodeWritable): WritableStream<Uint8Array> {
  const settled = (step: (done: (error?: Error | null) => void) => unknown): Promise<void> =>
    new Promise((resolve, reject) => void step((error) => (error ? reject(error) : resolve())));
  // Without a listener, an error that the callbacks have already told would end the process.
  target.on('error', () => {});
  return new WritableStream({
    write: (piece) => settled((done) => target.write(piece, done)),
    close: () => settled((done) => target.end(done)),
    abort: (reason) => void target.destroy(reason),
  });
}

async function writeStream(
  file: FilePieces,
  stream: WritableStream<Uint8Array>,
  caller: string,
): Promise<void> {
  if (stream.locked) {
    const message = `${caller}: the stream is locked: something else is writing to it.`;
    throw new PruneError('argument', message, { given: stream, allowed: 'a stream that nothing writes to' });
  }
  const writer = stream.getWriter();
  try {
    for (const piece of file.pieces) await writer.write(piece);
    await writer.close();
  } catch (cause) {
    // The stream may have failed already; why it did matters more than that it cannot be aborted.
    await writer.abort(cause).catch(() => {});
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PruneError('file', `${caller}: the stream could not be written to its end: ${reason}.`, {
      cause,
    });
  } finally {
    writer.releaseLock();
  }
}
