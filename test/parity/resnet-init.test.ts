import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Generator } from '../../src/masks/generator';
import { kaimingNormal, kaimingUniform, uniform } from '../../src/models/initialise';
import { normal } from '../../src/models/normal';
import fixture from './fixtures/resnet-init.json' with { type: 'json' };

interface Case {
  readonly kind: string;
  readonly size: number[];
  readonly seed: number;
  readonly values: string;
  readonly mean?: number;
  readonly std?: number;
  readonly low?: number;
  readonly high?: number;
  readonly mode?: string;
}

function fill(generator: Generator, data: Float32Array, c: Case): void {
  const mode = c.mode === 'fan_out' ? 'fan_out' : 'fan_in';
  if (c.kind === 'normal') normal(generator, data, c.mean!, c.std!);
  else if (c.kind === 'uniform') uniform(generator, data, c.low!, c.high!);
  else if (c.kind === 'kaimingNormal') kaimingNormal(generator, data, c.size, mode);
  else kaimingUniform(generator, data, c.size, undefined, mode);
}

const cases: Case[] = fixture.cases;

describe('random numbers are torch’s, bit for bit', () => {
  it.each(['normal', 'uniform', 'kaimingNormal', 'kaimingUniform'])('%s', (kind) => {
    const own = cases.filter((c) => c.kind === kind);
    expect(own.length).toBeGreaterThan(9);
    for (const c of own) {
      const generator = new Generator(c.seed);
      const half = c.size.reduce((n, size) => n * size, 1);
      const both = new Float32Array(2 * half);
      fill(generator, both.subarray(0, half), c);
      fill(generator, both.subarray(half), c);
      const { values, ...what } = c;
      expect(Buffer.from(both.buffer).toString('base64'), JSON.stringify(what)).toBe(values);
    }
  });

  it.each(fixture.hashed)('normal, $size of them', ({ size, seed, mean, std, sha256 }) => {
    const values = normal(new Generator(seed), new Float32Array(size), mean, std);
    expect(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex')).toBe(sha256);
  });
});
