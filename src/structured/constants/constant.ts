/** What is the same for every input: channels that pruning has left without weights. */

/** What is known of the channels along the last axis of a tensor, in inference. */
export interface Constants {
  /** The value that a channel has at every position, whatever the input; NaN where it depends on that. */
  readonly values: Float64Array;
  /** For a channel that is not quite constant, since padding surrounds it by zeros, what pads it. */
  readonly padded: ReadonlyArray<string | undefined>;
}

/** @returns That nothing is known. */
export function unknown(size: number): Constants {
  return { values: new Float64Array(size).fill(Number.NaN), padded: Array(size).fill(undefined) };
}

/** @returns The same for each channel by itself. */
export function mapped(
  { values, padded }: Constants,
  change: (value: number, channel: number) => number,
): Constants {
  return { values: values.map((value, channel) => change(value, channel)), padded };
}

/** @returns The same with zeros around it: what is zero itself does not change by that. */
export function padding({ values, padded }: Constants, by: string): Constants {
  return { values, padded: padded.map((known, i) => known ?? (values[i]! === 0 ? undefined : by)) };
}

/** @returns The channels several times over. */
export function tiledConstants({ values, padded }: Constants, size: number): Constants {
  const { length } = values;
  return {
    values: Float64Array.from({ length: size }, (_, i) => values[i % length]!),
    padded: Array.from({ length: size }, (_, i) => padded[i % length]),
  };
}
