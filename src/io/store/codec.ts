// All that the store knows about the data that it keeps.

/**
 * How data is read and made. A parser gives undefined for what it cannot understand, and 'newer' for a later version. `rebuild` makes an
 * index from the logs alone. `open` names the calls that are always loaded, and those that must be loaded together with `also`. `owner`:
 * the pubkey that an index belongs to.
 */
export type StoreCodec<I, L, C = never, P = never> = {
  /** The versions of the index and of call files that this program writes. */
  readonly version: number
  readonly logVersion: number
  empty(): I
  /** `unchanged`: the file is as this program wrote it. */
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

/** The letters with each peer, in files of their own. `open`: the peers whose letters are always loaded; `now` in unix seconds. */
export type LetterCodec<I, P> = {
  readonly version: number
  parse(value: unknown): P | 'newer' | undefined
  open(index: I, now: number): string[]
}

/** The prefix of a peer's pubkey in a name that asks for letters; a name without it is the id of a call. */
export const LETTERS = 'letters/'

/**
 * How a part of a long call is kept in files of its own, its segments. `segmentsOf`: their numbers. `joinSegments`: the whole call,
 * undefined where the segments do not fit. `needsWholeCall`: whether a change can only be made to the whole call. `compact`: the head and
 * the new segments to write for a call; `stored`: what it was read from, where it was read whole.
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
