import { PruneError } from '../errors';

/**
 * Refuses to read from disk: a browser cannot.
 *
 * @param path The path that was given.
 * @throws {@link PruneError} `unsupported`, always.
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  throw new PruneError(
    'unsupported',
    `Cannot read the file '${path}': a browser has no file system. Pass the file's bytes as an ArrayBuffer, such as ` +
      'await file.arrayBuffer() of an <input type="file">, or await (await fetch(url)).arrayBuffer().',
    { given: path, allowed: 'an ArrayBuffer or a Uint8Array' },
  );
}

/**
 * Refuses to write to disk: a browser cannot.
 *
 * @param path The path that was given.
 * @throws {@link PruneError} `unsupported`, always.
 */
export async function writeBytes(path: string): Promise<void> {
  throw new PruneError(
    'unsupported',
    `Cannot write the file '${path}': a browser has no file system. Leave the path out to get the file's bytes, or pass ` +
      'a WritableStream, such as await (await showSaveFilePicker()).createWritable().',
    { given: path, allowed: 'no target, or a WritableStream' },
  );
}
