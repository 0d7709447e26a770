/** What recurrent layers make of constants: units that depend on nothing else go through the same states in every run. */
import { classNameOf } from '../../core/parameter';
import { activationOf, applied } from './activations';
import type { ConstantCall, ConstantRule } from './call';
import { allFrom, type Constants, compacted, hasKnown, mapped, unknown, widened } from './constant';
import { average, merges, mixing } from './elementwise';
import { weightAt } from './kernels';
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

type Values = Float64Array;
type Activate = (values: Values) => Values;

/** The states of one step, the output first. */
type Step = (
  fromInput: Values,
  recurrent: (h: Values, gates: readonly number[]) => Values,
  states: Values[],
) => Values[];

const GATES: Readonly<Record<string, number>> = { SimpleRNN: 1, GRU: 3, LSTM: 4 };

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

function stepOf(rnn: object, activate: Activate, recurrentActivate: Activate): Step {
  switch (classNameOf(rnn)) {
    case 'SimpleRNN':
      return (x, recurrent, [h]) => [activate(sum(x, recurrent(h!, [0])))];
    case 'GRU':
      return (x, recurrent, [h]) => {
        const n = h!.length;
        const gates = recurrentActivate(sum(x.subarray(0, 2 * n), recurrent(h!, [0, 1])));
        const [update, reset] = [gates.subarray(0, n), gates.subarray(n)];
        const candidate = activate(
          sum(
            x.subarray(2 * n),
            recurrent(
              h!.map((value, i) => value * reset[i]!),
              [2],
            ),
          ),
        );
        return [candidate.map((value, i) => update[i]! * h![i]! + (1 - update[i]!) * value)];
      };
    default:
      return (x, recurrent, [h, c]) => {
        const n = h!.length;
        const gates = sum(x, recurrent(h!, [0, 1, 2, 3]));
        const [input, forget, , output] = [0, 1, 2, 3].map((g) =>
          recurrentActivate(gates.subarray(g * n, (g + 1) * n)),
        );
        const made = activate(gates.subarray(2 * n, 3 * n));
        const carry = made.map((value, i) => forget![i]! * c![i]! + input![i]! * value);
        return [activate(carry).map((value, i) => output![i]! * value), carry];
      };
  }
}

const sum = (a: Values, b: Values): Values => a.map((value, i) => value + b[i]!);

function activateBy(rnn: object, option: string): { isKnown: boolean; activate: Activate } {
  const { isKnown, apply } = activationOf(Reflect.get(rnn, 'cell') ?? {}, option);
  return { isKnown, activate: (values) => applied({ values, notes: [], from: new Set() }, apply).values };
}

/** The weights of a cell, in copies: the backend's own are good only until the next tensor is made. */
function weightsOf(rnn: object) {
  const units = Number(Reflect.get(rnn, 'units') ?? Reflect.get(Reflect.get(rnn, 'cell') ?? {}, 'units'));
  const [kernel, recurrent, bias] = ['kernel', 'recurrentKernel', 'bias'].map((name) =>
    weightAt(rnn, name)?.values.slice(),
  );
  return { units, kernel: kernel!, recurrent: recurrent!, bias, gates: GATES[classNameOf(rnn)!]! };
}

type Weights = ReturnType<typeof weightsOf>;

/** The units that read only inputs that are known, and each other. */
function determined({ units, kernel, recurrent, gates }: Weights, isKnown: Uint8Array): number[] {
  const isIn = new Uint8Array(units).fill(1);
  const width = gates * units;
  for (let i = 0; i < kernel.length; i++) {
    if (kernel[i] !== 0 && isKnown[Math.floor(i / width)] === 0) isIn[i % units] = 0;
  }
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (let i = 0; i < recurrent.length; i++) {
      if (recurrent[i] === 0 || isIn[Math.floor(i / width)] === 1 || isIn[i % units] === 0) continue;
      isIn[i % units] = 0;
      isChanged = true;
    }
  }
  return [...isIn.keys()].filter((unit) => isIn[unit] === 1);
}

/** [step, input], the last step first where it goes backwards. */
function inputsOf(input: Constants, isBackwards: boolean): { steps: Values[]; isKnown: Uint8Array } {
  const [, length, channels] = input.shape;
  const whole = widened(input, input.shape);
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
  const { units } = weights;
  const { steps, isKnown } = inputsOf(input!, Reflect.get(rnn, 'goBackwards') === true);
  const acts = ['activation', 'recurrentActivation'].map((option) => activateBy(rnn, option));
  const isUneven = model.isOpen && input!.sizes[1] !== 1;
  if (isUneven) isKnown.fill(0);
  const own = acts.every((act) => act.isKnown) ? determined(weights, isKnown) : [];
  const from = new Set(['kernel', 'recurrentKernel', 'bias'].map((name) => `${path}:${prefix}${name}`));
  const all = allFrom(...[input!, ...initial].filter(hasKnown), { ...input!, from });
  const nothing = (): Values => new Float64Array(units).fill(Number.NaN);
  const run = {
    outputs: new Float64Array(steps.length * units).fill(Number.NaN),
    states: Array.from({ length: weights.gates === 4 ? 2 : 1 }, nothing),
    isZero: new Uint8Array(units),
    notes: Array<string | undefined>(units).fill(undefined),
    from: all,
  };
  if (own.length === 0) return run;
  const count = model.isOpen ? Math.max(steps.length, 3) : steps.length;
  const recurrent = recurrentOf(weights, own);
  const step = stepOf(rnn, acts[0]!.activate, acts[1]!.activate);
  let states = run.states.map((_, s) => startOf(initial[s], own, Reflect.get(rnn, 'stateful') === true));
  const [history, carried] = [[states[0]!], [states]];
  for (let t = 0; t < count; t++) {
    states = step(fromInput(weights, own, steps[Math.min(t, steps.length - 1)]!, isKnown), recurrent, states);
    history.push(states[0]!);
    carried.push(states);
  }
  own.forEach((unit, n) => {
    const read = history.slice(0, model.isOpen ? undefined : -1);
    run.isZero[unit] = read.every((h) => h[n] === 0) ? 1 : 0;
    const isNothing = history.every((h) => h[n] === 0);
    const isSteady = carried.every((each) =>
      each.every((state, s) => Object.is(state[n], carried[1]![s]![n])),
    );
    const isSteadyAfter = carried
      .slice(1)
      .every((each) => each.every((state, s) => Object.is(state[n], carried[1]![s]![n])));
    const why = whyUnknown(path, history.at(-1)![n]!, isNothing || isSteady, isSteadyAfter, model);
    run.notes[unit] = why;
    if (why !== undefined) return;
    for (let t = 0; t < steps.length; t++) run.outputs[t * units + unit] = history[t + 1]![n]!;
    states.forEach((state, s) => {
      run.states[s]![unit] = state[n]!;
    });
  });
  return run;
}

