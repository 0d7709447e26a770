import { checkOptions } from '../core/options';
import { checkWhole, refused } from './refusal';

/**
 * The sparsity that a step of training asks for: a pure function of the number of steps that are done, 0 for the first.
 * Any function that gives numbers in [0, 1] will do.
 */
export type SparsitySchedule = (step: number) => number;

/** When sparsity comes to what it is to be. */
export interface ConstantScheduleOptions {
  /** What share is zero from `begin` on, in [0, 1). */
  readonly finalSparsity: number;
  /** The step before which nothing is pruned, a whole number ≥ 0; 0 by default. */
  readonly begin?: number | undefined;
}

/** From where to where sparsity rises, and when. */
export interface RampOptions {
  /** What share is zero at `begin`, in [0, 1); 0 by default. */
  readonly initialSparsity?: number | undefined;
  /** What share is zero from `end` on, in [0, 1), not less than the initial one. */
  readonly finalSparsity: number;
  /** The step of the first pruning, a whole number ≥ 0; 0 by default. */
  readonly begin?: number | undefined;
  /** The step of the last pruning, a whole number > `begin`. */
  readonly end: number;
  /** Every how many steps to prune, a whole number ≥ 1; 100 by default. */
  readonly frequency?: number | undefined;
}

/** The same, and how fast it rises at first. */
export interface PolynomialScheduleOptions extends RampOptions {
  /** The power of the polynomial, a number > 0; 3 by default. */
  readonly power?: number | undefined;
}

/** In how many rounds sparsity rises. */
export interface IterativeScheduleOptions {
  /** What share is zero before the first round, in [0, 1); 0 by default. */
  readonly initialSparsity?: number | undefined;
  /** What share is zero after the last round, in [0, 1), not less than the initial one. */
  readonly finalSparsity: number;
  /** The step of the first round, a whole number ≥ 0; 0 by default. */
  readonly begin?: number | undefined;
  /** How many steps there are from one round to the next, a whole number ≥ 1. */
  readonly frequency: number;
  /** How many rounds there are, a whole number ≥ 1. */
  readonly rounds: number;
}

/**
 * Prunes once, before a step: nothing before it, all of it from then on.
 *
 * Source: `ConstantSparsity` of TensorFlow's model optimization toolkit, whose `end_step` and `frequency` say how often
 * its masks are chosen anew; here what is pruned stays pruned.
 *
 * @param options The sparsity and the step.
 * @returns The schedule.
 * @throws {@link PruneError} `argument` for options that are not allowed.
 * @example
 * ```ts
 * constantSchedule({ finalSparsity: 0.8, begin: 100 });
 * ```
 */
export function constantSchedule(options: ConstantScheduleOptions): SparsitySchedule {
  checkOptions(options, ['finalSparsity', 'begin']);
  const { finalSparsity, begin = 0 } = options;
  checkSparsity('finalSparsity', finalSparsity);
  checkWhole('begin', begin, 0);
  return (step) => (step < begin ? 0 : finalSparsity);
}

/**
 * Prunes once, before the first step: what `amount` does without a schedule, to compare gradual pruning with.
 *
 * @param finalSparsity What share is zero, in [0, 1).
 * @returns The schedule.
 * @throws {@link PruneError} `argument` for a sparsity that is not allowed.
 * @example
 * ```ts
 * oneShotSchedule(0.8);
 * ```
 */
export function oneShotSchedule(finalSparsity: number): SparsitySchedule {
  return constantSchedule({ finalSparsity });
}

/**
 * Prunes fast at first and ever more slowly: s = final + (initial − final) · (1 − p)^power, where p is the share of the
 * steps from `begin` to `end` that is done.
 *
 * Differs from tfmot: `end` is a pruning step even if `frequency` does not lead there, so the final sparsity is reached.
 * Source: `PolynomialDecay` of TensorFlow's model optimization toolkit; Zhu and Gupta 2017, "To prune, or not to prune".
 *
 * @param options Sparsities, steps and power.
 * @returns The schedule.
 * @throws {@link PruneError} `argument` for options that are not allowed.
 * @example
 * ```ts
 * polynomialSchedule({ finalSparsity: 0.9, begin: 0, end: 1000, frequency: 50 });
 * ```
 */
