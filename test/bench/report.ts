/** A line of the table. */
export interface Row {
  readonly what: string;
  readonly target: string;
  readonly ratio: string;
  readonly torch: string;
  readonly ours: string;
}

/** What the timing process hands back. */
export interface Speed {
  /** The PyTorch that was timed, null where there is none. */
  readonly torch: { readonly version: string; readonly threads: number } | null;
  readonly rows: readonly Row[];
}

/** What loading took, in milliseconds; for torch null where there is none. */
export interface Loading {
  readonly torch: number | null;
  readonly pth: number;
  readonly safetensors: number;
  /** Where the files are. */
  readonly files: { readonly pth: string; readonly safetensors: string };
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export const milliseconds = (time: number): string => `${time.toFixed(1)} ms`;
export const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
