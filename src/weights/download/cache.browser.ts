import { type FileCache, type Pieces, WITHOUT_A_PLACE } from './file-cache';

const PIECE = 2 ** 22;

/** Warned of already: each once. */
const warned = new Set<string>();

/**
 * A cache of the Cache API as a cache of files. Only whole files are kept, under their names.
 *
 * @param name The cache's name; `tfjs-prune` by default.
 * @returns The cache; undefined, after a warning, where a page may not have one.
 */
export async function openCache(name = 'tfjs-prune'): Promise<FileCache | undefined> {
  const cache = await openByName(name);
  if (cache === undefined) return undefined;
  return {
    place: (file) => `'${file}' of the cache '${name}'`,
    byHand: () => WITHOUT_A_PLACE,
    async read(file) {
      const response = await find(cache, file);
      const length = response?.headers.get('Content-Length') ?? '';
      // All that is put there below has both.
      if (!response?.body || !/^\d+$/.test(length)) return undefined;
      return { size: Number(length), pieces: readPieces(response.body) };
    },
    async begin(file) {
      return {
        leftover: undefined,
        append: async () => {},
        restart: async () => {},
        leave: async () => {},
        commit: async (bytes) => {
          try {
            await cache.put(keyOf(file), asResponse(bytes));
          } catch (error) {
            warnOnce(`the browser does not keep '${file}' (${String(error)})`);
          }
        },
      };
    },
  };
}

async function openByName(name: string): Promise<Cache | undefined> {
  // Typed as if it were always there.
  const caches: CacheStorage | undefined = globalThis.caches;
  if (caches === undefined) {
    warnOnce('only pages from https:// or localhost have a cache');
    return undefined;
  }
  try {
    return await caches.open(name);
  } catch (error) {
    warnOnce(`the browser gives this page no cache (${String(error)})`);
    return undefined;
  }
}

async function find(cache: Cache, file: string): Promise<Response | undefined> {
  try {
    return await cache.match(keyOf(file));
  } catch (error) {
    warnOnce(`the browser cannot read '${file}' from its cache (${String(error)})`);
    return undefined;
  }
}

function warnOnce(what: string): void {
  if (warned.has(what)) return;
  warned.add(what);
  console.warn(
    `tfjs-prune: ${what}. The file will be downloaded again each time; pass { cache: false } if it may.`,
  );
}

/** A cache's keys are addresses; this one is nobody's (RFC 2606). */
function keyOf(file: string): string {
  return `https://tfjs-prune.invalid/${encodeURIComponent(file)}`;
}

/** As a stream: a response over the bytes themselves would copy them all at once. */
function asResponse(bytes: Uint8Array<ArrayBuffer>): Response {
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at + PIECE));
      at += PIECE;
    },
  });
  return new Response(stream, { headers: { 'Content-Length': String(bytes.length) } });
}

/** Not every browser can iterate over a stream. One that fails ends: then the bytes are too few. */
async function* readPieces(stream: ReadableStream<Uint8Array>): Pieces['pieces'] {
  const reader = stream.getReader();
  try {
    for (;;) {
      const read = await reader.read().catch(() => undefined);
      if (read === undefined || read.done) return;
      yield read.value;
    }
  } finally {
    // Also after an early end; a stream that is read to its end does not mind.
    await reader.cancel().catch(() => {});
  }
}
