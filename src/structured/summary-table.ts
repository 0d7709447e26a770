import { PruneError, shown } from '../errors';
import type { LayerSummary, ModelSummary } from './summary';

const HEADS = ['layer', 'class', 'output', 'parameters', 'nonzeros', 'MACs', 'of nonzeros', 'activations'];

/**
 * A {@link ModelSummary} as text: a line for each layer that has parameters or multiplications, and the totals.
 *
 * @param counts What {@link summary} gives.
 * @returns Lines of columns for a font of fixed width, without a line feed at the end.
 * @throws {@link PruneError} `argument` for anything else, such as a model.
 * @example
 * ```ts
 * console.log(summaryTable(summary(model)));
 * ```
 */
export function summaryTable(counts: ModelSummary): string {
  // A model has layers too, but counts nothing.
  const given: unknown = counts;
  if (typeof given !== 'object' || given === null || !('uncounted' in given)) {
    const allowed = 'what summary(model) gives';
    throw new PruneError('argument', `summaryTable takes ${allowed}, but got ${shown(given)}.`, {
      given,
      allowed,
    });
  }
  const rows = counts.layers
    .filter(({ parameters, macs, isCounted }) => parameters > 0 || macs > 0 || !isCounted)
    .map(lineOf);
  const total = ['total', '', '', ...numbersOf(counts, true)];
  const lines = [HEADS, ...rows, total];
  const widths = HEADS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) =>
    line
      .map((cell, i) => padded(cell, widths[i]!, i))
      .join('  ')
      .trimEnd(),
  );
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  text.push(`peak of activations: ${bytes(counts.peakActivationBytes)}`);
  if (counts.uncounted.length > 0) text.push(`MACs not known of: ${counts.uncounted.join(', ')}`);
  return text.join('\n');
}

function lineOf(layer: LayerSummary): string[] {
  const shape = layer.outputShape.slice(1).join('×');
  return [layer.name, layer.className, shape, ...numbersOf(layer, layer.isCounted)];
}

type Counts = Pick<ModelSummary, 'parameters' | 'nonzeros' | 'macs' | 'nonzeroMacs' | 'activationBytes'>;

function numbersOf(
  { parameters, nonzeros, macs, nonzeroMacs, activationBytes }: Counts,
  isCounted: boolean,
): string[] {
  const multiplications = isCounted ? [short(macs), short(nonzeroMacs)] : ['?', '?'];
  return [short(parameters), short(nonzeros), ...multiplications, bytes(activationBytes)];
}

/** Text to the left, numbers to the right. */
function padded(cell: string, width: number, column: number): string {
  return column < 3 ? cell.padEnd(width) : cell.padStart(width);
}

const UNITS = ['', ' K', ' M', ' G', ' T'];

/** A number in thousands, millions, billions or trillions. */
export function short(count: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(count, 1)) / 3)));
  return `${power === 0 ? count : (count / 1000 ** power).toFixed(2)}${UNITS[power]!}`;
}

function bytes(count: number): string {
  if (count >= 2 ** 20) return `${(count / 2 ** 20).toFixed(2)} MiB`;
  return count >= 2 ** 10 ? `${(count / 2 ** 10).toFixed(2)} KiB` : `${count} B`;
}
