// Checked by `npm run check`, as prune.test-d.ts.
import type * as tf from '@tensorflow/tfjs';
import { type ResNet, resnet50 } from 'tfjs-prune/models';
import {
  applyPlan,
  type ChannelPlan,
  explain,
  type LayerPlan,
  planChannels,
  planFromMasks,
  planLayers,
} from 'tfjs-prune/structured';
import { expectTypeOf, test } from 'vitest';

declare const model: ResNet<'resnet50'>;
declare const channels: ChannelPlan;
declare const layers: LayerPlan;

test('a model with fewer channels has the children of the original, one with fewer layers may not', () => {
  expectTypeOf(applyPlan(model, channels).model).toEqualTypeOf<ResNet<'resnet50'>>();
  expectTypeOf(applyPlan(model, layers).model).toEqualTypeOf<tf.LayersModel>();
  expectTypeOf(resnet50).returns.resolves.toExtend<tf.LayersModel>();
});

test('plans are told apart by their kind', () => {
  expectTypeOf(channels.kind).toEqualTypeOf<'channels'>();
  expectTypeOf(layers.kind).toEqualTypeOf<'layers'>();
  expectTypeOf(explain).parameter(0).toEqualTypeOf<ChannelPlan | LayerPlan>();
  expectTypeOf(planChannels).returns.resolves.toEqualTypeOf<ChannelPlan>();
  expectTypeOf(planFromMasks).returns.toEqualTypeOf<ChannelPlan>();
  expectTypeOf(planLayers).returns.resolves.toEqualTypeOf<LayerPlan>();
});

test('options that there are not are refused', () => {
  void planChannels(model, { ratio: 0.5, importance: ({ channels: n }) => new Float64Array(n) });
  // @ts-expect-error There is no such importance.
  void planChannels(model, { ratio: 0.5, importance: 'l3' });
  // @ts-expect-error There is no such option.
  void planChannels(model, { amount: 0.5 });
  // @ts-expect-error A plan cannot be changed in place.
  channels.groups[0]!.remove.push(1);
});
