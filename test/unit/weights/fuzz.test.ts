import { describe, expect, it } from 'vitest';
import { Generator } from '../../../src/masks/generator';
import { corpus, isRefused } from '../../fuzz/corpus';
import { mutate } from '../../fuzz/mutate';

const MUTATIONS = 250;

// A longer run, of other damage each time: `npm run fuzz`.
describe('a damaged file is read or refused with a PruneError, and soon', () => {
  it.each(corpus.map((sample) => [sample.name, sample] as const))('%s', (_, sample) => {
    const random = new Generator(20240229);
    const start = performance.now();
    let refused = 0;
    for (let i = 0; i < MUTATIONS; i++) if (isRefused(sample, mutate(sample.bytes, random))) refused++;
    expect(refused).toBeGreaterThan(MUTATIONS / 10);
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});
