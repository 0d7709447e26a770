import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from 'tfjs-prune/weights';
import { afterAll, describe, expect, it } from 'vitest';
import { isPruneError } from '../../../../src/errors';

const root = mkdtempSync(join(tmpdir(), 'tfjs-prune-'));
const folder = join(root, 'model');
mkdirSync(folder);
afterAll(() => rmSync(root, { recursive: true }));

const path = join(folder, 'model.safetensors.index.json');
const one = { shape: [1], dtype: 'float32', data: Float32Array.of(1) } as const;

async function thrown(index: string | object): Promise<unknown> {
  writeFileSync(path, typeof index === 'string' ? index : JSON.stringify(index));
  return readSafetensors(path).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('an index of shards', async () => {
  await writeSafetensors(new Map([['a', one]]), join(folder, '1.safetensors'));
  await writeSafetensors(
    new Map([
      ['b', one],
      ['c', one],
    ]),
    join(folder, '2.safetensors'),
  );
  await writeSafetensors(new Map([['a', one]]), join(root, '1.safetensors'));
  writeFileSync(join(folder, '3.safetensors'), 'no tensors');

  it.each<[string, string | object, RegExp]>([
    ['that is no JSON', '{', /as an index of safetensors files: .*JSON/],
    ['that is no text', '\ud800', /JSON|UTF-8/],
    ['that is null', 'null', /no object 'weight_map'/],
    ['without a map', { metadata: {} }, /no object 'weight_map'/],
    ['whose map is a list', { weight_map: ['a'] }, /no object 'weight_map'/],
    ['whose map has numbers', { weight_map: { a: 1 } }, /places 'a' in 1, which is no name/],
    ['that leaves its folder', { weight_map: { a: '../1.safetensors' } }, /'a' in "\.\.\/1\.safetensors"/],
    ['that leaves its folder, on Windows', { weight_map: { a: '..\\1.safetensors' } }, /no name of a file/],
    ['that names another drive', { weight_map: { a: 'c:1.safetensors' } }, /no name of a file/],
    [
      'that names a place of its own',
      { weight_map: { a: join(root, '1.safetensors') } },
      /no name of a file/,
    ],
    ['that names a folder', { weight_map: { a: '..' } }, /no name of a file/],
    ['that names nothing', { weight_map: { a: '' } }, /no name of a file/],
    [
      'of a shard that is not there',
      { weight_map: { a: '9.safetensors' } },
      /Cannot read the file '.*9\.saf/,
    ],
    [
      'of a shard that is none',
      { weight_map: { a: '3.safetensors' } },
      /3\.safetensors' as a safetensors file/,
    ],
    [
      'of a tensor that its shard lacks',
      { weight_map: { a: '1.safetensors', d: '1.safetensors' } },
      /'1\.safetensors' has no tensor 'd'/,
    ],
    [
      'that leaves a tensor out',
      { weight_map: { b: '2.safetensors' } },
      /'2\.safetensors' has a tensor 'c' that the index does not place there/,
    ],
    ['that is far too long', `{"weight_map":{}}${' '.repeat(2 ** 24)}`, /more than the 16777216/],
  ])('%s is refused, and named', async (_, index, message) => {
    const error = await thrown(index);
    expect(isPruneError(error, 'file') && error.message).toMatch(message);
    expect(isPruneError(error) && error.message).toContain(folder);
  });

  it('gives the tensors of all of them, in its own order', async () => {
    const index = { weight_map: { c: '2.safetensors', a: '1.safetensors', b: '2.safetensors' } };
    expect(await thrown(index)).toBeUndefined();
    expect([...(await readSafetensors(path))]).toEqual([
      ['c', one],
      ['a', one],
      ['b', one],
    ]);
  });
});
