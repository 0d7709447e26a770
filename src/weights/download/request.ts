import { lengthBeyondRange, lengthOf, mayPass, partOf, type Version, versionOf } from './answer';
import { retryAfter } from './pace';
import type { Received } from './received';
import type { Wanted } from './remote-file';
import type { Watch } from './watch';

/**
 * How a request ended: with the `whole` file in one answer; with a file `joined` from several; with nothing that can be
 * used, so that the start must be asked for `again`; or with a fault.
 */
export type Outcome = 'whole' | 'joined' | 'again' | Fault;

/** Why a request failed. */
export interface Fault {
  /** The error, or what is wrong in words. */
  readonly reason: unknown;
  /** How many milliseconds the host asks to wait. */
  readonly wait?: number | undefined;
  /** Whether to ask again would not help. */
  readonly final?: boolean;
}

/** Downloads a file by one request after another. */
export class Requester {
  readonly #wanted: Wanted;
  readonly #received: Received;
  /** The version that the bytes received are of. */
  #version: Version | undefined;
  #sendIfRange = true;

  /**
   * @param wanted The file.
   * @param received What has come of it, which requests go on from.
   */
  constructor(wanted: Wanted, received: Received) {
    this.#wanted = wanted;
    this.#received = received;
  }

  /**
   * Asks for what has not come yet.
   *
   * @param connection The watch over this one request.
   * @param onPiece Is called after each piece.
   * @returns How it ended.
   * @throws {@link PruneError} `integrity`, `unsupported` or `file` if the bytes do not fit, or cannot be written.
   */
  async request(connection: Watch, onPiece: () => void): Promise<Outcome> {
    if (this.#received.length > 0 && !this.#canResume()) await this.#received.restart();
    const { url } = this.#wanted;
    const headers = this.#headers();
    const fetched = await settled(connection.waitFor(fetch(url, { headers, signal: connection.signal })));
    if ('reason' in fetched) {
      // Across origins a browser asks the host whether it may send If-Range, and not all hosts expect that.
      if ('If-Range' in headers) this.#sendIfRange = false;
      return fetched;
    }
    const response = fetched.value;
    const refused = this.#downgrade(response) ?? (await this.#judge(response, headers));
    if (refused !== undefined) return refused;
    const read = await this.#readBody(response, connection, onPiece);
    return read === 'whole' && response.status === 206 ? 'joined' : read;
  }

  /** Whether what comes next is sure to belong to what has come: by the version, or by the digest in the end. */
  #canResume(): boolean {
    if (this.#version?.encoded) return false;
    return this.#wanted.sha256 !== undefined || this.#version?.validator !== undefined;
  }

  #headers(): Record<string, string> {
    // Browsers leave this one to themselves.
    const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
    if (this.#received.length === 0) return headers;
    headers.Range = `bytes=${this.#received.length}-`;
    const validator = this.#version?.validator;
    if (validator !== undefined && this.#sendIfRange) headers['If-Range'] = validator;
    return headers;
  }

  /** Makes ready for the answer's body; or says how the request ended, if it has no body that is of use. */
  async #judge({ status, headers }: Response, sent: Record<string, string>): Promise<Outcome | undefined> {
    const resuming = 'Range' in sent;
    if (status === 200) {
      if (this.#received.length > 0) await this.#received.restart();
      this.#received.announce(lengthOf(headers));
      this.#version = versionOf(headers);
      return undefined;
    }
    if (status === 206 && resuming) return this.#judgePart(headers, 'If-Range' in sent);
    if (status === 416 && resuming) {
      const length = lengthBeyondRange(headers);
      if (length !== this.#received.length) return this.#again();
      this.#received.announce(length);
      return 'joined';
    }
    const reason = `the host answered ${status}`;
    if (mayPass(status)) return { reason, wait: retryAfter(headers.get('Retry-After')) };
    return { reason, final: true };
  }

  async #judgePart(headers: Headers, vouchedFor: boolean): Promise<Outcome | undefined> {
    const part = partOf(headers);
    const now = versionOf(headers);
    const before = this.#version?.validator;
    const comparable = now.validator !== undefined && before !== undefined;
    const same = comparable ? now.validator === before : vouchedFor || this.#wanted.sha256 !== undefined;
    const fits = part?.from === this.#received.length && part.total === (this.#received.total ?? part.total);
    if (fits && same && !now.encoded) {
      this.#received.announce(part.total);
      this.#version ??= now;
      return undefined;
    }
    return this.#again();
  }

  async #again(): Promise<Outcome> {
    await this.#received.restart();
    return 'again';
  }

  async #readBody(response: Response, connection: Watch, onPiece: () => void): Promise<Outcome> {
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const read = await settled(connection.waitFor(reader.read()));
      if ('reason' in read) return read;
      if (read.value.done) break;
      await this.#received.append(read.value.value);
      onPiece();
    }
    const { length, total } = this.#received;
    if (total === undefined || length === total) return 'whole';
    return { reason: `it ended after ${length} of ${total} bytes` };
  }

  /** A redirection that gives up encryption. */
  #downgrade({ url }: Response): Fault | undefined {
    if (!this.#wanted.url.startsWith('https:') || !url.startsWith('http:')) return undefined;
    return { reason: `it leads to ${url}, which is not encrypted`, final: true };
  }
}

/** Sets what the connection may throw apart from what our own code and the caller's may. */
function settled<T>(step: Promise<T>): Promise<{ readonly value: T } | Fault> {
  return step.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
}
