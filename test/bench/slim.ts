/** Times ResNet50s with channels or blocks removed against the whole one and prints {@link Row}s as JSON: `slim.ts ROUNDS`. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { resnet50 } from 'tfjs-prune/models';
import { optimizeForInference } from 'tfjs-prune/sparse';
import { applyPlan, type Plan, planChannels, planLayers, summary } from 'tfjs-prune/structured';
import { predict } from './ours';
import { median, milliseconds, type Row } from './report';
import { inTurns } from './turns';

const rounds = Number(process.argv[2]);
const what = 'ResNet50, 224×224';

await tf.setBackend('wasm');
const dense: tf.LayersModel = await resnet50({ seed: 0 });
const image = tf.randomUniform([1, 224, 224, 3], -1, 1, 'float32', 0);
const rows: Row[] = [];

/** Times a model against the whole one. */
async function against(model: tf.LayersModel): Promise<[before: number, after: number]> {
  return inTurns(
    5 * rounds,
    () => predict(dense, image),
    () => predict(model, image),
  );
}

function add(title: string, target: string, ratio: number, ours: string): void {
  rows.push({ what: `${what}, ${title}`, target, ratio: ratio.toFixed(2), torch: '–', ours });
}

/** What share of the multiply-accumulates a model still has. */
const shareOf = (model: tf.LayersModel): number => summary(model).macs / summary(dense).macs;

async function addPlanned(title: string, target: string, plan: Plan): Promise<void> {
  const { model } = applyPlan(dense, plan);
  const [before, after] = await against(model);
  const share = `${(100 * shareOf(model)).toFixed(0)} % of the MACs`;
  add(
    `${title}: dense ÷ slim`,
    target,
    before / after,
    `${milliseconds(before)} → ${milliseconds(after)}, ${share}`,
  );
  model.dispose();
}

await addPlanned(
  'half of the channels',
  '≥ 3.2',
  await planChannels(dense, { ratio: 0.5, importance: 'l2' }),
);
const half = await planChannels(dense, { targetMacs: 0.5, importance: 'l2' });
await addPlanned('half of the MACs', '≥ 1.8', half);

const whole: number[] = [];
while (whole.length < 5) whole.push(await predict(dense, image));
const started = performance.now();
const halfTime = await planChannels(dense, { targetLatencyMs: median(whole) / 2, roundTo: 8 });
const seconds = ((performance.now() - started) / 1000).toFixed(0);
const { before, predicted, measured } = halfTime.latency!; // a plan for a latency has it
console.warn(
  `targetLatencyMs: ${milliseconds(before)} → ${milliseconds(measured)} measured, ${milliseconds(predicted)} predicted, found in ${seconds} s`,
);
await addPlanned('targetLatencyMs: half of the whole time', 'none', halfTime);

const shorter = await planLayers(dense, { remove: ['layer1.1', 'layer2.1', 'layer3.1', 'layer4.1'] });
const { model: short } = applyPlan(dense, shorter);
const [long, cut] = await against(short);
const expected = 1 / shareOf(short);
add(
  `a block less per stage: dense ÷ shorter, over ${expected.toFixed(2)}, the ratio of MACs`,
  '≥ 0.9',
  long / cut / expected,
  `${milliseconds(long)} → ${milliseconds(cut)}`,
);
short.dispose();

const times: number[] = [];
for (let round = 0; round < rounds + 1; round++) {
  const start = performance.now();
  applyPlan(dense, await planChannels(dense, { targetMacs: 0.5, importance: 'l2' })).model.dispose();
  times.push(performance.now() - start);
}
rows.push({
  what: `${what}, plan and apply half of the MACs`,
  target: '≤ 3,000 ms',
  ratio: '–',
  torch: '–',
  ours: milliseconds(median(times)),
});

const { model: slim } = applyPlan(dense, half);
prune.globalUnstructured(prune.parameters(slim), prune.L1Unstructured, { amount: 0.8 });
const { model: fastest, handle } = await optimizeForInference(slim);
const [plain, all] = await against(fastest);
add(
  'half of the MACs, then 80 % of the weights, folded and on sparse kernels: dense ÷ fastest',
  'none',
  plain / all,
  `${milliseconds(plain)} → ${milliseconds(all)}`,
);
handle.dispose();
for (const model of [fastest, slim, dense]) model.dispose();
image.dispose();
console.log(JSON.stringify(rows));
