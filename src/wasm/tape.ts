/** Calls of kernels, written down for other threads to make. */
import type { Kernels } from './kernels';

/** What other threads can be asked for. */
export type RecordedKernels = Pick<
  Kernels,
  'sparseTile' | 'sparseTileNear' | 'sparseBlock8' | 'sparseBlock16' | 'toPlanes' | 'toPixels' | 'copyLanes'
>;

type Name = keyof RecordedKernels;

/** How many numbers each kernel takes. */
const ARITIES: Readonly<Record<Name, number>> = {
  sparseTile: 9,
  sparseTileNear: 9,
  sparseBlock8: 11,
  sparseBlock16: 11,
  toPlanes: 6,
  toPixels: 6,
  copyLanes: 7,
};

const NAMES: readonly Name[] = [
  'sparseTile',
  'sparseTileNear',
  'sparseBlock8',
  'sparseBlock16',
  'toPlanes',
  'toPixels',
  'copyLanes',
];

/** Numbers of a call at most, that of its kernel included. */
const LONGEST = 1 + Math.max(...Object.values(ARITIES));

/** Calls, as numbers: of each that of its kernel, and what it is called with. */
export interface Tape {
  /** Where the next call begins. */
  readonly position: number;
  /** Whether there was no room for all of them. */
  readonly isFull: boolean;
  /** Write down what they are called with. */
  readonly kernels: RecordedKernels;
  /** Forgets all calls. */
  clear(): void;
}

/**
 * Makes an empty tape.
 *
 * @param numbers Where calls are written down.
 */
export function makeTape(numbers: Float64Array): Tape {
  let position = 0;
  let isFull = false;
  const write = (kernel: number, given: readonly number[]): void => {
    isFull ||= position + LONGEST > numbers.length;
    if (isFull) return;
    numbers[position++] = kernel;
    for (let i = 0; i < given.length; i++) numbers[position++] = given[i]!;
  };
  const writer = (name: Name): ((...given: number[]) => void) => {
    const kernel = NAMES.indexOf(name);
    return (...given) => write(kernel, given);
  };
  return {
    get position() {
      return position;
    },
    get isFull() {
      return isFull;
    },
    kernels: {
      sparseTile: writer('sparseTile'),
      sparseTileNear: writer('sparseTileNear'),
      sparseBlock8: writer('sparseBlock8'),
      sparseBlock16: writer('sparseBlock16'),
      toPlanes: writer('toPlanes'),
      toPixels: writer('toPixels'),
      copyLanes: writer('copyLanes'),
    },
    clear() {
      position = 0;
      isFull = false;
    },
  };
}

/**
 * The text of a JavaScript function that makes the calls of a tape, for a thread that shares no code with the page. It
 * takes the kernels, the tape's numbers, and where its first call begins and its last one ends.
 */
export const PLAY: string = `(kernels, numbers, at, end) => {
  while (at < end) switch (numbers[at]) {
    ${NAMES.map(playing).join('\n    ')}
  }
}`;

function playing(name: Name, kernel: number): string {
  const given = Array.from({ length: ARITIES[name] }, (_, i) => `numbers[at + ${i + 1}]`);
  return `case ${kernel}: kernels.${name}(${given.join(', ')}); at += ${1 + given.length}; break;`;
}
