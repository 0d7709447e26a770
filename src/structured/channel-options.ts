/** The options of planChannels, and how they are checked. */
import { checkOptions } from '../core/options';
import { PruneError, shown } from '../errors';
import type { ChannelGraph } from './graph';
import { checkImportance, type ImportanceOptions } from './importance/importance';

/** How many channels go, and which. */
export interface ChannelPlanOptions extends ImportanceOptions {
  /** Which share of the channels of each group goes, in [0, 1), rounded half to even; in a `global` ranking, of all. */
  readonly ratio?: number | undefined;
  /** The same for the groups of some layers, by the name of one that makes the channels; the others go by `ratio`, or stay. */
  readonly ratios?: Readonly<Record<string, number>> | undefined;
  /** To which share of the model's multiply-accumulates to come, in (0, 1), by removing as little as is enough. */
  readonly targetMacs?: number | undefined;
  /**
   * To how many milliseconds to bring a prediction of one sample (of a batch where the model fixes its size), on this device and the active backend, by removing as
   * little as is enough. Layers are timed one by one at their new sizes, since fewer multiplications are not always
   * quicker, and channels go where they save the most for their importance; with `global`, by their ranking alone. The
   * smaller model is then run in turns with the whole one, and the plan tells what was predicted and what was measured. It
   * takes as long as some hundred predictions; nothing else should keep the device busy.
   */
  readonly targetLatencyMs?: number | undefined;
  /**
   * For `targetLatencyMs`: the times of layers, by kind, options and sizes, which are filled in. Give the same map to
   * several plans to time no layer twice; `[...latencies]` survives JSON. An empty one by default.
   */
  readonly latencies?: Map<string, number> | undefined;
  /**
   * The shape of each input without the batch axis, where the model leaves sizes open: needed for `targetMacs` and
   * `targetLatencyMs`; without them the plan of a `ratio` says nothing of multiply-accumulates.
   */
  readonly inputShapes?: ReadonlyArray<readonly number[]> | undefined;
  /** Whether all groups are ranked together, so that some lose more than others; false by default. */
  readonly global?: boolean | undefined;
  /**
   * What makes the scores of groups comparable in a `global` ranking: `'mean'` divides them by their mean in the group,
   * `'max'` by their maximum, `'none'` leaves them. By default `'mean'`, but `'none'` for `'bnScale'`, `'lamp'`, `'taylor'`
   * and functions, which are comparable by themselves.
   */
  readonly normalize?: 'mean' | 'max' | 'none' | undefined;
  /** What stays of a group is rounded up to a multiple of it; 1 by default. Kernels are often quickest at 8 or 16. */
  readonly roundTo?: number | undefined;
  /** The most of a group that goes, in [0, 1], rounded down; 1 by default: all but one channel. */
  readonly maxRatio?: number | undefined;
  /** The names of layers whose channels stay. */
  readonly ignore?: readonly string[] | undefined;
  /**
   * Whether channels go that a layer normalisation or a softmax computes one result from, so that without them the others
   * change, whatever the weights. False by default: they stay, and the plan says why.
   */
  readonly inexact?: boolean | undefined;
}

const OPTIONS: ReadonlyArray<keyof ChannelPlanOptions> = [
  ...([
    'ratio',
    'ratios',
    'targetMacs',
    'targetLatencyMs',
    'importance',
    'global',
    'normalize',
    'roundTo',
  ] as const),
  ...(['maxRatio', 'ignore', 'samples', 'loss', 'seed', 'latencies', 'inputShapes', 'inexact'] as const),
];

/** A range of numbers, in words and as a test. */
interface Range {
  readonly allowed: string;
  readonly holds: (value: number) => boolean;
}

const BELOW_ONE: Range = { allowed: 'a number in [0, 1)', holds: (value) => value >= 0 && value < 1 };
const SHARE: Range = { allowed: 'a number in [0, 1]', holds: (value) => value >= 0 && value <= 1 };
const PROPER: Range = { allowed: 'a number in (0, 1)', holds: (value) => value > 0 && value < 1 };
const POSITIVE: Range = {
  allowed: 'a finite number > 0',
  holds: (value) => value > 0 && Number.isFinite(value),
};
const WHOLE: Range = {
  allowed: 'a whole number ≥ 1',
  holds: (value) => Number.isSafeInteger(value) && value >= 1,
};

/**
 * Refuses what is not allowed, before anything is looked at.
 *
 * @param options What the caller gave.
 * @param inputs How many inputs the model has.
 * @throws {@link PruneError} `argument` or `amount`.
 */
