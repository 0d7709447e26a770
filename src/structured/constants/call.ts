/** A call of a layer, as constants go through it. */
import { type Constants, hasKnown, unknown } from './constant';

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
  /**
   * Whether zeros that layers put around what comes in are taken to continue it, to tell what is constant but for the borders.
   */
  readonly isContinued: boolean;
}

/** Says what is known of what a call gives. */
export type ConstantRule = (call: ConstantCall) => Constants | Constants[];

/** @returns The shape of the first thing that a call gives. */
export const shapeAfter = ({ outputShapes }: ConstantCall): readonly number[] => outputShapes[0]!;

/** @returns The axis of channels of what a layer takes and gives, of so many axes. */
export function channelAxisOf(layer: object, rank: number): number {
  return Reflect.get(layer, 'dataFormat') === 'channelsFirst' ? 1 : rank - 1;
}

/** A layer that is not followed loses what is known. */
export const notFollowed: ConstantRule = ({ path, className, inputs, outputShapes }) => {
  const why = `'${path}' is a ${className}, through which constants are not followed`;
  return outputShapes.map((shape) => unknown(shape, inputs.some(hasKnown) ? why : undefined));
};
