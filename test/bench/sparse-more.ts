/**
 * Times pruned ResNets of other sizes on sparse kernels against tfjs's own and prints {@link Row}s as JSON:
 * `sparse-more.ts ROUNDS [WORD]`. There is no target, but none may be slower.
 */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { resnet18, resnet50 } from 'tfjs-prune/models';
import { optimizeForInference } from 'tfjs-prune/sparse';
import { predict } from './ours';
import { milliseconds, type Row } from './report';
import { inTurns } from './turns';

const rounds = Number(process.argv[2]);
const only = process.argv[3] ?? '';
const AMOUNTS = [0, 0.5, 0.8, 0.9];
const SETTINGS = [
  { what: 'ResNet18', build: resnet18, images: [1, 224, 224, 3] },
  { what: 'ResNet50, 8 images', build: resnet50, images: [8, 224, 224, 3] },
  { what: 'ResNet50, 64×64', build: resnet50, images: [1, 64, 64, 3] },
] as const;

const rows: Row[] = [];
await tf.setBackend('wasm');
for (const { what, build, images } of SETTINGS) {
  if (!what.includes(only)) continue;
  const [, ...inputShape] = images;
  const dense = await build({ seed: 0, inputShape });
  const x = tf.randomUniform([...images], -1, 1, 'float32', 0);
  for (const amount of AMOUNTS) {
    const pruned = await build({ seed: 0, inputShape });
    if (amount > 0) prune.globalUnstructured(prune.parameters(pruned), prune.L1Unstructured, { amount });
    const { model: fast, handle } = await optimizeForInference(pruned);
    const [before, after] = await inTurns(
      (images[0] > 1 ? 1 : 5) * rounds,
      () => predict(dense, x),
      () => predict(fast, x),
    );
    rows.push({
      what: `${what}, L1 globally at ${amount}: dense ÷ optimized`,
      target: '≥ 1',
      ratio: (before / after).toFixed(2),
      torch: '–',
      ours: `${milliseconds(before)} → ${milliseconds(after)}`,
    });
    handle.dispose();
    fast.dispose();
    pruned.dispose();
  }
  x.dispose();
  dense.dispose();
}
console.log(JSON.stringify(rows));