export function checkChannelOptions(options: ChannelPlanOptions, inputs: number): void {
  checkOptions(options, OPTIONS);
  const { ratio, ratios, targetMacs, targetLatencyMs, latencies } = options;
  const { global = false, normalize, roundTo, maxRatio, inexact = false } = options;
  const ways = [ratio ?? ratios, targetMacs, targetLatencyMs].filter((each) => each !== undefined);
  if (ways.length !== 1) {
    const allowed = 'ratio, ratios or both; or targetMacs; or targetLatencyMs';
    throw new PruneError('argument', `planChannels takes ${allowed}.`, { given: options, allowed });
  }
  checkRange('ratio', ratio, BELOW_ONE);
  checkRange('targetMacs', targetMacs, PROPER);
  checkRange('targetLatencyMs', targetLatencyMs, POSITIVE);
  if (targetLatencyMs === undefined) {
    check('latencies', latencies, 'left out without targetLatencyMs', latencies === undefined);
  }
  const isTable = latencies === undefined || (latencies instanceof Map && [...latencies].every(isLatency));
  check('latencies', latencies, 'a Map of finite milliseconds ≥ 0 by text', isTable);
  checkRange('roundTo', roundTo, WHOLE);
  checkRange('maxRatio', maxRatio, SHARE);
  check('global', global, 'true or false', typeof global === 'boolean');
  check('inexact', inexact, 'true or false', typeof inexact === 'boolean');
  const isKnown = normalize === undefined || ['mean', 'max', 'none'].includes(normalize);
  check('normalize', normalize, "'mean', 'max' or 'none'", isKnown);
  if (!global) check('normalize', normalize, 'left out without global: true', normalize === undefined);
  if (ratios !== undefined) {
    const isRecord =
      typeof ratios === 'object' && ratios !== null && !Array.isArray(ratios) && !(ratios instanceof Map);
    check('ratios', ratios, 'an object of numbers by the names of layers', isRecord);
    for (const [name, each] of Object.entries(ratios)) {
      check(`ratios['${name}']`, each, BELOW_ONE.allowed, each !== undefined);
      checkRange(`ratios['${name}']`, each, BELOW_ONE);
    }
    check('ratios', ratios, 'left out with global: true', !global);
    const isSaid = ratio !== undefined || Object.keys(ratios).length > 0;
    check('ratios', ratios, 'a ratio for one layer at least, where there is no ratio for the others', isSaid);
  }
  checkImportance(options, inputs);
}

/**
 * Refuses names of layers that make no channels.
 *
 * @param graph The model's channels.
 * @param options What the caller gave.
 * @throws {@link PruneError} `argument`.
 */
export function checkNames({ groups }: ChannelGraph, { ignore, ratios = {} }: ChannelPlanOptions): void {
  const isList =
    ignore === undefined || (Array.isArray(ignore) && ignore.every((name) => typeof name === 'string'));
  check('ignore', ignore, 'a list of names of layers', isList);
  const names = groups.flatMap(({ layers }) => layers);
  const stray = [...(ignore ?? []), ...Object.keys(ratios)].find((name) => !names.includes(name));
  if (stray !== undefined) {
    const message = `No layer '${stray}' makes channels; there are: ${[...new Set(names)].join(', ')}.`;
    throw new PruneError('argument', message, { given: stray, allowed: names });
  }
  for (const { id, layers } of groups) {
    const shares = new Set(layers.flatMap((name) => ratioOf(ratios, name) ?? []));
    if (shares.size <= 1) continue;
    const message = `ratios gives '${id}' several ratios (${[...shares].join(', ')}): ${layers.join(', ')} make its channels together. Name one of them.`;
    throw new PruneError('argument', message, { given: ratios, allowed: 'one ratio for each group' });
  }
}

/**
 * @param ratios What the caller gave.
 * @param layer The name of a layer, which may be that of a property that every object has.
 * @returns Its ratio; undefined where it has none of its own.
 */
export function ratioOf(ratios: Readonly<Record<string, number>>, layer: string): number | undefined {
  return Object.hasOwn(ratios, layer) ? ratios[layer] : undefined;
}

function isLatency([key, time]: readonly [unknown, unknown]): boolean {
  return typeof key === 'string' && typeof time === 'number' && Number.isFinite(time) && time >= 0;
}

function checkRange(option: string, value: unknown, { allowed, holds }: Range): void {
  const isFine = value === undefined || (typeof value === 'number' && holds(value));
  if (isFine) return;
  const kind = typeof value === 'number' ? 'amount' : 'argument';
  throw new PruneError(kind, `${option} must be ${allowed}, but got ${shown(value)}.`, {
    given: value,
    allowed,
  });
}

function check(option: string, given: unknown, allowed: string, holds: boolean): void {
  if (holds) return;
  throw new PruneError('argument', `${option} must be ${allowed}, but got ${shown(given)}.`, {
    given,
    allowed,
  });
}
