// What the store is told of the data that it keeps, and all that it knows of it.

/**
 * What the pure side knows about its data. A parser gives undefined for what it cannot understand. `rebuild` makes an index
 * of the logs alone, `open` names the calls that are loaded always, and those that have to be read beside `also`, `owner`
 * the key to which an index belongs.
 */
export type StoreCodec<I, L, C = never, P = never> = {
  /** Of the index and of the call files: what this program writes. */
  readonly version: number
  readonly logVersion: number
  empty(): I
  /** `unchanged`: it is as this program wrote it. */
  parse(value: unknown, unchanged: boolean): I | 'newer' | undefined
  parseLog(value: unknown): L | 'newer' | undefined
  rebuild(logs: Map<string, L>, letters: Map<string, P>): I
  /** The index of an agent whose files are all gone. */
  lost?(): I
  open(index: I, also: readonly string[]): string[]
  owner?(index: I): string | undefined
  readonly archive?: ArchiveCodec<I, L, C>
  readonly letters?: LetterCodec<I, P>
}

/** The letters with each peer, in files of their own. `open`: the peers whose letters are loaded always, by unix seconds. */
export type LetterCodec<I, P> = {
  readonly version: number
  parse(value: unknown): P | 'newer' | undefined
  open(index: I, now: number): string[]
}

/** Before the pubkey of a peer whose letters are asked for, where else the id of a call stands. */
export const LETTERS = 'letters/'

/**
 * Where a part of a long call lies in files of its own. `segmentsOf`: their numbers. `joinSegments`: the whole call, undefined when
 * they do not fit. `needsWholeCall`: whether a change can only be told from the whole call. `compact`: what is to be written instead of a call, with
 * its parts where it was read whole.
 */
export type ArchiveCodec<I, L, C> = {
  readonly version: number
  segmentsOf(head: L): number[]
  parse(value: unknown): C | 'newer' | undefined
  joinSegments(stored: StoredCall<L, C>): L | undefined
  needsWholeCall(before: L, after: L): boolean
  compact(
    snapshot: { index: I; logs: Readonly<Record<string, L>> },
    log: L,
    stored?: StoredCall<L, C>,
  ): { head: L; added: ReadonlyMap<number, C> }
}

/** The file of a call and the segments of its archive by their numbers. */
export type StoredCall<L, C> = { readonly head: L; readonly segments: ReadonlyMap<number, C> }
