/** Follows channels through a model: numbers them, joins those that depend on each other, and notes who counts them. */
import type { Role, SizeOption, WeightAxis } from './graph';

/** A tensor: its sizes, null where any may be, and the channels along those axes whose size can change. */
export interface Traced {
  readonly shape: ReadonlyArray<number | null>;
  readonly axes: ReadonlyArray<Int32Array | undefined>;
}

/** What is known of the channels so far. */
export interface Tracer {
  /** For each channel another one that it lives and dies with, or itself. */
  readonly parents: number[];
  /** The layer that makes each; empty for those that only stand for something that stays. */
  readonly makers: string[];
  /** By the reason, the channels that stay. */
  readonly pins: Map<string, number[]>;
  /** By the reason, the channels without which others would change. */
  readonly mixes: Map<string, number[]>;
  readonly made: Map<string, Int32Array>;
  readonly weights: Map<string, WeightAxis>;
  readonly options: Map<string, SizeOption>;
  /** What has met something that cannot shrink, of all that is in `weights` and `options` or may come to be there. */
  readonly fixed: Set<string>;
}

/** One call of a layer. */
export interface Call {
  readonly tracer: Tracer;
  readonly layer: object;
  readonly className: string;
  /** Its name, after those of the models around it. */
  readonly path: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Where the configuration is in that of the layer at the path: somewhere else only within a wrapper. */
  readonly within: readonly string[];
  readonly inputs: readonly Traced[];
  readonly outputs: ReadonlyArray<ReadonlyArray<number | null>>;
  /** The shape of a weight, by tfjs's name; undefined where there is none. */
  readonly shapeOf: (weight: string) => readonly number[] | undefined;
}

/** The axes of each output of a call. */
export type Axes = ReadonlyArray<Int32Array | undefined>;

/** Says what a call does to channels. */
export type Rule = (call: Call) => Axes[];

/** @returns What is known before anything was followed. */
export function makeTracer(): Tracer {
  return {
    parents: [],
    makers: [],
    pins: new Map(),
    mixes: new Map(),
    made: new Map(),
    weights: new Map(),
    options: new Map(),
    fixed: new Set(),
  };
}

/** @returns The one that stands for all channels that live and die with a channel. */
export function root({ parents }: Tracer, channel: number): number {
  let at = channel;
  while (parents[at] !== at) {
    parents[at] = parents[parents[at]!]!;
    at = parents[at]!;
  }
  return at;
}

/** Lets channels live and die together, pair by pair. */
export function join(tracer: Tracer, a: Int32Array, b: Int32Array): void {
  for (let i = 0; i < a.length; i++) {
    const [first, second] = [root(tracer, a[i]!), root(tracer, b[i]!)];
    // The earlier one stands for both, so that numbers follow the model's order.
    tracer.parents[Math.max(first, second)] = Math.min(first, second);
  }
}

/** @returns New channels. */
export function fresh({ parents, makers }: Tracer, count: number, maker: string): Int32Array {
  return Int32Array.from({ length: count }, () => {
    makers.push(maker);
    return parents.push(parents.length) - 1;
  });
}

/** @returns The channels that a layer makes: the same ones in each of its calls. */
export function made({ tracer, path }: Call, count: number): Int32Array {
  const known = tracer.made.get(path);
  if (known !== undefined) return known;
  const channels = fresh(tracer, count, path);
  tracer.made.set(path, channels);
  return channels;
}

/** Keeps channels. */
export function pin({ pins }: Tracer, channels: Int32Array | undefined, reason: string): void {
  add(pins, channels, reason);
}

/** Notes channels that a result is computed from which others depend on. */
export function mix({ mixes }: Tracer, channels: Int32Array | undefined, reason: string): void {
  add(mixes, channels, reason);
}

function add(all: Map<string, number[]>, channels: Int32Array | undefined, reason: string): void {
  if (channels === undefined || channels.length === 0) return;
  const known = all.get(reason) ?? [];
  for (const channel of channels) known.push(channel);
  all.set(reason, known);
}

