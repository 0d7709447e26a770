import { SingleBar } from 'cli-progress';

/** A download's progress on the terminal. */
export interface DownloadBar {
  /** To be handed to what downloads. */
  onProgress(fraction: number): void;
  /** Ends the bar, if there is one. */
  stop(): void;
}

/**
 * A bar for a download, which appears with the first bytes: never for a file that is in the cache.
 *
 * @param what What is downloaded.
 */
export function downloadBar(what: string): DownloadBar {
  const bar = new SingleBar({
    format: `${what} {bar} {percentage} %, {eta_formatted} left`,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  let isShown = false;
  return {
    onProgress(fraction) {
      if (!isShown && fraction > 0 && fraction < 1) {
        bar.start(1, 0);
        isShown = true;
      }
      if (isShown) bar.update(fraction);
    },
    stop() {
      if (isShown) bar.stop();
    },
  };
}
