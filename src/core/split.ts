/** Splits keys by a kernel in the wasm backend's memory, where there is one. */
import { CHUNK, type SplitKeys, splitKeys } from '../masks/bracket';
import { activeHeap, type Heap } from '../wasm/heap';
import { type Kernels, kernelsNow } from '../wasm/kernels';

/** Keys that the kernel takes at a time. */
const STEP = 16;

/** A chunk's keys, the places of some of them, and its mask. */
const ROOM = CHUNK * (4 + 4 + 1);

/**
 * Lends a faster way to split keys, with memory for it.
 *
 * @param run What uses it. Views of the backend's memory must be taken inside, as that memory may have grown.
 * @returns What `run` returns.
 */
export function withSplit<T>(run: (split: SplitKeys | undefined) => T): T {
  const heap = activeHeap();
  const kernels = heap && kernelsNow(heap);
  const room = kernels && heap.allocate(ROOM);
  if (heap === undefined || kernels === undefined || room === undefined) return run(undefined);
  try {
    return run(splitIn(heap, kernels, room));
  } finally {
    heap.free(room);
  }
}

function splitIn(heap: Heap, kernels: Kernels, room: number): SplitKeys {
  const list = room + 4 * CHUNK;
  const bytes = list + 4 * CHUNK;
  return (bits, bracket, mask, listed) => {
    const whole = bits.length - (bits.length % STEP);
    const { buffer } = heap;
    let address = bits.byteOffset;
    if (bits.buffer !== buffer) {
      address = room;
      new Int32Array(buffer, room, whole).set(bits.subarray(0, whole));
    }
    const [above, inside] = kernels.splitKeys(
      address,
      address + 4 * whole,
      bracket.low,
      bracket.high,
      bytes,
      list,
    );
    mask.set(new Uint8Array(buffer, bytes, whole));
    listed.set(new Int32Array(buffer, list, inside));
    const rest = splitKeys(bits.subarray(whole), bracket, mask.subarray(whole), listed.subarray(inside));
    for (let i = inside; i < inside + rest.inside; i++) listed[i]! += whole;
    return { above: above + rest.above, inside: inside + rest.inside };
  };
}
