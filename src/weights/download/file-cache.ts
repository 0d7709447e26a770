/** Bytes that come one piece after the other. A piece may be overwritten once the next is asked for. */
export interface Pieces {
  /** How many bytes they are. */
  readonly size: number;
  /** The pieces, to be gone through once. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** A file on its way into the cache. Its holder calls `commit` or `leave` at the end. */
export interface PartialFile {
  /** What an earlier download that broke off has left. */
  readonly leftover: Pieces | undefined;
  /** Goes on with some bytes. */
  append(bytes: Uint8Array): Promise<void>;
  /** Starts again from nothing, and drops what was left over. */
  restart(): Promise<void>;
  /** Puts the whole file in its place at once. */
  commit(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Gives up, and keeps what has come for the next download if `keep` says so. */
  leave(keep: boolean): Promise<void>;
}

/** Where downloaded files are kept. */
export interface FileCache {
  /** How messages call the file's place. */
  place(name: string): string;
  /** What to do for a file that cannot be downloaded, as a sentence. */
  byHand(name: string): string;
  /** The file of that name, if there is one. */
  read(name: string): Promise<Pieces | undefined>;
  /** Makes room for a file. `resume` asks for what is left over from an earlier download. */
  begin(name: string, resume: boolean): Promise<PartialFile>;
}

/** What to do for a file that cannot be downloaded and has no place of its own. */
export const WITHOUT_A_PLACE = 'Or get the file in another way, and pass its bytes.';
