declare module 'mnist' {
  /** Per digit, its samples: 28 × 28 grey values in [0, 1], row by row. */
  const mnist: ReadonlyArray<{ readonly length: number; get(index: number): number[] }>;
  export = mnist;
}
