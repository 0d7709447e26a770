/** The kernels of `tfjs-prune/masks` in the wasm backend's memory, where there are any. */
import { CHUNK, type SplitKeys, splitKeys, WORTH_SPLITTING } from '../masks/bracket';
import type { DrawTurns } from '../masks/generator';
import { type PartitionBlocks, partitionBlocks } from '../masks/introselect';
import type { GatherWords, MaskKernels, ScatterBytes } from '../masks/kernels';
import { type Layout, positions } from '../masks/layout';
import type { NumberKeys } from '../masks/ties';
import { activeHeap, type Heap } from '../wasm/heap';
import { type Kernels, kernelsNow } from '../wasm/kernels';

/** What the kernels take at a time. */
const KEYS = 16;
const SIDE = 16;
const FOUR = 4;
const TURN = 624;

/** Where a chunk's keys are, the places of some of them, its mask, and the words of a generator with one to spare. */
interface Room {
  readonly keys: number;
  readonly list: number;
  readonly mask: number;
  readonly state: number;
  readonly table: number;
}

/** Sixteen vectors, and two lists of a block's keys with a vector to spare. */
const TABLE = 16 * 16 + 2 * (4 * 128 + 16);

const ROOM = CHUNK * (4 + 4 + 1) + 4 * TURN + 8 + TABLE;

/**
 * Lends the kernels, with memory for them, where there are enough entries to be worth it.
 *
 * @param total How many entries there are.
 * @param run What uses them. Views of the backend's memory must be taken inside, as that memory may have grown.
 * @returns What `run` returns.
 */
export function withMaskKernels<T>(total: number, run: (kernels: MaskKernels | undefined) => T): T {
  const heap = total < WORTH_SPLITTING ? undefined : activeHeap();
  const kernels = heap && kernelsNow(heap);
  const address = kernels && heap.allocate(ROOM);
  if (heap === undefined || kernels === undefined || address === undefined) return run(undefined);
  try {
    return run(kernelsIn(heap, kernels, address));
  } finally {
    heap.free(address);
  }
}

function kernelsIn(heap: Heap, kernels: Kernels, address: number): MaskKernels {
  const list = address + 4 * CHUNK;
  const mask = list + 4 * CHUNK;
  const state = mask + CHUNK;
  const room: Room = { keys: address, list, mask, state, table: state + 4 * TURN + 8 };
  new Uint8Array(heap.buffer).set(COMPACTIONS, room.table);
  return {
    split: splitIn(heap, kernels, room),
    drawTurns: drawIn(heap, kernels, room),
    scatterBytes: scatterIn(heap, kernels),
    gatherWords: gatherIn(heap, kernels, room),
    number: numberIn(heap, kernels, room),
    exchange: exchangeIn(heap, kernels, room),
    get chunk() {
      return new Int32Array(heap.buffer, address, CHUNK - (CHUNK % TURN));
    },
    withKeys: (count, run) =>
      withRoom(heap, 4 * count, (keys) => run(new Int32Array(heap.buffer, keys, count))),
  };
}

/** Runs something with memory of its own; returns whether there was any. */
function withRoom(heap: Heap, bytes: number, run: (address: number) => void): boolean {
  const address = heap.allocate(bytes);
  if (address === undefined) return false;
  try {
    run(address);
  } finally {
    heap.free(address);
  }
  return true;
}

/** For each choice of four words, the bytes that bring the chosen ones to the front. */
const COMPACTIONS: Uint8Array = compactions();

function compactions(): Uint8Array {
  const table = new Uint8Array(16 * 16);
  for (let chosen = 0; chosen < 16; chosen++) {
    const words = [0, 1, 2, 3].filter((word) => (chosen >> word) & 1);
    table.set(
      words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)),
      16 * chosen,
    );
  }
  return table;
}

function exchangeIn(heap: Heap, kernels: Kernels, room: Room): PartitionBlocks {
  return (keys, from, to, lowest, highest) => {
    if (keys.buffer !== heap.buffer) return partitionBlocks(keys, from, to, lowest, highest);
    const start = keys.byteOffset;
    const ends = kernels.partition(start + 4 * from, start + 4 * to, lowest, highest, room.table);
    const [left, right] = ends.map((address) => ((address >>> 0) - start) / 4);
    return { left: left!, right: right! };
  };
}

