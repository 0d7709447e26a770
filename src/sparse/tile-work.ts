import type { RecordedKernels } from '../wasm/tape';
import type { Images } from './pixel-run';
import type { Engine } from './sparse-weight';
import type { TileStream } from './tile-stream';

/** What a convolution reads and writes, in the backend's memory. */
export interface Operands {
  /** The images. */
  readonly x: Images;
  /** The output. */
  readonly y: Images;
  /** A number for each output channel. */
  readonly bias: number;
  /** As many zeros as a channel of a tile has numbers. */
  readonly zeros: number;
  /** The packed kernel. */
  readonly packed: TileStream;
  /** Nothing below comes out. */
  readonly min: number;
  /** Nothing above comes out. */
  readonly max: number;
  /** Room for what is needed on the way. */
  readonly scratch: number;
}

/** Who computes. */
export type Workers = Pick<Engine, 'kernels' | 'team'>;

/** Parts for each thread, so that one which begins late leaves its parts to the others. */
const PARTS_PER_THREAD = 4;

/**
 * @param team Who computes.
 * @returns Into how many parts work is split at most.
 */
export function mostParts({ threads }: Engine['team']): number {
  return threads === 1 ? 1 : PARTS_PER_THREAD * threads;
}

/**
 * Splits work into parts.
 *
 * @param workers Who computes.
 * @param pieces Of the work.
 * @param work Does a part: the pieces from the first up to the first of the next.
 */
export function inParts(
  { kernels, team }: Workers,
  pieces: number,
  work: (kernels: RecordedKernels, first: number, next: number, part: number) => void,
): void {
  const parts = Math.min(pieces, mostParts(team));
  const first = (part: number): number => Math.floor((pieces * part) / parts);
  team.run(kernels, parts, (recorded, part) => work(recorded, first(part), first(part + 1), part));
}
