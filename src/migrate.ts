// Files of an earlier version, brought up to this one, version by version. docs/UPGRADING.md tells how to add a version.

/** Turns a file's contents into what the next version would have written. It never throws, and changes nothing in place. */
export type Upgrade = (old: Readonly<Record<string, unknown>>) => Record<string, unknown>

/** The version that is written now: one more than there are upgrades. */
export function versionOf(upgrades: readonly Upgrade[]): number {
  return upgrades.length + 1
}

/**
 * The contents as this version writes them. `upgrades[0]` makes version 2 of version 1, and so on. 'newer' when a later version
 * wrote them, undefined when they hold no valid version.
 */
export function upgraded(
  value: Readonly<Record<string, unknown>>,
  upgrades: readonly Upgrade[],
): Readonly<Record<string, unknown>> | 'newer' | undefined {
  const { version } = value
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return undefined
  if (version > versionOf(upgrades)) return 'newer'
  const missing = upgrades.slice(version - 1)
  return missing.reduce<Readonly<Record<string, unknown>>>(
    (old, upgrade, n) => ({ ...upgrade(old), version: version + n + 1 }),
    value,
  )
}
