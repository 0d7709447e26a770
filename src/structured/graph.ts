/** Which channels of a model live and die together: plain data that knows nothing of the model any more. */

/** What a weight does with the channels along one of its axes. */
export type Role =
  /** It makes them. */
  | 'out'
  /** It reads them. */
  | 'in'
  /** It works on each by itself. */
  | 'through';

/** One axis of one weight, and the channel at each of its indices. */
export interface WeightAxis {
  /** The layer, by its path: the names of the models around it and its own, with slashes between. */
  readonly layer: string;
  /** The weight, by tfjs's name, such as `kernel` or `forwardLayer.recurrentKernel`. */
  readonly weight: string;
  readonly axis: number;
  readonly role: Role;
  /** For each index along the axis the channel's number in the graph. */
  readonly channels: Int32Array;
}

/** An option of a layer that says how many channels there are. */
export interface SizeOption {
  /** The layer, by its path. */
  readonly layer: string;
  /** Where the option is in the layer's configuration. */
  readonly option: ReadonlyArray<string | number>;
  /** The channels that it counts, by their numbers in the graph. */
  readonly channels: Int32Array;
}

/** How often each value of a weight takes part in a multiplication, in one run of the model. */
export interface WeightUse {
  readonly layer: string;
  readonly weight: string;
  readonly times: number;
}

/** One call of a layer, and the channels of what goes into it. */
export interface GraphCall {
  /** The layer, by its path. */
  readonly layer: string;
  /** tfjs's number of what it gives, which tells the calls of a layer apart. */
  readonly output: number;
  /** For each input and each of its axes the channels along it; undefined where its size stays. */
  readonly inputs: ReadonlyArray<ReadonlyArray<Int32Array | undefined>>;
}

/** Channels that the same layers make. */
export interface ChannelGroup {
  /** The first layer that makes them, by its path. */
  readonly id: string;
  /** All layers that make them. */
  readonly layers: readonly string[];
  /** For each channel of the group its number in the graph. */
  readonly channels: Int32Array;
  /** What keeps all or some of them; by the reason, the channels of the group. */
  readonly pinned: ReadonlyMap<string, readonly number[]>;
  /** What computes a result from all of them, which others depend on: without one of them those change. As `pinned`. */
  readonly mixed: ReadonlyMap<string, readonly number[]>;
}

/** The channels of a model and everything that depends on their number. */
export interface ChannelGraph {
  /** A hash of the model's layers, their options, their weights' shapes and how they are connected. */
  readonly topology: string;
  /** How many channels there are. Those that live and die together have one number. */
  readonly size: number;
  readonly groups: readonly ChannelGroup[];
  readonly weights: readonly WeightAxis[];
  readonly options: readonly SizeOption[];
  readonly calls: readonly GraphCall[];
  /** The shapes of all weights, by layer and weight with a colon between. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** The same, and what the model's weights multiply. */
export interface CountedGraph extends ChannelGraph {
  readonly uses: readonly WeightUse[];
}

/**
 * How many multiplications the weights take part in.
 *
 * @param graph A model's channels and uses.
 * @param isRemoved For each number of a channel 1 where it goes; undefined where all stay.
 * @returns The MACs of one sample.
 */
export function macsOf(graph: CountedGraph, isRemoved?: Uint8Array): number {
  const shapes = new Map([...graph.shapes].map(([key, shape]) => [key, [...shape]]));
  if (isRemoved !== undefined) {
    for (const { layer, weight, axis, channels } of graph.weights) {
      const shape = shapes.get(`${layer}:${weight}`);
      if (shape !== undefined) shape[axis] = countKept(channels, isRemoved);
    }
  }
  return graph.uses.reduce((sum, { layer, weight, times }) => {
    const shape = shapes.get(`${layer}:${weight}`) ?? [0];
    return sum + times * shape.reduce((size, n) => size * n, 1);
  }, 0);
}

/**
 * @param channels Numbers of channels.
 * @param isRemoved For each number 1 where it goes.
 * @returns How many stay.
 */
export function countKept(channels: Int32Array, isRemoved: Uint8Array): number {
  let kept = 0;
  for (let i = 0; i < channels.length; i++) kept += 1 - isRemoved[channels[i]!]!;
  return kept;
}
