/** What tells one version of a file on a host from another, and what that host can do with it. */
export interface Version {
  /** A strong ETag, else the date of the last change. */
  readonly validator: string | undefined;
  /** Whether it comes compressed: then ranges and lengths are not those of the file. */
  readonly encoded: boolean;
}

/** The part of a file that an answer holds: bytes `from` up to, not including, `to`, of `total`. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly total: number;
}

/**
 * Which version of a file an answer holds.
 *
 * @param headers The answer's headers.
 * @returns What is known of it.
 */
export function versionOf(headers: Headers): Version {
  const etag = headers.get('ETag');
  const strong = etag !== null && /^"[^"]*"$/.test(etag) ? etag : undefined;
  const encoding = headers.get('Content-Encoding') ?? 'identity';
  return { validator: strong ?? headers.get('Last-Modified') ?? undefined, encoded: encoding !== 'identity' };
}

/**
 * The length of a file that an answer holds as a whole.
 *
 * @param headers The answer's headers.
 * @returns The length in bytes; undefined if it is not said, or is that of a compressed form.
 */
export function lengthOf(headers: Headers): number | undefined {
  return versionOf(headers).encoded ? undefined : wholeNumber(headers.get('Content-Length'));
}

/**
 * Which part of a file an answer with status 206 holds.
 *
 * @param headers The answer's headers.
 * @returns The part; undefined if that is not said, not wholly, or makes no sense.
 */
export function partOf(headers: Headers): Part | undefined {
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('Content-Range') ?? '') ?? [];
  const [from, end, total] = [wholeNumber(first), wholeNumber(last), wholeNumber(size)];
  if (from === undefined || end === undefined || total === undefined) return undefined;
  return from <= end && end < total ? { from, to: end + 1, total } : undefined;
}

/**
 * How long a file is of which an answer with status 416 holds nothing.
 *
 * @param headers The answer's headers.
 * @returns The length in bytes; undefined if it is not said.
 */
export function lengthBeyondRange(headers: Headers): number | undefined {
  const [, size] = /^bytes \*\/(\d+)$/.exec(headers.get('Content-Range') ?? '') ?? [];
  return wholeNumber(size);
}

/**
 * Whether it may help to ask again.
 *
 * @param status The answer's status.
 * @returns True for faults that pass: too many requests, a gateway, a host that is busy.
 */
export function mayPass(status: number): boolean {
  return [408, 425, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505);
}

function wholeNumber(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || !/^\d+$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}
