import { fetchFile } from './fetch-file';
import type { DownloadOptions, RemoteFile } from './remote-file';

/**
 * Downloads a file once: what is in the cache and intact is not downloaded again, and needs no network. In Node the cache
 * is torch's own folder, so files are shared with Python; in a browser it is a cache of the Cache API.
 *
 * A connection that breaks or falls silent for half a minute is taken up again where it ended, up to five times in a row
 * without getting on, with pauses that grow. The length and the start of the SHA-256 in the file's name are checked before
 * the file gets its name in the cache, in one step: other processes see all of it or nothing.
 *
 * Differs from PyTorch: `torch.hub.load_state_dict_from_url` checks a digest only if it is told to, and never that of a
 * file in the cache; and it takes any file of the same name for the one it wants, from wherever it came.
 *
 * @param file The address, http or https; or an object with the address and what is known of the file.
 * @param options The progress, the signal and the cache.
 * @returns The file's bytes, in a buffer of their own; the garbage collector frees them.
 * @throws {@link PruneError} `network` if the file cannot be had, with how to get it by hand; `integrity` if it has another
 * length or digest; `file` if the cache cannot be used; `unsupported` if it has more than 4 GiB; `argument` for an address
 * or an option that is not allowed. Nothing but whole files appears in the cache under their names. If the signal is
 * aborted: its reason, which is no PruneError.
 * @example
 * ```ts
 * const bytes = await download('https://download.pytorch.org/models/resnet50-11ad3fa6.pth', {
 *   onProgress: (fraction) => console.log(`${Math.round(100 * fraction)} %`),
 * });
 * const weights = await readPth(bytes);
 * ```
 */
export async function download(
  file: string | RemoteFile,
  options: DownloadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return fetchFile(typeof file === 'string' ? { url: file } : file, options);
}
