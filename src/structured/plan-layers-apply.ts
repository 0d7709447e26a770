import type * as tf from '@tensorflow/tfjs';
import { describe, slotsOf } from '../core/parameter';
import { PruneError } from '../errors';
import { checkSame, copyWeight, isBuilt, unchanged } from '../topology/copy-weights';
import { draftOf } from '../topology/draft';
import { rebuild } from '../topology/rebuild';
import { dependencyGraph } from './dependency-graph';
import type { LayerPlan } from './plan';
import { checkTopology } from './plan-check';
import { blocksOf } from './plan-layers-blocks';
import { checkTogether, takeOutBlocks } from './plan-layers-removal';

/**
 * Builds the model that a {@link LayerPlan} describes, with copies of the weights and masks of the layers that are left.
 *
 * @param model The model that the plan was made for, or one of the same layers. It stays as it is.
 * @param plan The plan, its form checked.
 * @returns The new model, which shares no weight with the old one; the caller disposes both.
 * @throws {@link PruneError} `argument` for a plan for another model, or of blocks that cannot go together; `state` for a model that is not built or disposed;
 * `unsupported` where tfjs cannot build the model. No tensor is left behind.
 */
export function applyLayerPlan(model: tf.LayersModel, plan: LayerPlan): { model: tf.LayersModel } {
  const draft = draftOf(model, 'applyPlan');
  checkTopology(plan.topology, dependencyGraph(model).topology);
  const removed = new Set(plan.blocks.filter(({ isRemoved }) => isRemoved).map(({ name }) => name));
  const blocks = blocksOf(draft);
  const stray = [...removed].find((name) => blocks.every((block) => block.name !== name));
  if (stray !== undefined) {
    const allowed = blocks.map(({ name }) => name);
    const message = `The plan removes '${stray}', but ${describe(model)} has no such block; there are: ${allowed.join(', ')}.`;
    throw new PruneError('argument', message, { given: stray, allowed });
  }
  const missing = blocks.find(({ name }) => plan.blocks.every((block) => block.name !== name));
  if (missing !== undefined) {
    const message = `The plan has no block '${missing.name}', which ${describe(model)} has. Plan anew for this model.`;
    throw new PruneError('argument', message, { given: plan.blocks, allowed: missing.name });
  }
  for (const { name, layers } of plan.blocks) {
    const own = blocks.find((block) => block.name === name)?.layers;
    if (own === undefined || String([...own].sort()) === String([...layers].sort())) continue;
    const message = `The plan's block '${name}' is made of ${layers.join(', ')}; that of ${describe(model)}, of ${own.join(', ')}. Plan anew for this model.`;
    throw new PruneError('argument', message, { given: layers, allowed: own });
  }
  const gone = blocks.filter(({ name }) => removed.has(name));
  checkTogether(draft, gone);
  takeOutBlocks(draft.config, gone);
  return { model: rebuild(draft, copyLayer) };
}

function copyLayer(from: object, to: object): void {
  const targets = slotsOf(to);
  for (const [i, source] of slotsOf(from).entries()) {
    if (!isBuilt(source)) continue;
    const target = targets[i];
    checkSame(source, target);
    copyWeight(source, target, unchanged);
  }
}
