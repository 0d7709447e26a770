import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { call, randomize, type Symbolic } from './fold-models';

/** A layer before a batch normalisation. */
type Kind = 'conv' | 'depthwise' | 'separable' | 'transpose' | 'dense';

/** A part of a network, over images whose size and channels it keeps. */
export type Part =
  /** A layer, perhaps with an activation, and batch normalisations after it. */
  | { readonly part: 'block'; readonly kind: Kind; readonly norms: number; readonly isActive: boolean }
  /** What comes out of the branch, added to what went in. */
  | { readonly part: 'residual'; readonly branch: readonly Part[] }
  /** A layer that is called twice, normalised after each. */
  | { readonly part: 'shared'; readonly kind: Kind }
  /** A model of its own. */
  | { readonly part: 'nested'; readonly parts: readonly Part[]; readonly isSequential: boolean }
  /** A block whose layer's output is an output of the model too. */
  | { readonly part: 'tapped'; readonly kind: Kind }
  | { readonly part: 'relu' | 'dropout' | 'padding' };

const kind = fc.constantFrom<Kind>('conv', 'depthwise', 'separable', 'transpose', 'dense');
const block = fc.record({
  part: fc.constant('block' as const),
  kind,
  norms: fc.integer({ min: 0, max: 2 }),
  isActive: fc.boolean(),
});
const small = fc.record({ part: fc.constantFrom('relu' as const, 'dropout' as const, 'padding' as const) });

const { parts } = fc.letrec<{ part: Part; parts: Part[] }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    block,
    small,
    fc.record({ part: fc.constant('shared' as const), kind }),
    fc.record({ part: fc.constant('residual' as const), branch: tie('parts') }),
    fc.record({ part: fc.constant('nested' as const), parts: tie('parts'), isSequential: fc.boolean() }),
    fc.record({ part: fc.constant('tapped' as const), kind }),
  ),
  parts: fc.array(tie('part'), { minLength: 1, maxLength: 4 }),
}));

/** Networks of any parts, with the seed of their weights. */
export const architecture = fc.record({ parts, seed: fc.integer({ min: 1, max: 1000 }) });

/** A network, and how many of its batch normalisations can be folded. */
export interface Architecture {
  readonly model: tf.LayersModel;
  readonly foldable: number;
}

const CHANNELS = 3;

function layerOf(of: Kind, isActive = false): tf.layers.Layer {
  const options = { padding: 'same', kernelSize: 3, activation: isActive ? 'tanh' : 'linear' } as const;
  switch (of) {
    case 'conv':
      return tf.layers.conv2d({ ...options, filters: CHANNELS, useBias: false });
    case 'depthwise':
      return tf.layers.depthwiseConv2d(options);
    case 'separable':
      return tf.layers.separableConv2d({ ...options, filters: CHANNELS });
    case 'transpose':
      return tf.layers.conv2dTranspose({ ...options, filters: CHANNELS });
    case 'dense':
      return tf.layers.dense({ units: CHANNELS, activation: options.activation });
  }
}

const norm = (): tf.layers.Layer => tf.layers.batchNormalization({ epsilon: 0.01 });

/** The layers of a part that is a chain, and how many of its batch normalisations can be folded; undefined for others. */
function chainOf(part: Part): { layers: tf.layers.Layer[]; foldable: number } | undefined {
  switch (part.part) {
    case 'block': {
      const norms = Array.from({ length: part.norms }, norm);
      return {
        layers: [layerOf(part.kind, part.isActive), ...norms],
        foldable: part.isActive ? 0 : part.norms,
      };
    }
    case 'relu':
      return { layers: [tf.layers.reLU()], foldable: 0 };
    case 'dropout':
      return { layers: [tf.layers.dropout({ rate: 0.5 })], foldable: 0 };
    case 'padding':
      return {
        layers: [
          tf.layers.zeroPadding2d({ padding: 1 }),
          tf.layers.conv2d({ filters: CHANNELS, kernelSize: 3 }),
          norm(),
        ],
        foldable: 1,
      };
    default:
      return undefined;
  }
}

/**
 * Builds a network with random weights.
 *
 * @param description Its parts.
 */
export function build(description: { parts: readonly Part[]; seed: number }): Architecture {
  const taps: Symbolic[] = [];
  let foldable = 0;
  const extend = (input: Symbolic, part: Part, isWithin: boolean): Symbolic => {
    const chain = chainOf(part);
    if (chain !== undefined) {
      foldable += chain.foldable;
      return chain.layers.reduce((x, layer) => call(layer, x), input);
    }
    switch (part.part) {
      case 'residual':
        return call(tf.layers.add(), [
          input,
          part.branch.reduce((x, each) => extend(x, each, isWithin), input),
        ]);
      case 'shared': {
        const shared = layerOf(part.kind);
        return call(norm(), call(shared, call(norm(), call(shared, call(tf.layers.reLU(), input)))));
      }
      case 'tapped': {
        const y = call(layerOf(part.kind), input);
        if (isWithin) foldable++;
        else taps.push(y);
        return call(norm(), y);
      }
      case 'nested':
        return call(nestedOf(part), input);
      default:
        throw new Error(`Not a part: ${part.part}.`);
    }
  };
  const nestedOf = ({ parts: within, isSequential }: Extract<Part, { part: 'nested' }>): tf.LayersModel => {
    const chains = within.map(chainOf);
    if (isSequential && chains.every((chain) => chain !== undefined)) {
      const layers = chains.flatMap((chain) => chain!.layers);
      foldable += chains.reduce((sum, chain) => sum + chain!.foldable, 0);
      const first = tf.layers.inputLayer({ inputShape: [5, 6, CHANNELS] });
      return tf.sequential({ layers: [first, ...layers] });
    }
    const input = tf.input({ shape: [5, 6, CHANNELS] });
    return tf.model({
      inputs: input,
      outputs: within.reduce((x, each) => extend(x, each, true), call(tf.layers.reLU(), input)),
    });
  };
  const image = tf.input({ shape: [5, 6, CHANNELS] });
  const start = call(tf.layers.activation({ activation: 'linear' }), image);
  const end = description.parts.reduce((x, part) => extend(x, part, false), start);
  const features = call(tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }), end);
  const outputs = [call(tf.layers.dense({ units: 4 }), features), ...taps];
  return { model: randomize(tf.model({ inputs: image, outputs }), description.seed), foldable };
}
