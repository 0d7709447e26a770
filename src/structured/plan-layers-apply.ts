import type * as tf from '@tensorflow/tfjs';
import { checkOptions } from '../core/options';
import { describe, slotsOf } from '../core/parameter';
import { PruneError, shown } from '../errors';
import { checkSame, copyWeight, isBuilt, unchanged } from '../topology/copy-weights';
import { type Draft, draftOf } from '../topology/draft';
import { callsOf, type Source, sourcesOf } from '../topology/model-config';
import { rebuild } from '../topology/rebuild';
import { fingerprintOf } from './fingerprint';
import type { LayerPlan } from './plan-layers';
import { type Block, blocksOf } from './plan-layers-blocks';

/**
 * Builds the model that a {@link LayerPlan} describes: a plain LayersModel with fewer layers, whose names stay, with copies
 * of the weights and masks of those that are left.
 *
 * @param model The model that the plan was made for, or one of the same layers. It stays as it is.
 * @param plan The plan, which may come out of JSON.
 * @returns The new model, which shares no weight with the old one; the caller disposes both.
 * @throws {@link PruneError} `argument` for what is no model or plan, and for a plan for another model; `state` for a model
 * that is not built or disposed; `unsupported` where tfjs cannot build the model. No tensor is left behind.
 * @example
 * ```ts
 * const { model: shorter } = applyLayerPlan(model, await planLayers(model, { remove: ['layer3.4'] }));
 * ```
 */
export function applyLayerPlan(model: tf.LayersModel, plan: LayerPlan): { model: tf.LayersModel } {
  const draft = draftOf(model, 'applyLayerPlan');
  checkPlan(plan, draft);
  const removed = new Set(plan.blocks.filter(({ isRemoved }) => isRemoved).map(({ name }) => name));
  for (const block of blocksOf(draft)) if (removed.has(block.name)) takeOutBlock(draft, block);
  return { model: rebuild(draft, copyLayer) };
}

function checkPlan(plan: LayerPlan, draft: Draft): void {
  checkOptions(plan, ['kind', 'fingerprint', 'blocks', 'macs']);
  if (plan.kind !== 'layers' || !Array.isArray(plan.blocks)) {
    const allowed = 'a plan of planLayers';
    throw new PruneError('argument', `applyLayerPlan takes ${allowed}, but got ${shown(plan)}.`, {
      given: plan,
      allowed,
    });
  }
  if (plan.fingerprint === fingerprintOf(draft)) return;
  const message = `The plan is for another model than ${describe(draft.model)}: their layers or shapes differ. Plan anew.`;
  throw new PruneError('argument', message, { given: plan.fingerprint, allowed: fingerprintOf(draft) });
}

/** Blocks come in the model's order, so what goes into one may be what went into one before it. */
function takeOutBlock({ config }: Draft, { layers, output }: Block): void {
  const names = new Set(layers);
  const inside = config.layers.filter((layer) => names.has(layer.config.name));
  // It was within a block that has gone already.
  if (inside.length === 0) return;
  const source = inside.flatMap((layer) => callsOf(layer).flat()).find(([layer]) => !names.has(layer));
  config.layers = config.layers.filter((layer) => !names.has(layer.config.name));
  if (source === undefined) return;
  for (const each of sourcesOf(config)) if (each[0] === output.sourceLayer.name) redirect(each, source);
}

function redirect(each: Source, [layer, call, output]: Source): void {
  [each[0], each[1], each[2]] = [layer, call, output];
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
