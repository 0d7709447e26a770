import type { ResolvedAmount } from '../../masks/amount';
import type { ExperimentData, Metrics } from './records';

/** A cell of a table, in which a bar would end the cell and a line break the table. */
function cell(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
}

/**
 * @param head The names of the columns.
 * @param rows As many texts for each row.
 * @returns A table in Markdown.
 */
export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const lines = [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** A share as a percentage, of two decimals. */
export function percent(share: number | undefined): string {
  return share === undefined ? '–' : `${(100 * share).toFixed(2)} %`;
}

/** A loss, of four digits. */
export function shortNumber(value: number | undefined): string {
  return value === undefined ? '–' : String(Number(value.toPrecision(4)));
}

function amountText(amount: ResolvedAmount): string {
  return 'fraction' in amount ? percent(amount.fraction) : String(amount.count);
}

function namesText(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names[0]} and ${names.length - 1} more`;
}

function change(before: Metrics, after: Metrics): string[] {
  return [
    `${shortNumber(before.loss)} → ${shortNumber(after.loss)}`,
    `${percent(before.accuracy)} → ${percent(after.accuracy)}`,
  ];
}

/**
 * @param experiment What was done.
 * @returns A heading, the model, and a table each of prunings and of fine-tunings.
 */
export function markdownOf({ model, prunings, finetunings }: ExperimentData): string {
  const parts = [`## ${cell(model.name)}`];
  if (model.accuracy !== undefined) parts.push(`Accuracy before pruning: ${percent(model.accuracy)}`);
  if (prunings.length > 0) {
    const rows = prunings.map(({ method, parameters, amount, sparsity }, i) => [
      String(i + 1),
      method,
      namesText(parameters),
      amountText(amount),
      percent(sparsity),
    ]);
    parts.push(table(['#', 'method', 'parameters', 'amount', 'sparsity'], rows));
  }
  if (finetunings.length > 0) {
    const rows = finetunings.map(({ epochs, steps, optimiser, before, after }, i) => [
      String(i + 1),
      String(epochs),
      String(steps),
      optimiser,
      ...change(before, after),
    ]);
    parts.push(table(['#', 'epochs', 'steps', 'optimiser', 'loss', 'accuracy'], rows));
  }
  return `${parts.join('\n\n')}\n`;
}
