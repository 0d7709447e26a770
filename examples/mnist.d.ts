declare module 'mnist' {
  /** Per digit, its samples: 28 × 28 grey values in [0, 1], row by row; `raw` has them one after the other. */
  const mnist: ReadonlyArray<{
    readonly length: number;
    readonly raw: readonly number[];
    get(index: number): number[];
  }>;
  export = mnist;
}
