import { readBytes } from '#bytes';
import { PruneError, shown } from '../errors';
import { collect } from './collect';

/** Where a file comes from: its path (in Node), its bytes, or a stream of them, such as a Response's body. */
export type FileSource = string | ArrayBuffer | Uint8Array | ReadableStream<Uint8Array>;

/** A file's bytes and what to call it in messages. */
export interface NamedBytes {
  readonly bytes: Uint8Array;
  readonly label: string;
}

/**
 * Reads all of a file.
 *
 * @param source Where it is.
 * @param caller The public function's name, for messages.
 * @returns Its bytes; those given are not copied.
 * @throws {@link PruneError} `file` if it cannot be read, `unsupported` for a path in a browser, `argument` for a source of
 * another type.
 */
export async function readSource(source: FileSource, caller: string): Promise<NamedBytes> {
  if (typeof source === 'string') return { bytes: await readBytes(source), label: `'${source}'` };
  if (source instanceof Uint8Array) return { bytes: source, label: 'the bytes given' };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), label: 'the bytes given' };
  if (isStream(source)) return { bytes: await collect(source), label: 'the stream' };
  const allowed = ['string', 'ArrayBuffer', 'Uint8Array', 'ReadableStream'];
  throw new PruneError(
    'argument',
    `${caller} needs a path, an ArrayBuffer, a Uint8Array or a ReadableStream, but got ${shown(source)}.`,
    { given: source, allowed },
  );
}

function isStream(source: unknown): source is ReadableStream<Uint8Array> {
  return typeof source === 'object' && source !== null && 'getReader' in source;
}
