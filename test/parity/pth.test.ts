import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readPth, type StateDict } from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';
import { isPruneError } from '../../src/errors';
import { type Described, expectAsDescribed } from './described';

const path = (name: string): string => fileURLToPath(new URL(`./fixtures/pth/${name}`, import.meta.url));
const described = (file: string): Record<string, Record<string, Described>> =>
  JSON.parse(readFileSync(path(file), 'utf8')).files;
const expected = { ...described('expected.json'), ...described('expected-legacy.json') };

function expectAsSaved(state: StateDict, name: string): void {
  expectAsDescribed(state, Object.entries(expected[name]!));
}

describe('readPth reads what torch wrote', () => {
  it.each([
    'plain',
    'views',
    'dtypes',
    'half',
    'parameters',
    'checkpoint',
    'model-state-dict',
    'pruned',
    'no-tensors',
    'legacy',
    'legacy-views',
    'legacy-checkpoint',
    'legacy-view-metadata',
    'legacy-python2',
  ])('%s.pth, from a path, a Uint8Array, an ArrayBuffer and a stream', async (name) => {
    expectAsSaved(await readPth(path(`${name}.pth`)), name);
    const bytes = new Uint8Array(readFileSync(path(`${name}.pth`)));
    expectAsSaved(await readPth(bytes), name);
    expectAsSaved(await readPth(bytes.buffer), name);
    expectAsSaved(await readPth(new Blob([bytes]).stream()), name);
  });

  it('without copying float32', async () => {
    const state = await readPth(path('plain.pth'));
    expect(new Set([...state.values()].map(({ data }) => data.buffer)).size).toBe(1);
    const views = await readPth(path('views.pth'));
    expect(views.get('row')!.data.buffer).toBe(views.get('base')!.data.buffer);
  });

  it.each([
    ['legacy-big-endian', /written on a big-endian machine/],
    ['module', /needs 'torch\.nn\.modules\.linear\.Linear'/],
    ['complex', /needs 'torch\.ComplexFloatStorage'/],
    ['not-a-dict', /holds a tensor rather than a dict/],
    ['not-tensors', /'epoch' is 3, not a tensor/],
  ])('and refuses %s.pth by what is in it', async (name, message) => {
    const error: unknown = await readPth(path(`${name}.pth`)).catch((reason: unknown) => reason);
    expect(isPruneError(error, 'file') && error.message).toMatch(message);
    expect(isPruneError(error) && error.message).toContain(`${name}.pth`);
  });
});
