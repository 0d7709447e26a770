/** The TypeScript that documentation shows, and what the compiler says of it. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ts from 'typescript';

/** One block of code. */
export interface Block {
  /** The line of the document at which the code begins, from 1. */
  readonly line: number;
  readonly code: string;
}

/** The code of a document: each block sees what the ones before it declare, and may declare it anew. */
export interface Sample {
  /** The document's path, relative to the project. */
  readonly document: string;
  readonly blocks: readonly Block[];
}

/** By module, the names that code may use without importing them. */
export type Scope = ReadonlyMap<string, readonly string[]>;

const FENCED = /^(?<margin> *(?:\* )?)```ts\n(?<code>.*?)^ *(?:\* )?```$/gms;

/**
 * @param document The path of a page, or of a source file whose comments have examples.
 * @returns Its blocks of TypeScript.
 */
export function blocksOf(document: string): Block[] {
  const text = readFileSync(document, 'utf8');
  return [...text.matchAll(FENCED)].map(({ index, groups }) => {
    const line = text.slice(0, index).split('\n').length + 1;
    const isComment = groups!.margin!.includes('*');
    return { line, code: isComment ? groups!.code!.replace(/^ *\* ?/gm, '') : groups!.code! };
  });
}

/**
 * Type-checks samples as modules of their own.
 *
 * @param samples What to check.
 * @param scopeOf What one may use without importing it.
 * @returns What is wrong, as `document:line: message`.
 */
export function errorsIn(samples: readonly Sample[], scopeOf: (sample: Sample) => Scope): string[] {
  const files = new Map(
    samples.map((sample, i) => [resolve(`sample-${i}.ts`), { ...moduleOf(sample, scopeOf(sample)), sample }]),
  );
  const options = compilerOptions();
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.getSourceFile = (path, language) => {
    const text = files.get(path)?.text;
    return text === undefined ? getSourceFile(path, language) : ts.createSourceFile(path, text, language);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([path, { lines, sample }]) => {
    const file = program.getSourceFile(path)!;
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ start, messageText }) => {
      const line = lines[file.getLineAndCharacterOfPosition(start!).line];
      return `${sample.document}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

/** The text of a module, and for each of its lines the one of the document that it is from. */
interface Module {
  readonly text: string;
  readonly lines: readonly number[];
}

function moduleOf({ blocks }: Sample, scope: Scope): Module {
  const imports: string[] = [];
  const body: string[] = [];
  const lines: number[] = [];
  for (const { line, code } of blocks) {
    body.push('{');
    lines.push(line);
    for (const [i, text] of code.trimEnd().split('\n').entries()) {
      const isImport = text.startsWith('import ');
      if (isImport) imports.push(text);
      body.push(isImport ? '' : text);
      lines.push(line + i);
    }
  }
  body.push('}'.repeat(blocks.length));
  lines.push(blocks.at(-1)!.line);
  const head = importsOf(body.join('\n'), imports, scope);
  return { text: [...head, ...body].join('\n'), lines: [...head.map(() => blocks[0]!.line), ...lines] };
}

const NAMED = /^import (?:type )?\{(?<names>[^}]*)\} from (?<module>'[^']+');$/;

/** The imports of a module: its own, each name once, and of its scope what it uses besides. */
function importsOf(code: string, imports: readonly string[], scope: Scope): string[] {
  const others = new Set(imports.filter((text) => !NAMED.test(text)));
  const from = new Map<string, string>();
  for (const text of imports) {
    const { names = '', module = '' } = NAMED.exec(text)?.groups ?? {};
    for (const name of names.split(',').filter((each) => each !== '')) from.set(name.trim(), module);
  }
  const own = [...others].join('\n');
  for (const [module, names] of scope) {
    for (const name of names) {
      const isUsed = new RegExp(`(?<![\\w.'-])${name}\\b`);
      if (!from.has(name) && isUsed.test(code) && !isUsed.test(own)) from.set(name, `'${module}'`);
    }
  }
  return [...others, ...[...from].map(([name, module]) => `import { ${name} } from ${module};`)];
}

function compilerOptions(): ts.CompilerOptions {
  const path = resolve('tsconfig.json');
  if (!existsSync(path)) throw new Error('Documentation is checked from the root of the project.');
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(
    { ...config, include: [], files: [] },
    ts.sys,
    resolve('.'),
  );
  return { ...options, noUnusedLocals: false, noUnusedParameters: false, verbatimModuleSyntax: false };
}
