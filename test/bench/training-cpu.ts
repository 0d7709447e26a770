/** Prints the milliseconds of a training step on tfjs's cpu backend, the first: the engine has compiled it long before it ends. */
import * as tf from '@tensorflow/tfjs';
import { makeStep } from './training-step';

await tf.setBackend('cpu');
const step = await makeStep();
console.log(await step());
