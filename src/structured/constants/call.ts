/** A call of a layer, as constants go through it. */
import type { Constants } from './constant';

/** One call of one layer; of a TimeDistributed, of the layer within at one step. */
export interface ConstantCall {
  readonly layer: object;
  readonly className: string;
  /** The path that plans know the layer by. */
  readonly path: string;
  readonly inputs: readonly Constants[];
  /** With a batch of one first. */
  readonly outputShapes: ReadonlyArray<readonly number[]>;
  readonly model: ModelTraits;
}

/** What is to be known of the model as a whole. */
export interface ModelTraits {
  /** Whether it leaves sizes open, so that other inputs may have others. */
  readonly isOpen: boolean;
  /** Whether it masks steps, which recurrent layers then leave out. */
  readonly hasMasks: boolean;
}

/** Says what is known of what a call gives. */
export type ConstantRule = (call: ConstantCall) => Constants | Constants[];

/** @returns The shape of the first thing that a call gives. */
export const shapeAfter = ({ outputShapes }: ConstantCall): readonly number[] => outputShapes[0]!;

/** @returns The axis of channels of what a layer takes and gives, of so many axes. */
export function channelAxisOf(layer: object, rank: number): number {
  return Reflect.get(layer, 'dataFormat') === 'channelsFirst' ? 1 : rank - 1;
}

/** @returns The sizes of a shape along the axes that a kernel goes over. */
export function positionsOf(shape: readonly number[], channelAxis: number): number[] {
  return shape.filter((_, axis) => axis !== 0 && axis !== channelAxis);
}
