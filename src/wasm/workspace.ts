import type { Heap } from './heap';

/** Bytes of a processor's cache line: a vector that lies across two of them takes two reads. */
export const LINE = 64;

/** Memory for what a kernel needs only while it runs: one piece for all of them, which grows to the largest need. */
export interface Workspace {
  /**
   * @param bytes How many.
   * @returns Their address, a multiple of 64, which holds anything; undefined where there is no memory left. Good until the next call.
   */
  reserve(bytes: number): number | undefined;
  free(): void;
}

/**
 * Makes a workspace, empty at first.
 *
 * @param heap Where it is.
 */
export function makeWorkspace(heap: Heap): Workspace {
  let address: number | undefined;
  let size = 0;
  const free = (): void => {
    if (address !== undefined) heap.free(address);
    address = undefined;
    size = 0;
  };
  return {
    reserve(bytes) {
      if (bytes > size) {
        free();
        address = heap.allocate(bytes + LINE);
        size = address === undefined ? 0 : bytes;
      }
      return address === undefined ? undefined : Math.ceil(address / LINE) * LINE;
    },
    free,
  };
}
