/** What recurrent layers make of constants: units that depend on nothing else go through the same states in every run. */
import { classNameOf } from '../../core/parameter';
import { alike, apart } from './axes';
import { type ConstantCall, type ConstantRule, notFollowed } from './call';
import {
  activateBy,
  determined,
  fromInput,
  GATES,
  recurrentOf,
  stepOf,
  type Values,
  weightsOf,
} from './cells';
import { allFrom, type Constants, compacted, expanded, hasKnown, shapeOf } from './constant';
import { average, merges } from './elementwise';
import { concatenated } from './places';

/** One direction of a recurrent layer: a SimpleRNN, GRU or LSTM. */
export interface Direction {
  readonly rnn: object;
  /** What its weights' names begin with, in the layer that plans know. */
  readonly prefix: string;
  /** What it begins with, if that is given. */
  readonly initial: readonly Constants[];
}

/** What is known of a run over all steps. */
interface Run {
  /** [step, unit]; NaN where it is not known. */
  readonly outputs: Float64Array;
  /** Of each state at the end. */
  readonly states: readonly Float64Array[];
  /** For each unit 1 where the steps read nothing but zeros of it. */
  readonly isZero: Uint8Array;
  /** Why a unit is not known that reads no input; undefined for others. */
  readonly notes: ReadonlyArray<string | undefined>;
  readonly from: ReadonlySet<string>;
}

/** @returns The directions of a recurrent layer; none for another. */
export function directionsOf({ layer, className, inputs }: ConstantCall): Direction[] {
  const initial = inputs.slice(1);
  if (className !== 'Bidirectional') return className in GATES ? [{ rnn: layer, prefix: '', initial }] : [];
  return ['forwardLayer', 'backwardLayer'].flatMap((property, i) => {
    const rnn: unknown = Reflect.get(layer, property);
    if (typeof rnn !== 'object' || rnn === null || !((classNameOf(rnn) ?? '') in GATES)) return [];
    const half = initial.length / 2;
    return [{ rnn, prefix: `${property}.`, initial: initial.slice(i * half, (i + 1) * half) }];
  });
}

/** [step, input], the last step first where it goes backwards. */
function inputsOf(input: Constants, isBackwards: boolean): { steps: Values[]; isKnown: Uint8Array } {
  const [, length, channels] = shapeOf(input);
  const whole = expanded(input);
  const isKnown = new Uint8Array(channels!).fill(1);
  whole.values.forEach((value, i) => {
    if (Number.isNaN(value) || whole.notes[i] !== undefined) isKnown[i % channels!] = 0;
  });
  const steps = Array.from({ length: length! }, (_, t) =>
    whole.values.subarray(t * channels!, (t + 1) * channels!),
  );
  return { steps: isBackwards ? steps.reverse() : steps, isKnown };
}

/**
 * @param call The call of the layer.
 * @param direction The layer, or one direction of it.
 * @returns What is known of its states.
 */
export function runOf(call: ConstantCall, { rnn, prefix, initial }: Direction): Run {
  const { path, inputs, model } = call;
  const [input] = inputs;
  const weights = weightsOf(rnn);
  const { units, gates } = weights;
  const { steps, isKnown } = inputsOf(input!, Reflect.get(rnn, 'goBackwards') === true);
  if (model.isOpen && input!.axes[1]!.count > 1) isKnown.fill(0);
  const own = determined(weights, isKnown);
  const weightNames = ['kernel', 'recurrentKernel', 'bias'].map((name) => `${path}:${prefix}${name}`);
  const run = {
    outputs: new Float64Array(steps.length * units).fill(Number.NaN),
    states: Array.from({ length: gates === 4 ? 2 : 1 }, () => new Float64Array(units).fill(Number.NaN)),
    isZero: new Uint8Array(units),
    notes: Array<string | undefined>(units).fill(undefined),
    from: allFrom(...[input!, ...initial].filter(hasKnown), { ...input!, from: new Set(weightNames) }),
  };
  const [activation, recurrentActivation] = ['activation', 'recurrentActivation'].map((option) =>
    activateBy(rnn, option),
  );
  if (own.length === 0 || !activation!.isKnown || !recurrentActivation!.isKnown) return run;
  const step = stepOf(rnn, activation!.activate, recurrentActivation!.activate);
  const recurrent = recurrentOf(weights, own);
  const isStateful = Reflect.get(rnn, 'stateful') === true;
  const history = [run.states.map((_, s) => startOf(initial[s], own, isStateful))];
  // Where the number of steps is open, those that follow must be like the first, which takes three to see.
  const count = model.isOpen ? Math.max(steps.length, 3) : steps.length;
  for (let t = 0; t < count; t++) {
    const x = fromInput(weights, own, steps[Math.min(t, steps.length - 1)]!, isKnown);
    history.push(step(x, recurrent, history[t]!));
  }
  own.forEach((unit, n) => {
    const past = history.map((states) => states.map((state) => state[n]!));
    const read = model.isOpen ? past : past.slice(0, -1);
    run.isZero[unit] = read.every(([h]) => h === 0) ? 1 : 0;
    run.notes[unit] = whyUnknown(path, past, model);
    if (run.notes[unit] !== undefined) return;
    for (let t = 0; t < steps.length; t++) run.outputs[t * units + unit] = past[t + 1]![0]!;
    past.at(-1)!.forEach((state, s) => {
      run.states[s]![unit] = state;
    });
  });
  return run;
}

