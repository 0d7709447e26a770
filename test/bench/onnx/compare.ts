/**
 * Times onnxruntime on the dense ResNet50 against this library on the same network with 90 % of its weights pruned, and
 * prints {@link Row}s as JSON: `compare.ts ROUNDS`. All on one thread.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as prune from 'tfjs-prune';
import { optimizeForInference } from 'tfjs-prune/sparse';
import { stateDict, writePth } from 'tfjs-prune/weights';
import { model, predict } from '../ours';
import { milliseconds, type Row } from '../report';
import { inTurns } from '../turns';
import { type Network, openNetwork, type PackageName, versionOf } from './runtime';

const rounds = Number(process.argv[2]);
const AMOUNT = 0.9;
const TARGETS: ReadonlyArray<{ name: PackageName; kind: string; target: string }> = [
  { name: 'onnxruntime-web', kind: 'wasm', target: '≥ 9' },
  { name: 'onnxruntime-node', kind: 'native', target: '≥ 1' },
];

/** Writes the network as ONNX; false where PyTorch is missing. */
async function exportTo(folder: string, network: tf.LayersModel): Promise<string | undefined> {
  const [weights, target] = [join(folder, 'resnet50.pth'), join(folder, 'resnet50.onnx')];
  await writePth(stateDict(network), weights);
  const script = fileURLToPath(new URL('./export.py', import.meta.url));
  try {
    execFileSync('/usr/bin/python3', [script, weights, target], { stdio: ['ignore', 'ignore', 'pipe'] });
    return target;
  } catch (error) {
    console.error(`No ONNX file: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

/** Stops where the two do not compute the same: then there is nothing to compare. */
function checkSame(ours: Float32Array, theirs: Float32Array, name: string): void {
  const range = Math.max(...ours.map(Math.abs));
  const worst = Math.max(...ours.map((logit, i) => Math.abs(logit - theirs[i]!)));
  if (!(ours.length === theirs.length && worst <= 1e-4 * range)) {
    throw new Error(`${name} gives other logits than tfjs: they differ by ${worst}, of a range of ${range}.`);
  }
}

async function timed(network: Network, image: Float32Array): Promise<number> {
  const start = performance.now();
  await network.run(image);
  return performance.now() - start;
}

async function bench(path: string, dense: tf.LayersModel): Promise<Row[]> {
  const image = tf.randomUniform([1, 224, 224, 3], -1, 1, 'float32', 0);
  const planes = tf.tidy(() => tf.transpose(image, [0, 3, 1, 2]).dataSync<'float32'>());
  const logits = tf.tidy(() => (dense.predict(image) as tf.Tensor).dataSync<'float32'>());
  const fast: Array<{ how: string; network: tf.LayersModel }> = [];
  for (const how of ['globally', 'in each layer']) {
    const pruned = await model();
    const weights = prune.parameters(pruned);
    if (how === 'globally') prune.globalUnstructured(weights, prune.L1Unstructured, { amount: AMOUNT });
    else for (const [layer, name] of weights) prune.l1Unstructured(layer, name, AMOUNT);
    fast.push({ how, network: (await optimizeForInference(pruned)).model });
    pruned.dispose();
  }
  const rows: Row[] = [];
  for (const { name, kind, target } of TARGETS) {
    const version = versionOf(name);
    if (version === undefined) continue;
    const theirs = await openNetwork(name, path);
    checkSame(logits, await theirs.run(planes), name);
    for (const { how, network } of fast) {
      const [before, after] = await inTurns(
        5 * rounds,
        () => timed(theirs, planes),
        () => predict(network, image),
      );
      rows.push({
        what: `ResNet50, L1 ${how} at ${AMOUNT}: ${name} ${version} (${kind}, dense) ÷ optimized`,
        target,
        ratio: (before / after).toFixed(2),
        torch: '–',
        ours: `${milliseconds(before)} → ${milliseconds(after)}`,
      });
    }
    await theirs.close();
  }
  return rows;
}

function skipped(ratio: string): Row[] {
  return TARGETS.map(({ name, target }) => ({
    what: `ResNet50 at ${AMOUNT}: ${name} ÷ optimized`,
    target,
    ratio,
    torch: '–',
    ours: '–',
  }));
}

async function rows(): Promise<Row[]> {
  if (TARGETS.every(({ name }) => versionOf(name) === undefined)) {
    console.error('For onnxruntime: npm ci --ignore-scripts --prefix test/bench/onnx (440 MB).');
    return skipped('not installed');
  }
  const dense = await model();
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-prune-onnx-'));
  try {
    const path = await exportTo(folder, dense);
    return path === undefined ? skipped('no torch') : await bench(path, dense);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

console.log(JSON.stringify(await rows()));
