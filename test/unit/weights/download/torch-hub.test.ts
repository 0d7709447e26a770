import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { download } from 'tfjs-prune/weights';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { torchCheckpoints } from '../../../../src/weights/download/cache.node';
import { content, folder, host, ranged } from './host';

const PYTHON = '/usr/bin/python3';
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch.hub']).status === 0;
if (!hasTorch) console.log(`Skipped: ${PYTHON} has no torch to share a cache with.`);

/** Runs Python while our own host can answer it. */
async function python(code: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const child = spawn(PYTHON, ['-c', code], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let text = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    errors += more;
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Error(errors);
  return text.trim();
}

const fromPython = (url: string): string => `
import os, torch.hub
name = os.path.basename(${JSON.stringify(url)})
folder = os.path.join(torch.hub.get_dir(), 'checkpoints')
os.makedirs(folder, exist_ok=True)
path = os.path.join(folder, name)
if not os.path.exists(path):
    torch.hub.download_url_to_file(${JSON.stringify(url)}, path, torch.hub.HASH_REGEX.search(name).group(1), progress=False)
print(path)
`;

// Without torch there is nothing to share a cache with.
describe.skipIf(!hasTorch)("torch's cache", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is where torch says, whatever the environment', async () => {
    const environments: Record<string, string>[] = [
      { TORCH_HOME: '/t', XDG_CACHE_HOME: '/x' },
      { XDG_CACHE_HOME: '/x' },
      {},
      { TORCH_HOME: '~/t' },
      { TORCH_HOME: '~' },
      { XDG_CACHE_HOME: '~/x' },
    ];
    // torch looks at the environment each time it is asked.
    const code = `
import json, os, torch.hub
for variables in json.loads(${JSON.stringify(JSON.stringify(environments))}):
    for name in ('TORCH_HOME', 'XDG_CACHE_HOME'):
        os.environ.pop(name, None)
    os.environ.update(variables)
    print(os.path.join(torch.hub.get_dir(), 'checkpoints'))
`;
    const expected = await python(code, { ...process.env, HOME: homedir() });
    const actual = environments.map(({ TORCH_HOME, XDG_CACHE_HOME }) => {
      vi.stubEnv('TORCH_HOME', TORCH_HOME);
      vi.stubEnv('XDG_CACHE_HOME', XDG_CACHE_HOME);
      return torchCheckpoints();
    });
    expect(actual).toEqual(expected.split('\n'));
  });

  it('holds what torch has downloaded', async () => {
    vi.stubEnv('TORCH_HOME', folder());
    const { bytes, name } = content(1_000_000);
    const { url, requests } = await host(ranged(bytes));
    const path = await python(fromPython(`${url}/models/${name}`));
    expect(bytes.equals(await download(`${url}/models/${name}`))).toBe(true);
    expect(requests).toHaveLength(1);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it('holds what we have downloaded', async () => {
    const home = folder();
    vi.stubEnv('TORCH_HOME', home);
    const { bytes, name } = content(1_000_000);
    const { url, requests } = await host(ranged(bytes));
    await download(`${url}/models/${name}`);
    const path = await python(fromPython(`${url}/models/${name}`));
    expect(requests).toHaveLength(1);
    expect(path).toBe(join(home, 'hub', 'checkpoints', name));
    expect(readdirSync(join(home, 'hub', 'checkpoints'))).toEqual([name]);
    expect(statSync(path).size).toBe(bytes.length);
  });
});
