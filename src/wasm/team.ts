import type { Heap } from './heap';
import { makeTape, PLAY, type RecordedKernels } from './tape';

/** Makes the calls of one of several parts, which may be made in any order or at the same time. */
export type Part = (kernels: RecordedKernels, part: number) => void;

/** Threads that call kernels together. */
export interface Team {
  /** How many there are, the page's own included. */
  readonly threads: number;
  /**
   * Makes the calls of all parts, and waits for them.
   *
   * @param kernels The kernels for the page's own thread.
   * @param parts How many there are.
   * @param call Makes the calls of one.
   */
  run(kernels: RecordedKernels, parts: number, call: Part): void;
  /** Ends the other threads. */
  free(): void;
}

/** The page's own thread alone. */
export const ALONE: Team = { threads: 1, run: runAlone, free: () => undefined };

function runAlone(kernels: RecordedKernels, parts: number, call: Part): void {
  for (let part = 0; part < parts; part++) call(kernels, part);
}

/** As many parts as can be shared at a time, a power of two. */
const MOST_PARTS = 64;

/** Numbers that the calls of all parts may take: some ten thousand calls. */
const TAPE_LENGTH = 1 << 17;

/**
 * What all threads see, counted from the beginning: parts begun, parts there are, parts done, parts that failed; whether the
 * others are to end, and how many have.
 */
const [NEXT, END, DONE, FAILED, LEAVE, LEFT] = [0, 1, 2, 3, 4, 5];
const COUNTS = 6;

const PARTS_AT = 64;
const TAPE_AT = PARTS_AT + 8 * MOST_PARTS;
const BYTES = TAPE_AT + 8 * TAPE_LENGTH;

/** How long a thread may take to begin, and to end. */
const START_MS = 10_000;
const END_MS = 100;

/** What threads share, as addresses in the memory. */
interface Places {
  /** The counts. */
  readonly counts: number;
  /** For each part at a time, where its calls begin and end on the tape. */
  readonly parts: number;
  readonly tape: number;
}

/** What a thread runs: it takes parts as long as there are any, and sleeps until there are more. */
const SOURCE = `const play = ${PLAY};
onmessage = async ({ data: { modules, memory, counts, parts, tape } }) => {
  const kernels = {};
  for (const bytes of modules) {
    const { instance } = await WebAssembly.instantiate(bytes, { tfjs: { memory } });
    Object.assign(kernels, instance.exports);
  }
  const shared = new Int32Array(memory.buffer, counts, ${COUNTS});
  const places = new Int32Array(memory.buffer, parts, ${2 * MOST_PARTS});
  const numbers = new Float64Array(memory.buffer, tape, ${TAPE_LENGTH});
  postMessage('ready');
  while (Atomics.load(shared, ${LEAVE}) === 0) {
    // Read in this order, there never seem to be parts that are not there yet.
    const part = Atomics.load(shared, ${NEXT});
    const end = Atomics.load(shared, ${END});
    if (part === end) Atomics.wait(shared, ${END}, end);
    else if (Atomics.compareExchange(shared, ${NEXT}, part, (part + 1) | 0) === part) {
      const place = 2 * (part & ${MOST_PARTS - 1});
      try {
        play(kernels, numbers, places[place], places[place + 1]);
      } catch {
        Atomics.add(shared, ${FAILED}, 1);
      }
      Atomics.add(shared, ${DONE}, 1);
    }
  }
  Atomics.add(shared, ${LEFT}, 1);
};`;

/**
 * Starts threads that share the backend's memory with the page's own.
 *
 * @param heap The memory.
 * @param modules The bytes of the kernels' modules; a later one replaces kernels of those before.
 * @param threads How many there are to be, the page's own included.
 * @returns The team, to be freed; the page's own thread {@link ALONE} where the memory is not shared or does not suffice, and
 * where a content security policy or the engine allows no more threads.
 */
