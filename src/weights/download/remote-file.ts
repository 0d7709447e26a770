import { sha256 as digestOf } from '#sha256';
import { PruneError, shown } from '../../errors';

/** A file to download, and what is known of it. */
export interface RemoteFile {
  /** Where it is: an absolute http or https address. */
  readonly url: string;
  /**
   * The file's name in the cache. By default the last part of the address, as in torch, if that holds the start of the
   * file's SHA-256 (`resnet50-11ad3fa6.pth`); else the whole address with `_` for all that a file's name should not have,
   * since many files are called `model.safetensors`, and with a digest of the address where that alone might be another's.
   */
  readonly name?: string;
  /**
   * The file's SHA-256, whole or its first 8 or more hexadecimal digits. By default those in its name, or
   * the last part of its address, after a `-` and before a `.`, if there are any; `false` if what looks like them is something else.
   */
  readonly sha256?: string | false;
  /** The file's length in bytes, if it is known. */
  readonly size?: number;
}

/** How to download. */
export interface DownloadOptions {
  /**
   * Is told the fraction that has arrived, as in tfjs: from 0 to 1, never less than before, and 1 once, at the end. Where
   * the host does not say how long the file is, it is told 0 and 1 only.
   */
  readonly onProgress?: (fraction: number) => void;
  /** Ends the download when it is aborted; what it throws then is the signal's reason, by default an `AbortError`. */
  readonly signal?: AbortSignal;
  /**
   * Where files are kept: a folder in Node, by default torch's own (`$TORCH_HOME/hub/checkpoints`); the name of a cache
   * of the Cache API in a browser, by default `tfjs-prune`; or `false` to keep none.
   */
  readonly cache?: string | false;
}

/** A {@link RemoteFile} whose fields have been checked. */
export interface Wanted {
  readonly url: string;
  readonly name: string;
  /** In lower case. */
  readonly sha256: string | undefined;
  readonly size: number | undefined;
}

const HASH_IN_NAME = /-([0-9a-f]{8,64})\./;
const HASH = /^[0-9a-f]{8,64}$/i;
/** What no system allows in a file's name, or gives a meaning. */
const NOT_IN_NAMES = /[\p{Cc}/\\:*?"<>|]/u;
const NOT_IN_DEFAULT_NAMES = /[^\w.-]/g;
/** Of these, no two have the same name, also on disks that do not tell capitals apart. */
const PLAIN_ADDRESS = /^https:\/\/[a-z0-9.-]+(\/[a-z0-9.-]*)*$/;
/** Disks allow 255, and what is not complete has a longer name. */
const LONGEST_NAME = 150;
const DIGITS = 16;

/**
 * Checks what is to be downloaded, and fills in what the name says.
 *
 * @param file The file as the caller described it.
 * @returns The same, complete.
 * @throws {@link PruneError} `argument` for an address, a name, a digest or a size that cannot be one.
 */
export async function checkRemoteFile(file: RemoteFile): Promise<Wanted> {
  const address = checkUrl(file.url);
  const last = address.pathname.slice(address.pathname.lastIndexOf('/') + 1);
  const { name = await defaultName(address, last), size } = file;
  if (typeof name !== 'string' || name === '' || /^\.+$/.test(name) || NOT_IN_NAMES.test(name)) {
    throw refused(`The name of ${file.url} in the cache must be that of a file, without a folder`, name);
  }
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw refused(`The size of ${file.url} must be a whole number of bytes`, size);
  }
  return { url: file.url, name, sha256: checkSha256(file, last), size };
}

async function defaultName({ protocol, host, pathname, search }: URL, last: string): Promise<string> {
  if (HASH_IN_NAME.test(last) && !NOT_IN_NAMES.test(last) && last.length <= LONGEST_NAME) return last;
  const rest = `${host}${pathname}${search}`;
  const name = rest.replace(NOT_IN_DEFAULT_NAMES, '_');
  const address = `${protocol}//${rest}`;
  if (PLAIN_ADDRESS.test(address) && name.length <= LONGEST_NAME) return name;
  const digest = await digestOf(new TextEncoder().encode(address));
  return `${name.slice(0, LONGEST_NAME)}_${digest.slice(0, DIGITS)}`;
}

function checkSha256({ url, name = '', sha256 }: RemoteFile, last: string): string | undefined {
  if (sha256 === undefined) return (HASH_IN_NAME.exec(name) ?? HASH_IN_NAME.exec(last))?.[1];
  if (sha256 === false) return undefined;
  if (typeof sha256 === 'string' && HASH.test(sha256)) return sha256.toLowerCase();
  throw refused(`The SHA-256 of ${url} must be 8 to 64 hexadecimal digits, or false`, sha256);
}

function checkUrl(given: string): URL {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw refused('A download needs an absolute address that starts with https:// or http://', given);
  }
  if (url.username !== '' || url.password !== '') {
    // Not shown: it holds a password.
    throw refused(`A download's address may hold no user and password`, `${url.protocol}//…@${url.host}`);
  }
  return url;
}

function refused(what: string, given: unknown): PruneError {
  return new PruneError('argument', `${what}, but got ${shown(given)}.`, { given });
}

/**
 * Checks how to download.
 *
 * @param options The options as the caller gave them, whose names are known.
 * @throws {@link PruneError} `argument` for an option of another type.
 */
export function checkDownloadOptions({ onProgress, signal, cache }: DownloadOptions): void {
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw refused('onProgress must be a function of a fraction', onProgress);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw refused('signal must be an AbortSignal', signal);
  }
  if (cache !== undefined && cache !== false && (typeof cache !== 'string' || cache === '')) {
    throw refused('cache must be a folder (in Node), the name of a cache (in a browser) or false', cache);
  }
}
