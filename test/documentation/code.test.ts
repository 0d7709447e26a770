import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { blocksOf, errorsIn, type Sample, type Scope } from './blocks';

const GIVEN = './test/documentation/given';
const PAGES = ['README.md', ...filesIn('docs', '.md')].map((document) => ({
  document,
  blocks: blocksOf(document),
}));
/** One for each example of a comment. */
const EXAMPLES = filesIn('src', '.ts').flatMap((document) =>
  blocksOf(document).map((block): Sample => ({ document, blocks: [block] })),
);

let errors: string[];

beforeAll(async () => {
  const entries = {
    models: await import('tfjs-prune/models'),
    structured: await import('tfjs-prune/structured'),
    sparse: await import('tfjs-prune/sparse'),
    training: await import('tfjs-prune/training'),
    weights: await import('tfjs-prune/weights'),
    masks: await import('tfjs-prune/masks'),
  };
  const scope = new Map([
    [GIVEN, declaredIn(`${GIVEN}.ts`)],
    ...Object.entries(entries).map(([name, entry]) => [`tfjs-prune/${name}`, Object.keys(entry)] as const),
  ]);
  const scopeOf = ({ document }: Sample): Scope =>
    document.startsWith('src/')
      ? new Map([[`./${document.replace(/\.ts$/, '')}`, declaredIn(document)], ...scope])
      : scope;
  errors = errorsIn(
    [...PAGES, ...EXAMPLES].filter(({ blocks }) => blocks.length > 0),
    scopeOf,
  );
});

function filesIn(folder: string, end: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith(end)).map((file) => `${folder}/${file}`);
}

/** The values that a module exports, without running it. */
function declaredIn(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const exported =
    /^export (?:declare )?(?:async )?(?:(?:const|function|class) (\w+)|\* as (\w+)|\{ (\w+) \})/gm;
  return [...text.matchAll(exported)].map(([, ...names]) => names.find((name) => name !== undefined)!);
}

test('the code of README and pages is right', () => {
  expect(PAGES.flatMap(({ blocks }) => blocks).length).toBeGreaterThan(50);
  expect(errors.filter((error) => !error.startsWith('src/'))).toEqual([]);
});

test('the examples of comments are right', () => {
  expect(EXAMPLES.length).toBeGreaterThan(100);
  expect(errors.filter((error) => error.startsWith('src/'))).toEqual([]);
});

test('what is wrong is found, with its line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'documentation-'));
  const page = join(folder, 'page.md');
  const first = "```ts\nimport { resnet50 } from 'tfjs-prune/models';\nconst net = await resnet50();\n```";
  const second = "```ts\nconst net = 1;\nprune.l1Unstructured(net, 'weight', 0.5);\n```";
  try {
    writeFileSync(page, `# A page\n\n${first}\n\nText.\n\n${second}\n`);
    const found = errorsIn(
      [{ document: 'page.md', blocks: blocksOf(page) }],
      () => new Map([[GIVEN, ['prune']]]),
    );
    expect(found).toEqual([expect.stringMatching(/^page\.md:12: Argument of type 'number'/)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
