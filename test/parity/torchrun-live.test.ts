import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import * as prune from 'tfjs-prune';
import { resnet50 } from 'tfjs-prune/models';
import { loadStateDict, readPth, stateDict, writePth } from 'tfjs-prune/weights';
import { afterAll, expect, it } from 'vitest';
import { bytesOf } from '../../src/weights/elements';

const PYTHON = '/usr/bin/python3';
const TORCHRUN = '/usr/bin/torchrun';
const probe = 'import torch, torchvision; assert torch.distributed.is_gloo_available()';
const hasTorchrun =
  spawnSync(PYTHON, ['-c', probe]).status === 0 && spawnSync(TORCHRUN, ['--help']).status === 0;
if (!hasTorchrun) console.log(`Skipped: there is no ${TORCHRUN} with torchvision and gloo.`);

const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-torchrun-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The script of the guide, as its readers copy it. */
function script(): string {
  const guide = readFileSync(fileURLToPath(new URL('../../docs/weights.md', import.meta.url)), 'utf8');
  const blocks = [...guide.matchAll(/```py\n(.*?)```/gs)].map(([, code]) => code!);
  const [found] = blocks.filter((code) => code.startsWith('# torchrun'));
  if (found === undefined) throw new Error('docs/weights.md has no script for torchrun');
  return found;
}

function writeImages(): string {
  const images = join(folder, 'images');
  for (const kind of ['a', 'b']) mkdirSync(join(images, kind), { recursive: true });
  const draw =
    "import sys, PIL.Image as I; [I.effect_noise((40, 50), 60).convert('RGB').save(f'{sys.argv[1]}/{k}/{i}.png') for k in 'ab' for i in range(2)]";
  execFileSync(PYTHON, ['-c', draw, images]);
  return images;
}

// Without torchrun there is nothing to run; the other live tests cover the files.
it.skipIf(!hasTorchrun)(
  "the guide's script trains a pruned model in two processes, and it comes back pruned",
  async () => {
    await tf.setBackend('cpu');
    const model = await resnet50({ seed: 1, inputShape: [64, 64, 3] });
    prune.lnStructured(model.layer1[0].conv2, 'weight', 0.25, 2, 0);
    const parameters = model.layer4.map((block) => [block.conv2, 'weight'] as const);
    prune.globalUnstructured(parameters, prune.L1Unstructured, { amount: 0.5 });
    const [source, target] = [join(folder, 'pruned.pth'), join(folder, 'trained.pth')];
    const before = stateDict(model);
    await writePth(before, source);

    const program = join(folder, 'train.py');
    writeFileSync(program, script());
    // torch 1.13 cannot leave the output alone under Python 3.11, whose enumerations skip 0; so it goes through a pipe.
    const args = [
      '--standalone',
      '--nproc_per_node=2',
      '--redirects=1',
      '--tee=1',
      `--log_dir=${folder}`,
      program,
      source,
      writeImages(),
      target,
    ];
    await promisify(execFile)(TORCHRUN, args, { env: { ...process.env, OMP_NUM_THREADS: '1' } });

    const trained = await readPth(target);
    model.dispose();
    const again = await resnet50({ seed: 2, inputShape: [64, 64, 3] });
    loadStateDict(again, trained);
    const after = stateDict(again);
    const masks = [...before.keys()].filter((name) => name.endsWith('_mask'));
    expect(masks).toHaveLength(4);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const name of masks) {
      expect(Buffer.compare(bytesOf(after.get(name)!), bytesOf(before.get(name)!)), name).toBe(0);
      const orig = name.replace('_mask', '_orig');
      expect(Buffer.compare(bytesOf(after.get(orig)!), bytesOf(before.get(orig)!)), orig).not.toBe(0);
    }
    again.dispose();
  },
  600_000,
);