/** @param past The states of one unit, from the beginning to the end. */
function whyUnknown(
  path: string,
  past: ReadonlyArray<readonly number[]>,
  { isOpen, hasMasks }: ConstantCall['model'],
): string | undefined {
  const isLike = (one: readonly number[]) => (other: readonly number[]) =>
    other.every((state, s) => Object.is(state, one[s]));
  if (Number.isNaN(past.at(-1)![0])) return `'${path}' begins with states that are not known`;
  if (hasMasks && !past.every(isLike(past[0]!))) {
    return `'${path}' leaves out the steps that a mask says`;
  }
  if (isOpen && !past.slice(1).every(isLike(past[1]!))) {
    return `'${path}' changes them from step to step, and the number of steps is open`;
  }
  return undefined;
}

function startOf(initial: Constants | undefined, own: readonly number[], isStateful: boolean): Values {
  if (initial === undefined) return new Float64Array(own.length).fill(isStateful ? Number.NaN : 0);
  const { values, notes } = expanded(initial);
  return Float64Array.from(own, (unit) => (notes[unit] === undefined ? values[unit]! : Number.NaN));
}

/** What a direction gives: its output, then its states. */
function given(run: Run, rnn: object, steps: number, shapes: Shapes): Constants[] {
  const { units } = weightsOf(rnn);
  const { from } = run;
  const state = (values: Values): Constants => ({
    axes: [alike(1), apart(units)],
    values,
    notes: run.notes,
    from,
  });
  const notes = Array.from(run.outputs, (_, i) => run.notes[i % units]);
  const axes = [alike(1), apart(steps), apart(units)];
  const sequence = { axes, values: run.outputs, notes, from };
  const output = shapes.isSequence ? compacted(sequence) : state(run.outputs.slice(-units));
  return [output, ...(shapes.hasState ? run.states.map(state) : [])];
}

interface Shapes {
  readonly isSequence: boolean;
  readonly hasState: boolean;
}

const shapesOf = (rnn: object): Shapes => ({
  isSequence: Reflect.get(rnn, 'returnSequences') === true,
  hasState: Reflect.get(rnn, 'returnState') === true,
});

export const recurrent: ConstantRule = (call) => {
  const steps = shapeOf(call.inputs[0]!)[1]!;
  const directions = directionsOf(call);
  const made = directions.map((direction) =>
    given(runOf(call, direction), direction.rnn, steps, shapesOf(direction.rnn)),
  );
  if (made.length === 1) return made[0]!;
  if (made.length === 0) return notFollowed(call);
  const [[forward, ...states], [backward, ...others]] = [made[0]!, made[1]!];
  const back = shapesOf(directions[1]!.rnn).isSequence ? reversed(backward!) : backward!;
  return [...joined(call, forward!, back), ...states, ...others];
};

function reversed(input: Constants): Constants {
  const [batch, steps, units] = input.axes;
  return { ...input, axes: [batch!, { ...steps!, kinds: steps!.kinds.slice().reverse() }, units!] };
}

function joined(call: ConstantCall, a: Constants, b: Constants): Constants[] {
  const mode: unknown = Reflect.get(call.layer, 'mergeMode');
  const both = { ...call, inputs: [a, b] };
  switch (mode) {
    case 'concat':
      return [concatenated([a, b], a.axes.length - 1)];
    case 'sum':
      return [merges.get('Add')!(both)].flat();
    case 'mul':
      return [merges.get('Multiply')!(both)].flat();
    case 'ave':
      return [average(both)].flat();
    default:
      return [a, b];
  }
}
