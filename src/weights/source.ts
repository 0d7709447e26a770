import { readBytes } from '#bytes';
import { PruneError, shown } from '../errors';
import { collect } from './collect';

/**
 * Where a file comes from: its path (in Node), its bytes, or a stream of them, such as a Response's body or, in Node, what
 * `fs.createReadStream` gives.
 */
export type FileSource =
  | string
  | ArrayBuffer
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>;

/** A file's bytes and what to call it in messages. */
export interface NamedBytes {
  readonly bytes: Uint8Array;
  readonly label: string;
}

const ADDRESS = /^(https?|blob|data|file):/i;

/**
 * Whether a text is an address rather than a path.
 *
 * @param text What was given as a path.
 * @returns True for what starts as addresses do.
 */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/**
 * Reads all of a file.
 *
 * @param source Where it is.
 * @param caller The public function's name, for messages.
 * @returns Its bytes; those given are not copied.
 * @throws {@link PruneError} `file` if it cannot be read, `unsupported` for a path in a browser, `argument` for a source of
 * another type, or an address.
 */
export async function readSource(source: FileSource, caller: string): Promise<NamedBytes> {
  if (typeof source === 'string') {
    if (isAddress(source)) throw refusedAddress(source, caller);
    return { bytes: await readBytes(source), label: `'${source}'` };
  }
  if (source instanceof Uint8Array) return { bytes: source, label: 'the bytes given' };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), label: 'the bytes given' };
  if (isStream(source)) return { bytes: await collect(source), label: 'the stream' };
  const allowed = ['string', 'ArrayBuffer', 'Uint8Array', 'ReadableStream'];
  throw new PruneError(
    'argument',
    `${caller} needs a path, an ArrayBuffer, a Uint8Array or a ReadableStream, but got ${shown(source)}${remedyFor(source)}.`,
    { given: source, allowed },
  );
}

function refusedAddress(address: string, caller: string): PruneError {
  const remedy = remedyForAddress(address);
  const message = `${caller} needs a path, but got an address: pass ${remedy}.`;
  return new PruneError('argument', message, { given: address, allowed: remedy });
}

function remedyForAddress(address: string): string {
  if (/^http/i.test(address)) return `await download('${address}')`;
  return /^file:/i.test(address)
    ? "what fileURLToPath makes of it, of 'node:url'"
    : '(await fetch(address)).body';
}

/** What to pass in place of something that has the bytes, but is not them. */
function remedyFor(source: unknown): string {
  if (source instanceof Promise) return ': await it';
  if (source instanceof Blob) return ': pass await blob.arrayBuffer()';
  if (source instanceof Response) return ': pass its .body';
  return source instanceof URL ? ': pass a path, or await download(url.href)' : '';
}

function isStream(source: unknown): source is ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof source !== 'object' || source === null) return false;
  return 'getReader' in source || Symbol.asyncIterator in source;
}
