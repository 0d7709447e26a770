/** How patient a download is. All times are in milliseconds. */
export interface Pace {
  /** How often in a row it may fail without getting on. */
  readonly failures: number;
  /** The pause after the first failure; each that follows is twice as long. */
  readonly firstPause: number;
  /** The longest pause, also if the host asks for a longer one. */
  readonly longestPause: number;
  /** After this long without a byte a connection counts as lost. */
  readonly stall: number;
}

/** As patient as people are. */
export const PACE: Pace = { failures: 5, firstPause: 500, longestPause: 60_000, stall: 30_000 };

/**
 * How long to wait before the next try: twice as long each time, and at random between half of that and all of it, so
 * that many who were cut off together do not come back together.
 *
 * @param failures How often it has failed in a row; 1 or more.
 * @param pace The first and the longest pause.
 * @returns Milliseconds.
 */
export function pauseAfter(failures: number, { firstPause, longestPause }: Pace): number {
  const pause = Math.min(firstPause * 2 ** (failures - 1), longestPause);
  return pause * (0.5 + 0.5 * Math.random());
}

/**
 * How long a host asks to wait (RFC 9110, section 10.2.3).
 *
 * @param header Its Retry-After header: seconds or a date.
 * @returns Milliseconds; undefined if it does not say, or nothing that can be understood.
 */
export function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(date - Date.now(), 0);
}

/**
 * Waits.
 *
 * @param milliseconds How long.
 * @param signal Ends the wait when it is aborted.
 * @throws The signal's reason.
 */
export function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