/** Keeps the channels along all axes of a tensor but those that are excepted. */
export function pinAxes(
  tracer: Tracer,
  { axes }: Traced,
  reason: string,
  except: readonly number[] = [],
): void {
  axes.forEach((channels, axis) => {
    if (!except.includes(axis)) pin(tracer, channels, reason);
  });
}

/**
 * Notes the channels along an axis of a weight. Where one call of a layer brings channels that can go and another something
 * that cannot shrink, they stay.
 */
export function noteWeight(
  call: Call,
  weight: string,
  axis: number,
  role: Role,
  channels: Int32Array | undefined,
): void {
  const { tracer, path, shapeOf } = call;
  if (shapeOf(weight) === undefined) return;
  const key = `${path}:${weight}:${axis}`;
  const known = tracer.weights.get(key);
  meet(call, key, known?.channels, channels);
  if (known === undefined && channels !== undefined) {
    tracer.weights.set(key, { layer: path, weight, axis, role, channels });
  }
}

/** Notes an option that counts channels. */
export function noteOption(
  call: Call,
  option: ReadonlyArray<string | number>,
  channels: Int32Array | undefined,
): void {
  const { tracer, path, within } = call;
  const key = `${path}:${option.join('.')}`;
  const known = tracer.options.get(key);
  meet(call, key, known?.channels, channels);
  if (known === undefined && channels !== undefined) {
    tracer.options.set(key, { layer: path, option: [...within, ...option], channels });
  }
}

function meet(
  { tracer, path }: Call,
  key: string,
  known: Int32Array | undefined,
  channels: Int32Array | undefined,
): void {
  const isSame = known === undefined || known.length === channels?.length;
  if (channels === undefined || !isSame) tracer.fixed.add(key);
  else if (known !== undefined) join(tracer, known, channels);
  if (!tracer.fixed.has(key)) return;
  for (const each of [known, channels]) {
    pin(tracer, each, `'${path}' is also called on something that cannot shrink`);
  }
}

/** @returns Each channel several times in a row. */
export function repeated(channels: Int32Array | undefined, times: number): Int32Array | undefined {
  return (
    channels &&
    Int32Array.from({ length: channels.length * times }, (_, i) => channels[Math.floor(i / times)]!)
  );
}

/** @returns The channels over and over. */
export function tiled(channels: Int32Array, times: number): Int32Array {
  return Int32Array.from({ length: channels.length * times }, (_, i) => channels[i % channels.length]!);
}

/** tfjs's activations that treat each value by itself. */
const ELEMENTWISE: ReadonlySet<unknown> = new Set([
  ...['linear', 'relu', 'relu6', 'elu', 'selu', 'gelu', 'gelu_new', 'swish', 'mish'],
  ...['sigmoid', 'hardSigmoid', 'tanh', 'softplus', 'softsign'],
]);

/** Whether an activation is known to treat each value by itself; none at all does. */
export function isElementwise(activation: unknown): boolean {
  return activation === undefined || activation === null || ELEMENTWISE.has(activation);
}

/** Notes channels that an activation mixes, and keeps those that it may mix. */
export function noteActivation(call: Call, activation: unknown, channels: Int32Array | undefined): void {
  if (isElementwise(activation)) return;
  if (activation === 'softmax' || activation === 'logSoftmax') mixBySoftmax(call, channels);
  else pin(call.tracer, channels, `the activation '${activation}' of '${call.path}' is not known`);
}

/** Notes channels whose sum a softmax takes. */
export function mixBySoftmax({ tracer, path }: Call, channels: Int32Array | undefined): void {
  mix(tracer, channels, `the softmax of '${path}' takes their sum, which all of its results depend on`);
}

/** @returns The axis of channels of an image, a volume or a sequence. */
export function channelAxis(call: Call): number {
  const format = Reflect.get(call.layer, 'dataFormat') ?? call.config.dataFormat;
  return format === 'channelsFirst' ? 1 : call.inputs[0]!.shape.length - 1;
}
