import * as tf from '@tensorflow/tfjs';
import { located } from '../core/apply';
import { customFromBytes } from '../core/custom-from-mask';
import { checkedMask } from '../core/mask-check';
import { type BasePruningMethod, joined } from '../core/method';
import { checkOptions } from '../core/options';
import { type Installation, installAll, stateOf } from '../core/reparametrisation';
import { axisOf, type PruningMethod } from '../core/request';
import { resolvePrunable } from '../core/resolve';
import { defaultGenerator, type GeneratorState } from '../masks/generator';
import { resolveDim } from '../masks/slices';
import { L1Unstructured } from '../methods/l1-unstructured';
import type { Sparsity } from '../methods/parameters';
import {
  groupOf,
  type NamedParameter,
  type Requested,
  requestsOf,
  type ScoresByLayer,
} from '../methods/prune-together';
import { checkWhole, refused } from './refusal';
import { type ScheduledMethod, type Stepper, stepperOf } from './scheduled-method';
import type { SparsitySchedule } from './schedules';

/** How sparsity rises. */
export interface PruningScheduleOptions {
  /** The sparsity of each step. */
  readonly schedule: SparsitySchedule;
  /** What chooses the weights that go; {@link L1Unstructured}, those of least magnitude, by default. */
  readonly method?: ScheduledMethod | undefined;
  /**
   * Whether each parameter comes to the sparsity by itself (`'local'`, the default) or all of them together (`'global'`, for
   * methods that choose among entries or blocks).
   */
  readonly scope?: 'local' | 'global' | undefined;
  /**
   * Called before each pruning: for a layer, by parameter name, what to rank by instead of the weights, in the shape and layout
   * of the name. Tensors that it makes are disposed.
   */
  readonly importanceScores?: (() => ScoresByLayer) | undefined;
}

/** Where a schedule stands, as plain data that JSON keeps. */
export interface PruningScheduleState {
  /** The version of this format. */
  readonly version: 1;
  /** The step that it was asked for last; of a callback, how many steps are done. */
  readonly step: number;
  /** The default random generator, from which random methods draw. */
  readonly generator: GeneratorState;
}

/**
 * Raises the sparsity of some parameters while they are trained. What is pruned stays pruned, so a schedule that falls
 * changes nothing, and what was pruned before counts.
 *
 * After each pruning as many entries are pruned as the schedule says of them, rounded half to even: counted, not added
 * up. Of methods that choose among channels or blocks, as many of these. In the history that `methodOf` gives a schedule is one
 * pruning, however many steps it took.
 *
 * Source: `prune_low_magnitude` of TensorFlow's model optimization toolkit.
 *
 * @example
 * ```ts
 * const schedule = new PruningSchedule(prune.parameters(model), {
 *   schedule: polynomialSchedule({ finalSparsity: 0.9, end: 1000 }),
 *   scope: 'global',
 * });
 * for (let step = 0; step < 1200; step++) {
 *   schedule.step(step);
 *   const { images, labels } = batch(step);
 *   optimizer.minimize(() => loss(labels, logitsOf(images)));
 * }
 * ```
 */
export class PruningSchedule {
  readonly #parameters: readonly NamedParameter[];
  readonly #schedule: SparsitySchedule;
  readonly #stepper: Stepper;
  readonly #isGlobal: boolean;
  readonly #scores: (() => ScoresByLayer) | undefined;
  readonly #history = new Map<tf.Variable, History>();
  #step = 0;
  /** The highest sparsity so far, and how many entries were pruned then. */
  #reached = { sparsity: 0, zeros: 0 };

  /**
   * @param parameters Pairs of layer and name, such as `parameters` gives; at least one.
   * @param options Schedule, method and scope.
   * @throws {@link PruneError} `argument` for what is no method or schedule, and for a global scope with a method that
   *   chooses among channels; `parameter` or `state` for what cannot be pruned, `dim` for a tensor without that axis.
   */
  constructor(parameters: Iterable<NamedParameter>, options: PruningScheduleOptions) {
    checkOptions(options, ['schedule', 'method', 'scope', 'importanceScores']);
    const { schedule, method = L1Unstructured, scope = 'local', importanceScores } = options;
    if (typeof schedule !== 'function') throw refused('schedule', schedule, 'a function of the step');
    if (scope !== 'local' && scope !== 'global') throw refused('scope', scope, "'local' or 'global'");
    if (importanceScores !== undefined && typeof importanceScores !== 'function') {
      throw refused('importanceScores', importanceScores, 'a function that gives a Map');
    }
    this.#scores = importanceScores;
    this.#parameters = groupOf(parameters, undefined).list;
    this.#schedule = schedule;
    this.#stepper = stepperOf(method);
    this.#isGlobal = scope === 'global';
    const { sample } = this.#stepper;
    if (this.#isGlobal && sample.pruningType === 'structured' && !('size' in sample)) {
      throw refused(
        'scope',
        scope,
        `'local' for ${sample.constructor.name}, which ranks the channels of one parameter`,
      );
    }
    for (const { parameter, request } of this.#requests()) {
      const { dim } = sample;
      if (dim === undefined) continue;
      located(parameter, () => {
        const axis = axisOf(dim, request);
        resolveDim(axis.dim, axis.layout.shape.length);
      });
    }
  }

