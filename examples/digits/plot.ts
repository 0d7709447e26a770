/**
 * Draws accuracy against sparsity from what `npm run digits -- --out FILE` wrote:
 *
 *     npx tsx examples/digits/plot.ts results.json digits.svg
 */
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { TITLES } from './methods';
import type { Results } from './results';

/** A network as a point of the picture. */
interface Point {
  readonly method: string;
  /** Per cent of the weights. */
  readonly zeros: number;
  /** Per cent of the digits. */
  readonly accuracy: number;
}

function pointsOf({ pruned }: Results): Point[] {
  return pruned.map(({ method, sparsity, accuracy }) => ({
    method: TITLES[method],
    zeros: 100 * sparsity,
    accuracy: 100 * accuracy,
  }));
}

/** Least distance of two names, in points of accuracy. */
const APART = 3.2;

/** The last point of each line, moved down where its name would cover another's. */
function names(points: readonly Point[]): Point[] {
  const last = points.filter(({ method }, i) => points[i + 1]?.method !== method);
  let above = Number.POSITIVE_INFINITY;
  return last
    .sort((a, b) => b.accuracy - a.accuracy)
    .map((point) => {
      above = Math.min(point.accuracy, above - APART);
      return { ...point, accuracy: above };
    });
}

/** Where a network lies from left to right: as much further as it has fewer weights left, by their logarithm. */
const leftOf = (zeros: number): number => 100 - zeros;

/**
 * The picture, as the text of an SVG file: a line for each method, and one for the network that is not pruned.
 *
 * @param results What was measured.
 */
export function accuracyPlot(results: Results): string {
  const { document } = parseHTML('<html><body></body></html>');
  const points = pointsOf(results);
  const dense = 100 * results.dense.accuracy;
  const sparsities = [...new Set(results.pruned.map(({ asked }) => 100 * asked))];
  const place = { x: ({ zeros }: Point) => leftOf(zeros), y: 'accuracy' } as const;
  const picture = Plot.plot({
    document,
    ariaLabel: 'Accuracy after fine-tuning against the share of zeros, a line for each method',
    width: 760,
    height: 420,
    marginRight: 170,
    style: { background: 'white', color: '#222', fontFamily: 'sans-serif', fontSize: '12px' },
    x: {
      type: 'log',
      reverse: true,
      label: 'zeros among the weights →',
      ticks: sparsities.map(leftOf),
      tickFormat: (left: number) => `${leftOf(left)} %`,
      labelArrow: 'none',
    },
    y: { label: '↑ accuracy after fine-tuning, %', domain: [40, 100], grid: true, labelArrow: 'none' },
    color: { scheme: 'Dark2' },
    marks: [
      Plot.ruleY([dense], { stroke: '#888', strokeDasharray: '4 3' }),
      Plot.text([dense], {
        y: dense,
        text: () => 'not pruned',
        frameAnchor: 'left',
        dx: 4,
        dy: -8,
        fill: '#666',
      }),
      Plot.line(points, { ...place, stroke: 'method' }),
      Plot.dot(points, { ...place, fill: 'method', r: 3 }),
      Plot.text(names(points), { ...place, text: 'method', fill: 'method', textAnchor: 'start', dx: 10 }),
    ],
  });
  picture.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${picture.outerHTML}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [from, to] = process.argv.slice(2);
  if (from === undefined || to === undefined) throw new Error('Usage: plot.ts RESULTS.json PICTURE.svg');
  const results: Results = JSON.parse(await readFile(from, 'utf8'));
  await writeFile(to, accuracyPlot(results));
}