export async function startTeam(heap: Heap, modules: readonly Uint8Array[], threads: number): Promise<Team> {
  const { memory } = heap;
  const canStart = typeof Worker !== 'undefined' && typeof SharedArrayBuffer !== 'undefined';
  if (threads < 2 || !canStart || !(memory?.buffer instanceof SharedArrayBuffer)) return ALONE;
  const address = heap.allocate(BYTES + PARTS_AT);
  if (address === undefined) return ALONE;
  const counts = Math.ceil(address / PARTS_AT) * PARTS_AT;
  const places: Places = { counts, parts: counts + PARTS_AT, tape: counts + TAPE_AT };
  const shared = new Int32Array(heap.buffer, counts, COUNTS);
  shared.fill(0);
  const workers: Worker[] = [];
  const free = (): void => {
    // Memory that a thread may still read is not given back: ending one takes its time.
    if (allLeave(shared, workers.length)) heap.free(address);
    for (const worker of workers) worker.terminate();
  };
  const url = URL.createObjectURL(new Blob([SOURCE], { type: 'text/javascript' }));
  try {
    for (let i = 1; i < threads; i++) workers.push(new Worker(url));
    await Promise.all(workers.map((worker) => start(worker, { modules, memory, ...places })));
  } catch {
    free();
    return ALONE;
  } finally {
    URL.revokeObjectURL(url);
  }
  return { threads, run: sharing(heap, places), free };
}

/** Lets the other threads end, and says whether all of them have: then they use the memory no more. */
function allLeave(shared: Int32Array, threads: number): boolean {
  Atomics.store(shared, LEAVE, 1);
  Atomics.notify(shared, END);
  const latest = performance.now() + END_MS;
  while (Atomics.load(shared, LEFT) < threads) if (performance.now() > latest) return false;
  return true;
}

function start(worker: Worker, message: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, START_MS);
    worker.onmessage = () => {
      clearTimeout(timer);
      resolve();
    };
    worker.onerror = reject;
    worker.postMessage(message);
  });
}

/** Lets nobody begin another part, and waits for those that are begun. */
function giveUp(shared: Int32Array, end: number): void {
  for (let part = Atomics.load(shared, NEXT); part !== end; part = Atomics.load(shared, NEXT)) {
    if (Atomics.compareExchange(shared, NEXT, part, (part + 1) | 0) === part) Atomics.add(shared, DONE, 1);
  }
  while (Atomics.load(shared, DONE) !== end);
}

/** How a page's own thread shares parts with the others: it writes them down, and takes of them itself. */
function sharing(heap: Heap, places: Places): Team['run'] {
  const shared = new Int32Array(heap.buffer, places.counts, COUNTS);
  const ends = new Int32Array(heap.buffer, places.parts, 2 * MOST_PARTS);
  const tape = makeTape(new Float64Array(heap.buffer, places.tape, TAPE_LENGTH));

  const write = (first: number, parts: number, call: Part): void => {
    tape.clear();
    for (let part = 0; part < parts; part++) {
      const place = 2 * ((first + part) & (MOST_PARTS - 1));
      ends[place] = tape.position;
      call(tape.kernels, part);
      ends[place + 1] = tape.position;
    }
  };

  return (kernels, parts, call) => {
    const canShare = parts > 1 && parts <= MOST_PARTS && Atomics.load(shared, FAILED) === 0;
    const first = Atomics.load(shared, END);
    if (canShare) write(first, parts, call);
    if (!canShare || tape.isFull) return runAlone(kernels, parts, call);
    const end = (first + parts) | 0;
    Atomics.store(shared, END, end);
    Atomics.notify(shared, END);
    for (let part = first; part !== end; part = Atomics.load(shared, NEXT)) {
      if (Atomics.compareExchange(shared, NEXT, part, (part + 1) | 0) !== part) continue;
      try {
        call(kernels, (part - first) | 0);
      } catch (error) {
        Atomics.add(shared, FAILED, 1);
        Atomics.add(shared, DONE, 1);
        giveUp(shared, end);
        throw error;
      }
      Atomics.add(shared, DONE, 1);
    }
    // A page's own thread may not sleep; what others have begun is a part each.
    while (Atomics.load(shared, DONE) !== end);
    // What fails on another thread fails here too, and says so.
    if (Atomics.load(shared, FAILED) > 0) runAlone(kernels, parts, call);
  };
}
