import { readFileSync } from 'node:fs';
import * as prune from 'tfjs-prune';
import * as masks from 'tfjs-prune/masks';
import * as models from 'tfjs-prune/models';
import * as sparse from 'tfjs-prune/sparse';
import * as structured from 'tfjs-prune/structured';
import * as training from 'tfjs-prune/training';
import * as weights from 'tfjs-prune/weights';
import { describe, expect, it } from 'vitest';

const names = (entry: object): string[] => Object.keys(entry).sort();

describe('exported names', () => {
  it('tfjs-prune', () => {
    expect(names(prune)).toMatchInlineSnapshot(`
      [
        "BasePruningMethod",
        "BlockStructured",
        "CustomFromMask",
        "Identity",
        "L1Unstructured",
        "LnStructured",
        "PruneError",
        "PruningContainer",
        "RandomStructured",
        "RandomUnstructured",
        "SemiStructured",
        "blockStructured",
        "customFromMask",
        "globalBlockStructured",
        "globalUnstructured",
        "identity",
        "isPruneError",
        "isPruned",
        "l1Unstructured",
        "lnStructured",
        "manualSeed",
        "methodOf",
        "parameter",
        "parameters",
        "randomStructured",
        "randomUnstructured",
        "remove",
        "restoreMasks",
        "revert",
        "semiStructured",
        "sparsity",
      ]
    `);
  });

  it('tfjs-prune/masks', () => {
    expect(names(masks)).toMatchInlineSnapshot(`
      [
        "Generator",
        "PruneError",
        "blockStructured",
        "customFromMask",
        "defaultGenerator",
        "expanded",
        "gather",
        "globalBlockStructured",
        "globalL1Unstructured",
        "globalRandomUnstructured",
        "identity",
        "isPruneError",
        "l1Unstructured",
        "lnStructured",
        "manualSeed",
        "merged",
        "permuted",
        "pruneCount",
        "randomStructured",
        "randomUnstructured",
        "resolveAmount",
        "resolveDim",
        "rowMajor",
        "scatter",
        "semiStructured",
        "sliceNorms",
        "taken",
        "zeros",
      ]
    `);
  });

  it('tfjs-prune/weights', () => {
    expect(names(weights)).toMatchInlineSnapshot(`
      [
        "PruneError",
        "download",
        "isPruneError",
        "loadStateDict",
        "readPth",
        "readSafetensors",
        "stateDict",
        "writePth",
        "writeSafetensors",
      ]
    `);
  });

  it('tfjs-prune/models', () => {
    expect(names(models)).toMatchInlineSnapshot(`
      [
        "IMAGENET_CATEGORIES",
        "PruneError",
        "ResNet101_Weights",
        "ResNet152_Weights",
        "ResNet18_Weights",
        "ResNet34_Weights",
        "ResNet50_Weights",
        "Wide_ResNet101_2_Weights",
        "Wide_ResNet50_2_Weights",
        "asResNet",
        "imagenetTransforms",
        "isPruneError",
        "resnet101",
        "resnet152",
        "resnet18",
        "resnet34",
        "resnet50",
        "wideResnet101_2",
        "wideResnet50_2",
      ]
    `);
  });

  it('tfjs-prune/sparse', () => {
    expect(names(sparse)).toMatchInlineSnapshot(`
      [
        "PruneError",
        "accelerate",
        "foldBatchNorm",
        "isPruneError",
        "optimizeForInference",
      ]
    `);
  });

  it('tfjs-prune/training', () => {
    expect(names(training)).toMatchInlineSnapshot(`
      [
        "Experiment",
        "PruneError",
        "PruningCallback",
        "PruningSchedule",
        "compareExperiments",
        "constantSchedule",
        "cosineSchedule",
        "freezeBatchNorm",
        "freezeLayers",
        "isPruneError",
        "iterativeSchedule",
        "oneShotSchedule",
        "optimizerState",
        "polynomialSchedule",
        "pruneAndFineTune",
        "registerTrainingKernels",
        "restoreOptimizer",
        "rewind",
        "snapshot",
      ]
    `);
  });

  it('tfjs-prune/structured', () => {
    expect(names(structured)).toMatchInlineSnapshot(`
      [
        "PruneError",
        "applyPlan",
        "explain",
        "isPruneError",
        "planChannels",
        "planFromMasks",
        "planLayers",
        "summary",
        "summaryTable",
      ]
    `);
  });

  it('are under test for every entry point', () => {
    const manifest: { exports: Record<string, unknown> } = JSON.parse(readFileSync('package.json', 'utf8'));
    const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
    expect(entries).toEqual([
      '.',
      './masks',
      './weights',
      './models',
      './sparse',
      './training',
      './structured',
    ]);
  });
});
