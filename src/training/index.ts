export { registerTrainingKernels } from './register';