  /**
   * Prunes up to the sparsity that the schedule has for a step. Call it before the step's gradients are taken.
   *
   * @param step The number of steps that are done, 0 before the first.
   * @returns How many entries of the parameters are pruned now.
   * @throws {@link PruneError} with nothing changed: `argument` for a step that is no whole number, or where the schedule
   *   gives no sparsity; `argument` or `shape` for scores that do not fit; `state` if a layer has been disposed.
   */
  step(step: number): Sparsity {
    checkWhole('step', step, 0);
    const sparsity = this.#schedule(step);
    if (!(typeof sparsity === 'number' && sparsity >= 0 && sparsity <= 1)) {
      throw refused(`What the schedule gives for step ${step}`, sparsity, 'a number in [0, 1]');
    }
    tf.tidy(() => this.#pruneTo(sparsity));
    this.#step = step;
    return this.sparsity();
  }

  /** @returns How many entries of the parameters are pruned: by masks, so that a weight that happens to be zero does not count. */
  sparsity(): Sparsity {
    const masks = this.#parameters.map(([layer, name]) => {
      const { variable } = resolvePrunable(layer, name);
      return { zeros: stateOf(variable)?.mask.zeros ?? 0, size: variable.size };
    });
    const zeros = masks.reduce((sum, mask) => sum + mask.zeros, 0);
    const size = masks.reduce((sum, mask) => sum + mask.size, 0);
    return { zeros, size, sparsity: size === 0 ? 0 : zeros / size };
  }

  /** @returns The names of the parameters for a record, such as `conv1.weight`. */
  names(): string[] {
    return this.#parameters.map(
      ([layer, name]) => `${String(Reflect.get(layer, 'name') ?? 'object')}.${name}`,
    );
  }

  /** @returns The method's class, for a record. */
  methodName(): string {
    return this.#stepper.sample.constructor.name;
  }

  /** @returns The step it was asked for last and the default random generator. Masks belong to the model: save both. */
  state(): PruningScheduleState {
    return { version: 1, step: this.#step, generator: defaultGenerator.getState() };
  }

  /**
   * Goes on where a schedule stood, in this process or another: the masks must be there already (`restoreMasks`).
   *
   * @param state What {@link PruningSchedule.state} gave, also after JSON. The default random generator is set too.
   * @throws {@link PruneError} `argument` for anything else, with nothing changed.
   */
  restore(state: PruningScheduleState): void {
    checkScheduleState(state);
    defaultGenerator.setState(state.generator);
    this.#step = state.step;
  }

  #requests(): Requested[] {
    return requestsOf(this.#parameters, undefined);
  }

  #pruneTo(sparsity: number): void {
    // Most steps ask for what is there, and weights must not travel for that.
    if (sparsity <= this.#reached.sparsity && this.sparsity().zeros >= this.#reached.zeros) return;
    const { list, scores } = groupOf(this.#parameters, this.#scores?.());
    const requests = requestsOf(list, scores);
    const made = this.#isGlobal
      ? this.#together(requests, sparsity)
      : requests.flatMap((each) => this.#alone(each, sparsity) ?? []);
    const bases = made.map(({ parameter }) => this.#base(parameter.variable));
    const joins = made.map(({ parameter, record }, i) => joined(bases[i], record, parameter.name));
    const undo = (): void => {
      // The newest first: parameters may share a method.
      for (const join of joins.reverse()) join.undo();
    };
    try {
      installAll(made.map(({ parameter, mask }, i) => ({ parameter, mask, method: joins[i]!.method })));
    } catch (error) {
      undo();
      throw error;
    }
    for (const [i, { parameter }] of made.entries()) {
      this.#history.set(parameter.variable, { base: bases[i], own: joins[i]!.method });
    }
    this.#reached = { sparsity: Math.max(sparsity, this.#reached.sparsity), zeros: this.sparsity().zeros };
  }

  /** What had pruned a parameter before the schedule did; a pruning by others in between counts to that. */
  #base(variable: tf.Variable): PruningMethod | undefined {
    const current = stateOf(variable)?.method;
    const known = this.#history.get(variable);
    return known === undefined || known.own !== current ? current : known.base;
  }

  #alone({ parameter, request }: Requested, sparsity: number): Made | undefined {
    return located(parameter, () => {
      const step = this.#stepper.step([request], sparsity);
      if (step === undefined) return undefined;
      const mask = checkedMask(step.method.maskFor(request), parameter.variable.size, request.mask);
      return { parameter, mask, record: asMethod(step.record) };
    });
  }

  #together(requests: readonly Requested[], sparsity: number): Made[] {
    const all = requests.map(({ request }) => request);
    const step = this.#stepper.step(all, sparsity);
    if (step === undefined) return [];
    const masks = step.method.masksFor(all);
    return requests.map(({ parameter, request }, i) => {
      const mask = located(parameter, () => checkedMask(masks[i], parameter.variable.size, request.mask));
      return { parameter, mask, record: customFromBytes(mask.bytes, parameter.layout) };
    });
  }
}

interface History {
  readonly base: PruningMethod | undefined;
  readonly own: PruningMethod;
}

type Made = Pick<Installation, 'parameter' | 'mask'> & { readonly record: BasePruningMethod };

/** Every stepper makes methods that are BasePruningMethods, which stepperOf has checked. */
function asMethod(method: PruningMethod): BasePruningMethod {
  return method as BasePruningMethod;
}

/**
 * @param state What may be the state of a schedule.
 * @throws {@link PruneError} `argument` if it is not.
 */
export function checkScheduleState(state: unknown): void {
  const { version, step, generator } = Object(state) as Partial<Record<string, unknown>>; // anything may be given
  const isRight =
    version === 1 && Number.isSafeInteger(step) && Number(step) >= 0 && typeof generator === 'object';
  if (!isRight || generator === null) throw refused('state', state, 'what state() gave, of version 1');
}