export function polynomialSchedule(options: PolynomialScheduleOptions): SparsitySchedule {
  const { power = 3, ...ramp } = checkedObject(options, [...RAMP, 'power']);
  if (!(typeof power === 'number' && power > 0 && power < Infinity)) {
    throw refused('power', power, 'a number > 0');
  }
  return ramped(ramp, (progress) => 1 - (1 - progress) ** power);
}

/**
 * Prunes slowly at first, fastest half-way, and slowly at last: s = final + (initial − final) · (1 + cos πp) / 2.
 *
 * Source: the annealing of Loshchilov and Hutter 2017, "SGDR", as optax's `cosine_decay_schedule` has it for learning rates.
 *
 * @param options Sparsities and steps.
 * @returns The schedule.
 * @throws {@link PruneError} `argument` for options that are not allowed.
 * @example
 * ```ts
 * cosineSchedule({ finalSparsity: 0.9, end: 1000 });
 * ```
 */
export function cosineSchedule(options: RampOptions): SparsitySchedule {
  return ramped(checkedObject(options, RAMP), (progress) => (1 - Math.cos(Math.PI * progress)) / 2);
}

/**
 * Prunes in rounds, each the same share of what the one before has left, with training between them:
 * 1 − s = (1 − initial) · ((1 − final) / (1 − initial))^(round / rounds).
 *
 * Source: iterative magnitude pruning, Frankle and Carbin 2019, "The Lottery Ticket Hypothesis".
 *
 * @param options Sparsities, rounds and the steps between them.
 * @returns The schedule.
 * @throws {@link PruneError} `argument` for options that are not allowed.
 * @example
 * ```ts
 * iterativeSchedule({ finalSparsity: 0.875, rounds: 3, frequency: 500 }); // 0.5, 0.75, 0.875
 * ```
 */
export function iterativeSchedule(options: IterativeScheduleOptions): SparsitySchedule {
  const known = ['initialSparsity', 'finalSparsity', 'begin', 'frequency', 'rounds'];
  const { initialSparsity = 0, finalSparsity, begin = 0, frequency, rounds } = checkedObject(options, known);
  checkRise(initialSparsity, finalSparsity);
  checkWhole('begin', begin, 0);
  checkWhole('frequency', frequency, 1);
  checkWhole('rounds', rounds, 1);
  const left = (1 - finalSparsity) / (1 - initialSparsity);
  return (step) => {
    if (step < begin) return 0;
    const round = Math.floor((step - begin) / frequency) + 1;
    return round >= rounds ? finalSparsity : 1 - (1 - initialSparsity) * left ** (round / rounds);
  };
}

const RAMP = ['initialSparsity', 'finalSparsity', 'begin', 'end', 'frequency'] as const;

function checkedObject<T extends object>(options: T, known: readonly string[]): T {
  checkOptions(options, known);
  return options;
}

/** From one sparsity to another, held between the pruning steps. */
function ramped(options: RampOptions, rise: (progress: number) => number): SparsitySchedule {
  const { initialSparsity = 0, finalSparsity, begin = 0, end, frequency = 100 } = options;
  checkRise(initialSparsity, finalSparsity);
  checkWhole('begin', begin, 0);
  checkWhole('end', end, begin + 1);
  checkWhole('frequency', frequency, 1);
  return (step) => {
    if (step < begin) return 0;
    if (step >= end) return finalSparsity;
    const done = Math.floor((step - begin) / frequency) * frequency;
    return initialSparsity + (finalSparsity - initialSparsity) * rise(done / (end - begin));
  };
}

function checkRise(initialSparsity: unknown, finalSparsity: unknown): void {
  checkSparsity('initialSparsity', initialSparsity);
  checkSparsity('finalSparsity', finalSparsity);
  if (Number(finalSparsity) < Number(initialSparsity)) {
    throw refused('finalSparsity', finalSparsity, `at least the initialSparsity, ${initialSparsity}`);
  }
}

function checkSparsity(name: string, given: unknown): void {
  if (typeof given === 'number' && given >= 0 && given < 1) return;
  throw refused(name, given, 'a number in [0, 1)');
}
