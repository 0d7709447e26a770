/** The cells of recurrent layers, for the units that depend on nothing but each other. */
import { classNameOf } from '../../core/parameter';
import { activationOf, applied } from './activations';
import { weightAt } from './kernels';

export type Values = Float64Array;
type Activate = (values: Values) => Values;

/** The states of one step, the output first. */
type Step = (
  fromInput: Values,
  recurrent: (h: Values, gates: readonly number[]) => Values,
  states: Values[],
) => Values[];

/** How many gates a cell has; by the class of its layer. */
export const GATES: Readonly<Record<string, number>> = { SimpleRNN: 1, GRU: 3, LSTM: 4 };

/** @returns What one step of a cell makes of its states. */
export function stepOf(rnn: object, activate: Activate, recurrentActivate: Activate): Step {
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

/** @returns One of a cell's activations, and whether it treats each value by itself. */
export function activateBy(rnn: object, option: string): { isKnown: boolean; activate: Activate } {
  const { isKnown, apply } = activationOf(Reflect.get(rnn, 'cell') ?? {}, option);
  return { isKnown, activate: (values) => applied({ values, notes: [], from: new Set() }, apply).values };
}

/** The weights of a cell, row-major, the gates' columns side by side. */
export interface Weights {
  readonly units: number;
  /** [inputs, gates × units]. */
  readonly kernel: Float32Array;
  /** [units, gates × units]. */
  readonly recurrent: Float32Array;
  /** [gates × units]; undefined without one. */
  readonly bias: Float32Array | undefined;
  readonly gates: number;
}

/** The weights of a cell, in copies: the backend's own are good only until the next tensor is made. */
export function weightsOf(rnn: object): Weights {
  const units = Number(Reflect.get(rnn, 'units') ?? Reflect.get(Reflect.get(rnn, 'cell') ?? {}, 'units'));
  const [kernel, recurrent, bias] = ['kernel', 'recurrentKernel', 'bias'].map((name) =>
    weightAt(rnn, name)?.values.slice(),
  );
  return { units, kernel: kernel!, recurrent: recurrent!, bias, gates: GATES[classNameOf(rnn)!]! };
}

/** The units that read only inputs that are known, and each other. */
export function determined({ units, kernel, recurrent, gates }: Weights, isKnown: Uint8Array): number[] {
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

/** [gate, unit]: the bias, and what comes of constant inputs. */
export function fromInput(
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
export function recurrentOf(
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