function whyUnknown(
  path: string,
  last: number,
  isAlways: boolean,
  isSteady: boolean,
  { isOpen, hasMasks }: ConstantCall['model'],
): string | undefined {
  if (Number.isNaN(last)) return `'${path}' begins with states that are not known`;
  if (hasMasks && !isAlways) return `'${path}' leaves out the steps that a mask says`;
  if (isOpen && !isSteady) return `'${path}' changes them from step to step, and the number of steps is open`;
  return undefined;
}

function startOf(initial: Constants | undefined, own: readonly number[], isStateful: boolean): Values {
  if (initial === undefined) return new Float64Array(own.length).fill(isStateful ? Number.NaN : 0);
  const { values, notes } = widened(initial, initial.shape);
  return Float64Array.from(own, (unit) => (notes[unit] === undefined ? values[unit]! : Number.NaN));
}

/** [gate, unit]: the bias, and what comes of constant inputs. */
function fromInput(
  { units, kernel, bias, gates }: Weights,
  own: readonly number[],
  input: Values,
  isKnown: Uint8Array,
): Values {
  const made = new Float64Array(gates * own.length);
  for (let g = 0, n = 0; g < gates; g++) {
    for (const unit of own) {
      const column = g * units + unit;
      let total = bias?.[column] ?? 0;
      for (let i = 0; i < input.length; i++) {
        if (isKnown[i] === 1) total += input[i]! * kernel[i * gates * units + column]!;
      }
      made[n++] = total;
    }
  }
  return made;
}

/** [gate, unit] of some gates: the products with the units' own outputs. */
function recurrentOf(
  { units, recurrent, gates }: Weights,
  own: readonly number[],
): (h: Values, of: readonly number[]) => Values {
  return (h, of) => {
    const made = new Float64Array(of.length * own.length);
    let n = 0;
    for (const g of of) {
      for (const unit of own) {
        for (let k = 0; k < own.length; k++) {
          const weight = recurrent[own[k]! * gates * units + g * units + unit]!;
          // A state that is not known counts only where it is read.
          if (weight !== 0) made[n]! += h[k]! * weight;
        }
        n++;
      }
    }
    return made;
  };
}

/** What a direction gives: its output, then its states. */
function given(run: Run, rnn: object, steps: number, shapes: Shapes): Constants[] {
  const { units } = weightsOf(rnn);
  const { from } = run;
  const state = (values: Values): Constants => ({
    ...unknown([1, units]),
    sizes: [1, units],
    values,
    notes: run.notes,
    from,
  });
  const notes = Array.from(run.outputs, (_, i) => run.notes[i % units]);
  const sequence = { shape: [1, steps, units], sizes: [1, steps, units], values: run.outputs, notes, from };
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
  const steps = call.inputs[0]!.shape[1]!;
  const directions = directionsOf(call);
  const made = directions.map((direction) =>
    given(runOf(call, direction), direction.rnn, steps, shapesOf(direction.rnn)),
  );
  if (made.length === 1) return made[0]!;
  if (made.length === 0) return mixing(call);
  const [[forward, ...states], [backward, ...others]] = [made[0]!, made[1]!];
  const back = shapesOf(directions[1]!.rnn).isSequence ? reversed(backward!) : backward!;
  return [...joined(call, forward!, back), ...states, ...others];
};

function reversed(input: Constants): Constants {
  if (input.sizes[1] === 1) return input;
  const [, steps, channels] = input.sizes;
  const from = (i: number): number => (steps! - 1 - Math.floor(i / channels!)) * channels! + (i % channels!);
  return {
    ...mapped(input, (_, i) => input.values[from(i)]!),
    notes: input.notes.map((_, i) => input.notes[from(i)]),
  };
}

function joined(call: ConstantCall, a: Constants, b: Constants): Constants[] {
  const mode: unknown = Reflect.get(call.layer, 'mergeMode');
  const both = { ...call, inputs: [a, b] };
  switch (mode) {
    case 'concat':
      return [concatenated([a, b], a.shape.length - 1, call.outputShapes[0]!)];
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
