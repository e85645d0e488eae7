// A set that forgets its oldest values, so that a process that listens for weeks stays as small as on its first day.

export type RecentIds = {
  has(id: string): boolean
  add(id: string): void
}

/** A set of at most `maxSize` strings. */
export function recentIds(maxSize: number): RecentIds {
  // A Set keeps the order in which its values came.
  const ids = new Set<string>()
  return {
    has: (id) => ids.has(id),
    add(id) {
      ids.add(id)
      if (ids.size <= maxSize) return
      const oldest = ids.values().next()
      if (!oldest.done) ids.delete(oldest.value)
    },
  }
}
