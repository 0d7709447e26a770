/** Every so many pixels of a row or column, as many as the stride: what some rows or columns of the kernel meet. */
export interface Phase {
  /** Where the first one is in the input; negative in the padding. */
  readonly first: number;
  /** How many come before the input's first one. */
  readonly before: number;
  /** How many lie in the input. */
  readonly inside: number;
}

/** An axis of a convolution, split into phases. */
export interface Axis {
  readonly phases: readonly Phase[];
  /** Pixels of a phase. */
  readonly length: number;
  /** For each place of the kernel: the phase that it meets, and how far it is shifted there. */
  readonly taps: ReadonlyArray<{ readonly phase: number; readonly shift: number }>;
  /** Zeros that the end of each row can share with the beginning of the next. */
  readonly shared: number;
}

/**
 * Splits an axis.
 *
 * @param size Pixels of the input along it.
 * @param outputs Of the output.
 * @param kernel Of the kernel.
 * @param stride From one output's place to the next.
 * @param dilation From one place of the kernel to the next.
 * @param padding Zeros before the input.
 */
export function axisOf(
  size: number,
  outputs: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: number,
): Axis {
  const places = Array.from({ length: kernel }, (_, k) => k * dilation);
  const remainders = [...new Set(places.map((place) => place % stride))];
  const taps = places.map((place) => ({
    phase: remainders.indexOf(place % stride),
    shift: Math.floor(place / stride),
  }));
  const length = outputs + Math.max(...taps.map(({ shift }) => shift));
  const phases = remainders.map((remainder) => {
    const first = remainder - padding;
    const before = Math.min(Math.max(Math.ceil(-first / stride), 0), length);
    const end = Math.min(Math.max(Math.ceil((size - first) / stride), before), length);
    return { first, before, inside: end - before };
  });
  const ends = phases.map(({ before, inside }) => Math.min(before, length - before - inside));
  // Neither rows of outputs nor what two places of the kernel meet may overlap.
  const shared = Math.min(...ends, length - outputs, outputs - 1);
  return { phases, length, taps, shared };
}
