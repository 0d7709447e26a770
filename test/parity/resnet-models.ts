import type * as tf from '@tensorflow/tfjs';
import {
  type ResNetName,
  type ResNetOptions,
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  wideResnet50_2,
  wideResnet101_2,
} from 'tfjs-prune/models';

/** What all ResNets have in common. */
export type AnyResNet = tf.LayersModel & { readonly conv1: tf.layers.Layer; readonly fc: tf.layers.Layer };

/** The public function for each of torchvision's ResNets. */
export const MODELS: Readonly<Record<ResNetName, (options?: ResNetOptions) => Promise<AnyResNet>>> = {
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  wide_resnet50_2: wideResnet50_2,
  wide_resnet101_2: wideResnet101_2,
};

/** A name out of a fixture. */
export function modelNamed(name: string): ResNetName {
  // A key of MODELS is a ResNetName.
  if (name in MODELS) return name as ResNetName;
  throw new Error(`There is no model '${name}'.`);
}
