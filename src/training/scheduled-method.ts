import type { BasePruningMethod } from '../core/method';
import { isMethod } from '../core/method';
import { checkOptions } from '../core/options';
import { axisOf, type Dim, type MaskRequest, type PruningMethod } from '../core/request';
import { PruneError, shown } from '../errors';
import { type Amount, pruneCount } from '../masks/amount';
import { gather } from '../masks/gather';
import { resolveDim } from '../masks/slices';
import { SemiStructured } from '../methods/semi-structured';
import { checkWhole } from './refusal';

/** N:M sparsity under a schedule: of every `m` neighbours ever fewer stay, `m` − round(sparsity · `m`), but at least one. */
export interface ScheduledSemiStructured {
  /** How many neighbours make a group, a whole number ≥ 2. */
  readonly m: number;
  /** The axis along which the groups lie, in the layout of the name used; `'in'` by default. */
  readonly dim?: Dim | undefined;
}

/**
 * A method whose amount a schedule sets: a class that is made from the amount alone, such as `L1Unstructured`; a
 * function that makes a method from it, such as `(amount) => new prune.LnStructured(amount, 2, 'out')`; or N:M sparsity.
 */
export type ScheduledMethod =
  | (new (
      amount: Amount,
    ) => BasePruningMethod)
  | ((amount: Amount) => BasePruningMethod)
  | ScheduledSemiStructured;

/** A pruning that is to be made. */
export interface Step {
  /** What makes the mask. */
  readonly method: PruningMethod;
  /** The same as it is to be remembered: with all that the schedule has pruned so far. */
  readonly record: PruningMethod;
}

/** What turns a sparsity into a pruning. */
export interface Stepper {
  /** A method, for its type; it prunes nothing. */
  readonly sample: PruningMethod;
  /**
   * @param requests Parameters that are pruned together.
   * @param sparsity What share of what the method chooses among (entries, channels, blocks) is to be zero.
   * @returns The pruning that is missing; undefined where so much, or more, is pruned already.
   */
  step(requests: readonly MaskRequest[], sparsity: number): Step | undefined;
}

const ALLOWED =
  'a class of pruning methods, a function that makes one from an amount, or { m, dim } for N:M sparsity';

/**
 * @param given What a user gave.
 * @throws {@link PruneError} `argument` for what is no such method, or one of the type `global`, which chooses by itself.
 */
export function stepperOf(given: unknown): Stepper {
  if (typeof given === 'object' && given !== null) return semiStructured(given as ScheduledSemiStructured); // checked there
  if (typeof given !== 'function') throw notMethod(given, shown(given));
  const isClass = typeof given.prototype === 'object' && 'computeMask' in Object(given.prototype);
  const make = (amount: Amount): PruningMethod => {
    const made: unknown = isClass ? Reflect.construct(given, [amount]) : given(amount);
    if (isMethod(made)) return made;
    throw notMethod(given, `one that makes ${shown(made)}`);
  };
  const sample = make({ count: 0 });
  if (sample.pruningType === 'global' || (sample.pruningType === 'structured' && sample.dim === undefined)) {
    throw notMethod(given, `${sample.constructor.name}, which does not choose among entries or channels`);
  }
  const step = (requests: readonly MaskRequest[], sparsity: number): Step | undefined => {
    const units = requests.map((request) => unitsOf(sample, request));
    const total = units.reduce((sum, unit) => sum + unit.total, 0);
    const pruned = units.reduce((sum, unit) => sum + unit.pruned, 0);
    const wanted = pruneCount({ fraction: sparsity }, total);
    if (wanted <= pruned) return undefined;
    return { method: make({ count: wanted - pruned }), record: make({ count: wanted }) };
  };
  return { sample, step };
}

function notMethod(given: unknown, got: string): PruneError {
  return new PruneError('argument', `method must be ${ALLOWED}, but got ${got}.`, {
    given,
    allowed: ALLOWED,
  });
}

function semiStructured(given: ScheduledSemiStructured): Stepper {
  checkOptions(given, ['m', 'dim']);
  const { m, dim = 'in' } = given;
  checkWhole('m', m, 2);
  return {
    sample: new SemiStructured(m - 1, m, { dim }),
    step: (_requests, sparsity) => {
      const n = Math.max(1, m - pruneCount({ fraction: sparsity }, m));
      if (n === m) return undefined;
      const method = new SemiStructured(n, m, { dim });
      return { method, record: method };
    },
  };
}

/** What a method chooses among, and how much of it is pruned. */
interface Units {
  readonly total: number;
  readonly pruned: number;
}

function unitsOf(method: PruningMethod, request: MaskRequest): Units {
  if (method.pruningType === 'structured') return channelsOf(method, request);
  const { layout, mask } = request;
  let left = mask === undefined ? layout.size : 0;
  if (mask !== undefined) for (let i = 0; i < mask.length; i++) left += mask[i]!;
  return { total: layout.size, pruned: layout.size - left };
}

/** Channels, or blocks of neighbouring channels, which have a size; not told by the class, of which there may be two copies. */
function channelsOf(method: PruningMethod, request: MaskRequest): Units {
  const { layout, dim } = axisOf(method.dim ?? -1, request);
  const axis = resolveDim(dim, layout.shape.length);
  const channels = layout.shape[axis]!;
  const inner = layout.shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const size: unknown = 'size' in method && 'n' in method ? method.size : undefined;
  const mask = request.mask && gather(request.mask, layout, new Uint8Array(layout.size));
  return typeof size === 'number'
    ? blockUnits(mask, { outer: layout.size / (channels * inner), channels, inner }, size)
    : channelUnits(mask, channels, inner);
}

function channelUnits(mask: Uint8Array | undefined, channels: number, inner: number): Units {
  if (mask === undefined) return { total: channels, pruned: 0 };
  const left = new Uint8Array(channels);
  for (let row = 0, start = 0; start < mask.length; row++, start += inner) {
    for (let i = start; i < start + inner; i++) left[row % channels]! |= mask[i]!;
  }
  return { total: channels, pruned: channels - left.reduce((sum, one) => sum + one, 0) };
}

interface Extent {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

function blockUnits(mask: Uint8Array | undefined, { outer, channels, inner }: Extent, size: number): Units {
  const perColumn = Math.ceil(channels / size);
  const total = outer * perColumn * inner;
  if (mask === undefined) return { total, pruned: 0 };
  const left = new Uint8Array(total);
  for (let i = 0; i < mask.length; i++) {
    const row = Math.floor(i / inner);
    const block = Math.floor(row / channels) * perColumn + Math.floor((row % channels) / size);
    left[block * inner + (i % inner)]! |= mask[i]!;
  }
  return { total, pruned: total - left.reduce((sum, one) => sum + one, 0) };
}
