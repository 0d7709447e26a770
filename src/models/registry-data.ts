// Written by test/parity/generate/registry.py from torchvision 0.14.1. Do not edit.
import type { RegistryEntry } from './registry';
import type { ResNetName } from './resnet-plan';

/** torchvision's pretrained weights of each ResNet. */
export const REGISTRY: Readonly<Record<ResNetName, RegistryEntry>> = {
  resnet18: {
    enumName: 'ResNet18_Weights',
    default: 'IMAGENET1K_V1',
    weights: {
      IMAGENET1K_V1: {
        url: 'https://download.pytorch.org/models/resnet18-f37072fd.pth',
        hub: {
          repository: 'timm/resnet18.tv_in1k',
          sha256: '694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81',
        },
        numParams: 11689512,
        acc1: 69.758,
        acc5: 89.078,
        recipe: 'https://github.com/pytorch/vision/tree/main/references/classification#resnet',
        preprocessing: {
          resize: 256,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
    },
  },
  resnet34: {
    enumName: 'ResNet34_Weights',
    default: 'IMAGENET1K_V1',
    weights: {
      IMAGENET1K_V1: {
        url: 'https://download.pytorch.org/models/resnet34-b627a593.pth',
        hub: {
          repository: 'timm/resnet34.tv_in1k',
        },
        numParams: 21797672,
        acc1: 73.314,
        acc5: 91.42,
        recipe: 'https://github.com/pytorch/vision/tree/main/references/classification#resnet',
        preprocessing: {
          resize: 256,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
    },
  },
  resnet50: {
    enumName: 'ResNet50_Weights',
    default: 'IMAGENET1K_V2',
    weights: {
      IMAGENET1K_V1: {
        url: 'https://download.pytorch.org/models/resnet50-0676ba61.pth',
        hub: {
          repository: 'timm/resnet50.tv_in1k',
          sha256: '5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888',
        },
        numParams: 25557032,
        acc1: 76.13,
        acc5: 92.862,
        recipe: 'https://github.com/pytorch/vision/tree/main/references/classification#resnet',
        preprocessing: {
          resize: 256,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
      IMAGENET1K_V2: {
        url: 'https://download.pytorch.org/models/resnet50-11ad3fa6.pth',
        hub: {
          repository: 'timm/resnet50.tv2_in1k',
        },
        numParams: 25557032,
        acc1: 80.858,
        acc5: 95.434,
        recipe: 'https://github.com/pytorch/vision/issues/3995#issuecomment-1013906621',
        preprocessing: {
          resize: 232,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
    },
  },
  resnet101: {
    enumName: 'ResNet101_Weights',
    default: 'IMAGENET1K_V2',
    weights: {
      IMAGENET1K_V1: {
        url: 'https://download.pytorch.org/models/resnet101-63fe2227.pth',
        hub: {
          repository: 'timm/resnet101.tv_in1k',
        },
        numParams: 44549160,
        acc1: 77.374,
        acc5: 93.546,
        recipe: 'https://github.com/pytorch/vision/tree/main/references/classification#resnet',
        preprocessing: {
          resize: 256,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
      IMAGENET1K_V2: {
        url: 'https://download.pytorch.org/models/resnet101-cd907fc2.pth',
        hub: {
          repository: 'timm/resnet101.tv2_in1k',
        },
        numParams: 44549160,
        acc1: 81.886,
        acc5: 95.78,
        recipe: 'https://github.com/pytorch/vision/issues/3995#new-recipe',
        preprocessing: {
          resize: 232,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
    },
  },
  resnet152: {
    enumName: 'ResNet152_Weights',
    default: 'IMAGENET1K_V2',
    weights: {
      IMAGENET1K_V1: {
        url: 'https://download.pytorch.org/models/resnet152-394f9c45.pth',
        hub: {
          repository: 'timm/resnet152.tv_in1k',
          sha256: '15897077afdf4d6334dc0c3f8e6fb483afb3faa9298c139f3c6eb29bca6ae5b2',
        },
        numParams: 60192808,
        acc1: 78.312,
        acc5: 94.046,
        recipe: 'https://github.com/pytorch/vision/tree/main/references/classification#resnet',
        preprocessing: {
          resize: 256,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
      IMAGENET1K_V2: {
        url: 'https://download.pytorch.org/models/resnet152-f82ba261.pth',
        hub: {
          repository: 'timm/resnet152.tv2_in1k',
        },
        numParams: 60192808,
        acc1: 82.284,
        acc5: 96.002,
        recipe: 'https://github.com/pytorch/vision/issues/3995#new-recipe',
        preprocessing: {
          resize: 232,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
    },
  },
  wide_resnet50_2: {
    enumName: 'Wide_ResNet50_2_Weights',
    default: 'IMAGENET1K_V2',
    weights: {
      IMAGENET1K_V1: {
        url: 'https://download.pytorch.org/models/wide_resnet50_2-95faca4d.pth',
        hub: {
          repository: 'timm/wide_resnet50_2.tv_in1k',
          sha256: 'df6fb6c4824769769de18e14088475fd6ee94236849aa4e5d8022ba9d9a9a16c',
        },
        numParams: 68883240,
        acc1: 78.468,
        acc5: 94.086,
        recipe: 'https://github.com/pytorch/vision/pull/912#issue-445437439',
        preprocessing: {
          resize: 256,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
      IMAGENET1K_V2: {
        url: 'https://download.pytorch.org/models/wide_resnet50_2-9ba9bcbe.pth',
        hub: {
          repository: 'timm/wide_resnet50_2.tv2_in1k',
        },
        numParams: 68883240,
        acc1: 81.602,
        acc5: 95.758,
        recipe: 'https://github.com/pytorch/vision/issues/3995#new-recipe-with-fixres',
        preprocessing: {
          resize: 232,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
    },
  },
  wide_resnet101_2: {
    enumName: 'Wide_ResNet101_2_Weights',
    default: 'IMAGENET1K_V2',
    weights: {
      IMAGENET1K_V1: {
        url: 'https://download.pytorch.org/models/wide_resnet101_2-32ee1156.pth',
        hub: {
          repository: 'timm/wide_resnet101_2.tv_in1k',
        },
        numParams: 126886696,
        acc1: 78.848,
        acc5: 94.284,
        recipe: 'https://github.com/pytorch/vision/pull/912#issue-445437439',
        preprocessing: {
          resize: 256,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
      IMAGENET1K_V2: {
        url: 'https://download.pytorch.org/models/wide_resnet101_2-d733dc28.pth',
        hub: {
          repository: 'timm/wide_resnet101_2.tv2_in1k',
          sha256: '0438046a3b7bb8166e6564dec811985d595f3098c9970181305945e0efa964c3',
        },
        numParams: 126886696,
        acc1: 82.51,
        acc5: 96.02,
        recipe: 'https://github.com/pytorch/vision/issues/3995#new-recipe',
        preprocessing: {
          resize: 232,
          crop: 224,
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
    },
  },
};
