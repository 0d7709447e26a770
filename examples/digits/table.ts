import { TITLES } from './methods';
import type { Measured, Pruned, Results } from './results';

const HEAD = [
  'method',
  'zeros',
  'accuracy pruned',
  'fine-tuned',
  'gzip, KB',
  'plain, ms',
  'optimised, ms',
] as const;

const percent = (share: number, digits: number): string => `${(100 * share).toFixed(digits)} %`;

function measuredCells({ accuracy, bytes, latency }: Measured): string[] {
  const size = (bytes / 1000).toFixed(0);
  return [percent(accuracy, 2), size, latency.plain.toFixed(1), latency.optimized.toFixed(1)];
}

/** A row of the table for a pruned network. */
function rowOf(pruned: Pruned): string[] {
  const before = pruned.before === undefined ? '–' : percent(pruned.before, 2);
  return [TITLES[pruned.method], percent(pruned.sparsity, 1), before, ...measuredCells(pruned)];
}

/** The results as a table of Markdown, whose columns also line up as text. */
export function markdownTable({ dense, pruned }: Results): string {
  const rows = [
    HEAD,
    ['not pruned', percent(dense.sparsity, 1), '–', ...measuredCells(dense)],
    ...pruned.map(rowOf),
  ];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(rows[0]!), line(rule), ...rows.slice(1).map(line)].join('\n');
}
