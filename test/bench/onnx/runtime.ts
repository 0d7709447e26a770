/** onnxruntime's two packages, as far as the benchmark uses them. They are installed in this folder alone, if at all. */
import { createRequire } from 'node:module';

interface Value {
  readonly data: Float32Array;
}

interface Session {
  run(feeds: Readonly<Record<string, Value>>): Promise<Readonly<Record<string, Value>>>;
  release(): Promise<void>;
}

/** What both packages export. */
interface Package {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => Value;
  readonly InferenceSession: {
    create(path: string, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
}

/** A network that onnxruntime runs on one thread. */
export interface Network {
  run(image: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

export type PackageName = 'onnxruntime-web' | 'onnxruntime-node';

const require = createRequire(import.meta.url);

/** @returns The version; undefined where the package is not installed. */
export function versionOf(name: PackageName): string | undefined {
  try {
    // The package's own manifest, which onnxruntime-web does not export.
    return (require(`./node_modules/${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/**
 * @param name Which package.
 * @param path A network that takes one image `input` of [1, 3, 224, 224] and gives `logits`.
 */
export async function openNetwork(name: PackageName, path: string): Promise<Network> {
  // Its own interface, as declared above.
  const ort = require(name) as Package;
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  return {
    run: async (image) => {
      const { logits } = await session.run({ input: new ort.Tensor('float32', image, [1, 3, 224, 224]) });
      return logits!.data;
    },
    close: () => session.release(),
  };
}
