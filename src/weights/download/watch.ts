/** A connection that is given up when nothing comes, or when the caller no longer wants it. */
export interface Watch {
  /** Ends what it is passed to. */
  readonly signal: AbortSignal;
  /** Waits for the connection, and gives it up after too long a silence. */
  waitFor<T>(step: Promise<T>): Promise<T>;
  /** Closes the connection, if it is still open. */
  close(): void;
}

/**
 * Watches over a connection.
 *
 * @param stall How many milliseconds of silence count as its end.
 * @param caller The caller's own signal.
 * @returns The watch; the caller closes it.
 */
export function watch(stall: number, caller: AbortSignal | undefined): Watch {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(caller?.reason);
  caller?.addEventListener('abort', onAbort, { once: true });
  if (caller?.aborted) onAbort();
  return {
    signal: controller.signal,
    async waitFor(step) {
      const silence = new Error(`no byte came for ${stall / 1000} s`);
      const timer = setTimeout(() => controller.abort(silence), stall);
      try {
        return await step;
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      caller?.removeEventListener('abort', onAbort);
      controller.abort();
    },
  };
}
