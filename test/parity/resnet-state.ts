import { createHash } from 'node:crypto';
import type { StateDict } from 'tfjs-prune/weights';
import { convsOf, type ResNetPlan, weightShape } from '../../src/models/resnet-plan';

/** The entries of a planned ResNet's state dict, in the order of the plan, which is torch's. */
export function stateShapes(plan: ResNetPlan): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const conv of convsOf(plan)) {
    shapes.set(`${conv.name}.weight`, weightShape(conv));
    for (const name of ['weight', 'bias', 'running_mean', 'running_var'])
      shapes.set(`${conv.bn}.${name}`, [conv.out]);
    shapes.set(`${conv.bn}.num_batches_tracked`, []);
  }
  shapes.set(`${plan.fc.name}.weight`, [plan.fc.out, plan.fc.in]);
  shapes.set(`${plan.fc.name}.bias`, [plan.fc.out]);
  return shapes;
}

/** Names, shapes and values of a state dict as one hash, as `state_digest` of the fixtures' script makes it. */
export function stateDigest(state: StateDict, names: Iterable<string>): string {
  const hash = createHash('sha256');
  for (const name of names) {
    const { shape, data } = state.get(name)!;
    hash.update(`${name} [${shape.join(', ')}]\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