function splitIn(heap: Heap, kernels: Kernels, room: Room): SplitKeys {
  return (bits, bracket, mask, listed) => {
    const whole = bits.length - (bits.length % KEYS);
    const { buffer } = heap;
    let address = bits.byteOffset;
    if (bits.buffer !== buffer) {
      address = room.keys;
      new Int32Array(buffer, address, whole).set(bits.subarray(0, whole));
    }
    const end = address + 4 * whole;
    const [above, inside] = kernels.splitKeys(address, end, bracket.low, bracket.high, room.mask, room.list);
    mask.set(new Uint8Array(buffer, room.mask, whole));
    listed.set(new Int32Array(buffer, room.list, inside));
    const rest = splitKeys(bits.subarray(whole), bracket, mask.subarray(whole), listed.subarray(inside));
    for (let i = inside; i < inside + rest.inside; i++) listed[i]! += whole;
    return { above: above + rest.above, inside: inside + rest.inside };
  };
}

function drawIn(heap: Heap, kernels: Kernels, room: Room): DrawTurns {
  const most = CHUNK - (CHUNK % TURN);
  return (state, into) => {
    const { buffer } = heap;
    const held = new Uint32Array(buffer, room.state, TURN);
    held.set(state);
    for (let from = 0; from < into.length; from += most) {
      const part = into.subarray(from, from + most);
      const isHere = part.buffer === buffer;
      const address = isHere ? part.byteOffset : room.keys;
      kernels.drawTurns(room.state, address, address + 4 * part.length);
      if (!isHere) part.set(new Int32Array(buffer, address, part.length));
    }
    state.set(held);
    return true;
  };
}

function numberIn(heap: Heap, kernels: Kernels, room: Room): NumberKeys {
  return (keys, { threshold, bias, more }, places) => {
    const isTooMuch = places.length > CHUNK || keys.length % FOUR !== 0;
    if (isTooMuch || keys.buffer !== heap.buffer) return false;
    const end = keys.byteOffset + keys.byteLength;
    const count = kernels.numberKeys(keys.byteOffset, end, threshold, bias, more, room.list);
    places.set(new Int32Array(heap.buffer, room.list, count));
    return true;
  };
}

/** The positions of the columns of a layout whose rows lie one word or byte after the other; undefined for others. */
function columnsOf({ offsets }: Layout): { rows: number; columns: Int32Array } | undefined {
  const [rows, ...others] = offsets;
  if (rows === undefined || rows.some((offset, row) => offset !== row)) return undefined;
  return { rows: rows.length, columns: positions(others) };
}

function gatherIn(heap: Heap, kernels: Kernels, room: Room): GatherWords {
  return (source, layout, into) => {
    const { buffer } = heap;
    if (source.buffer !== buffer || into.buffer !== buffer) return false;
    const found = columnsOf(layout);
    if (found === undefined) return false;
    const { rows, columns } = found;
    const width = columns.length;
    const wholeRows = rows - (rows % SIDE);
    const wholeColumns = width - (width % FOUR);
    // Nothing may be allocated here: the memory could grow, and what is read and written be elsewhere.
    const table = room.list;
    if (wholeRows * wholeColumns === 0 || width > CHUNK) return false;
    new Int32Array(buffer, table, width).set(columns);
    kernels.gatherWords(source.byteOffset, table, wholeColumns, wholeRows, into.byteOffset, 4 * width);
    for (let r = 0; r < rows; r++) {
      const first = r < wholeRows ? wholeColumns : 0;
      for (let c = first; c < width; c++) into[r * width + c] = source[columns[c]! + r]!;
    }
    return true;
  };
}

function scatterIn(heap: Heap, kernels: Kernels): ScatterBytes {
  return (source, layout, into) => {
    const found = columnsOf(layout);
    if (found === undefined) return false;
    const { rows, columns } = found;
    const { size } = layout;
    const width = columns.length;
    const wholeRows = rows - (rows % SIDE);
    const wholeColumns = width - (width % SIDE);
    if (wholeRows * wholeColumns === 0) return false;
    const isDone = withRoom(heap, 2 * size + 4 * width, (table) => {
      const { buffer } = heap;
      const from = table + 4 * width;
      const to = from + size;
      new Int32Array(buffer, table, width).set(columns);
      new Uint8Array(buffer, from, size).set(source.subarray(0, size));
      kernels.scatterBytes(from, width, wholeRows, wholeColumns, table, to);
      into.set(new Uint8Array(buffer, to, size));
    });
    if (!isDone) return false;
    for (let r = 0; r < rows; r++) {
      const first = r < wholeRows ? wholeColumns : 0;
      for (let c = first; c < width; c++) into[columns[c]! + r] = source[r * width + c]!;
    }
    return true;
  };
}
