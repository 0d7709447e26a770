import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ENTRIES = [
  'tfjs-prune',
  'tfjs-prune/masks',
  'tfjs-prune/weights',
  'tfjs-prune/models',
  'tfjs-prune/sparse',
  'tfjs-prune/training',
  'tfjs-prune/structured',
];

let project: string;

function run(command: string, args: string[]): string {
  return execFileSync(command, args, {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** A fresh project with the packed library and its peers, installed without a registry. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'tfjs-prune-'));
  const repository = resolve(import.meta.dirname, '../..');
  // `prepack` builds.
  execFileSync('npm', ['pack', '--silent', '--pack-destination', project], {
    cwd: repository,
    stdio: 'pipe',
  });
  const [tarball] = readdirSync(project);
  if (tarball === undefined) throw new Error('npm pack left no tarball.');
  const installed = join(project, 'node_modules/tfjs-prune');
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  symlinkSync(join(repository, 'node_modules/@tensorflow'), join(project, 'node_modules/@tensorflow'));
  cpSync(join(import.meta.dirname, 'project'), project, { recursive: true });
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'fresh', private: true, type: 'module' }),
  );
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the packed library', () => {
  it('holds what is published and nothing else', () => {
    const root = join(project, 'node_modules/tfjs-prune');
    const files = readdirSync(root).sort();
    expect(files).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'docs', 'package.json']);
    expect(readdirSync(join(root, 'docs')).every((file) => file.endsWith('.md'))).toBe(true);
  });

  it('runs in Node', () => {
    run('node', ['every-entry.mjs']);
  });

  it.each(['nodenext', 'bundler'])('has types under moduleResolution %s', (moduleResolution) => {
    const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
    const compiler = resolve(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022'];
    run('node', [
      compiler,
      ...options,
      '--module',
      module,
      '--moduleResolution',
      moduleResolution,
      'consumer.ts',
    ]);
  });
});

interface Bundle {
  readonly text: string;
  readonly inputs: string[];
  readonly meta: Metafile;
}

/** What a browser would get of an app with all of these entry points. */
function bundle(imports: readonly string[]): Promise<Bundle> {
  return bundleOf(imports.map((entry, index) => `export * as entry${index} from '${entry}';`).join('\n'));
}

/** What a browser would get of an app. */
async function bundleOf(contents: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: project },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    logLevel: 'silent',
  });
  return {
    text: outputFiles.map((file) => file.text).join('\n'),
    inputs: Object.keys(metafile.inputs),
    meta: metafile,
  };
}

describe('a browser bundle', () => {
  it('of every entry point asks for no module of Node', async () => {
    const { meta, inputs, text } = await bundle(ENTRIES);
    const imported = Object.values(meta.outputs).flatMap((output) => output.imports);
    expect(imported.filter(({ external }) => external)).toEqual([]);
    expect(text).not.toMatch(/from\s*["']node:|import\(["']node:|require\(["']node:/);
    // What has a twin for Node, each once.
    const twins = inputs
      .map((input) => input.replace(/^.*\//, ''))
      .filter((file) => /\.(node|browser)\./.test(file));
    expect(twins.sort()).toEqual(['bytes.browser.js', 'cache.browser.js', 'sha256.browser.js']);
  });

  it('of the masks holds no tfjs', async () => {
    const { inputs } = await bundle(['tfjs-prune/masks']);
    expect(inputs.filter((input) => input.includes('@tensorflow'))).toEqual([]);
  });

  it('of a ResNet holds nothing of images, nor the names of classes, unless they are asked for', async () => {
    const ofResNet = await bundleOf("export { resnet50 } from 'tfjs-prune/models';");
    const ofNames = await bundleOf("export { IMAGENET_CATEGORIES } from 'tfjs-prune/models';");
    const ofTransforms = await bundleOf("export { imagenetTransforms } from 'tfjs-prune/models';");
    const held = [ofResNet, ofNames, ofTransforms].map(({ text }) => ({
      names: text.includes('toilet tissue'),
      images: text.includes('bicubic'),
      weights: text.includes('resnet50-11ad3fa6.pth'),
    }));
    expect(held).toEqual([
      { names: false, images: false, weights: true },
      { names: true, images: false, weights: false },
      { names: false, images: true, weights: false },
    ]);
  });
});
