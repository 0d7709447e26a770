import { PruneError } from '../../errors';
import { wrongDigest } from './integrity';
import { type Pace, pause, pauseAfter } from './pace';
import type { Received } from './received';
import type { Wanted } from './remote-file';
import { type Fault, type Outcome, Requester } from './request';
import { watch } from './watch';

/** A try that has brought the file on by this many bytes is no failure: long downloads may break off often. */
const GETTING_ON = 2 ** 20;

/** What a transfer needs besides the file. */
export interface TransferOptions {
  readonly signal: AbortSignal | undefined;
  readonly pace: Pace;
  /** Is called after each piece. */
  readonly onPiece: () => void;
  /** What to do if it cannot be downloaded, as a sentence. */
  readonly byHand: string;
}

/**
 * Downloads a file: again and again until it is whole, going on from what has come where that is safe, and no longer than
 * there is hope. Then checks its digest.
 *
 * @param wanted The file.
 * @param received Takes the bytes; may hold the first of them already.
 * @param options The caller's signal and how patient to be.
 * @throws {@link PruneError} `network` if it cannot be had, `integrity` if it is not the file wanted; the signal's reason.
 */
export async function transfer(wanted: Wanted, received: Received, options: TransferOptions): Promise<void> {
  const requester = new Requester(wanted, received);
  let failures = 0;
  let most = received.length;
  for (;;) {
    const outcome = await tryOnce(requester, options);
    if (outcome === 'whole' || outcome === 'joined') {
      const digest = await wrongDigest(wanted, received.whole());
      if (digest === undefined) return;
      if (outcome === 'whole') throw wrongFile(wanted, digest);
      // The parts may be of different files, though the host did not say so.
      await received.restart();
    } else if (outcome !== 'again') {
      failures = received.length >= most + GETTING_ON ? 1 : failures + 1;
      most = Math.max(most, received.length);
      await pauseOrFail(outcome, failures, wanted, options);
    }
  }
}

async function tryOnce(requester: Requester, { signal, pace, onPiece }: TransferOptions): Promise<Outcome> {
  const connection = watch(pace.stall, signal);
  try {
    return await requester.request(connection, onPiece);
  } finally {
    connection.close();
    signal?.throwIfAborted();
  }
}

async function pauseOrFail(
  { reason, wait = 0, final = false }: Fault,
  failures: number,
  wanted: Wanted,
  { signal, pace, byHand }: TransferOptions,
): Promise<void> {
  const hopeless = final || failures >= pace.failures || wait > pace.longestPause;
  if (!hopeless) return pause(Math.max(wait, pauseAfter(failures, pace)), signal);
  const tries = failures > 1 ? `, ${failures} times in a row` : '';
  const asked = wait > 0 ? ` and asks to come back in ${Math.ceil(wait / 1000)} s` : '';
  throw new PruneError(
    'network',
    `Cannot download ${wanted.url}: ${inWords(reason)}${asked}${tries}. ${byHand}`,
    {
      given: wanted.url,
      cause: reason,
    },
  );
}

/** An error's message with those of its causes, since fetch says no more than that it failed. */
function inWords(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  // What Node throws for a host of several addresses has no message of its own.
  if (reason instanceof AggregateError && reason.message === '') return reason.errors.map(inWords).join('; ');
  if (reason.cause !== undefined) return `${reason.message}: ${inWords(reason.cause)}`;
  // What fetch throws in a browser, whatever has happened.
  if (!(reason instanceof TypeError)) return reason.message;
  return `${reason.message} (no connection, or a host that does not let other sites read its files)`;
}

function wrongFile({ url, sha256: expected = '' }: Wanted, digest: string): PruneError {
  const message =
    `${url} is not the file expected: its SHA-256 should start with ${expected}, but is ${digest}. Nothing was kept. ` +
    'If the digits in its name are no SHA-256, pass { url, sha256: false }.';
  return new PruneError('integrity', message, { given: digest, allowed: expected });
}
