/** What layers make of constants that put values elsewhere. */
import { alike, apart, inRow, product } from './axes';
import { type ConstantRule, channelAxisOf, shapeAfter } from './call';
import { allFrom, type Constants, compacted, expanded, fitted, hasKnown, turned } from './constant';

/** @returns The same values, in order, in another shape. */
function reshapedTo(input: Constants, shape: readonly number[]): Constants {
  const last = input.axes.at(-1)!;
  const isLastOnly = input.axes.slice(0, -1).every(({ count }) => count === 1);
  if (isLastOnly && (last.count === 1 || last.kinds.length === shape.at(-1))) {
    const axes = shape.map((size, i) => (last.count > 1 && i === shape.length - 1 ? last : alike(size)));
    return { ...input, axes };
  }
  return compacted({ ...expanded(input), axes: shape.map(apart) });
}

export const reshape: ConstantRule = (call) => reshapedTo(call.inputs[0]!, shapeAfter(call));

/** Where channels are first, tfjs puts them last before it flattens. */
export const flatten: ConstantRule = (call) => {
  const [input] = call.inputs;
  const rank = input!.axes.length;
  const isFirst = rank > 2 && channelAxisOf(call.layer, rank) === 1;
  const order = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
  return reshapedTo(isFirst ? turned(input!, order) : input!, shapeAfter(call));
};

export const permute: ConstantRule = ({ layer, inputs }) => {
  const dims = [Reflect.get(layer, 'dims')].flat().map(Number);
  return turned(inputs[0]!, [0, ...dims]);
};

export const repeatVector: ConstantRule = (call) => {
  const [input] = call.inputs;
  const [batch, channels] = input!.axes;
  return { ...input!, axes: [batch!, alike(shapeAfter(call)[1]!), channels!] };
};

export const concatenate: ConstantRule = (call) => {
  const rank = call.inputs[0]!.axes.length;
  return concatenated(call.inputs, (Number(Reflect.get(call.layer, 'axis')) + rank) % rank);
};

/** @returns Several one after the other along an axis. */
export const concatenated = (inputs: readonly Constants[], axis: number): Constants =>
  compacted(appended(inputs, axis));

/** @returns The same, with all kinds along the axis, also where they are alike. */
export function appended(inputs: readonly Constants[], axis: number): Constants {
  const parts = fitted(inputs, axis);
  const axes = parts[0]!.axes.map((each, i) =>
    i === axis ? inRow(parts.map((part) => part.axes[axis]!)) : each,
  );
  const outer = product(axes.slice(0, axis).map(({ count }) => count));
  const values = new Float64Array(product(axes.map(({ count }) => count)));
  const notes = Array<string | undefined>(values.length).fill(undefined);
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (const part of parts) {
      const width = part.values.length / outer;
      for (let i = row * width; i < (row + 1) * width; i++) {
        values[at] = part.values[i]!;
        notes[at++] = part.notes[i];
      }
    }
  }
  return { axes, values, notes, from: allFrom(...parts.filter(hasKnown)) };
}
