/** Prunes ResNet50 globally in a process of its own and prints the most memory that it took, in bytes. */
import { model, run } from './ours';

const resnet = await model();
for (const kind of ['l1', 'random'] as const) {
  for (const amount of [0.2, 0.5, 0.8]) run(resnet, { kind, amount });
}
console.log(run(resnet, { kind: 'peak', amount: 0 }));
