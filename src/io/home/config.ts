// The settings in p2p/config.json: reads them with their defaults, and looks up, sets and unsets one by its key.

import type { Contact } from '../../call/agents.ts'
import { P2P } from '../../command-name.ts'
import { Failure } from '../../errors.ts'
import { decodeNip19 } from '../../nostr/nip19.ts'
import {
  type ConfigWrite,
  changeRawConfig,
  damagedFailure,
  pickValue,
  type RawConfig,
  readRawConfig,
  withValue,
} from './config-file.ts'
import { contactsOf } from './contacts.ts'
import type { Home } from './paths.ts'
import { isSettingKey, SETTING_KEYS, SETTINGS, type SettingKey, type SettingValues, similarKeys } from './settings.ts'

export type Config = ReturnType<typeof parseConfig>

/**
 * All settings, defaults filled in, and the contacts. Throws CONFIG_DAMAGED, STATE_NEWER, HOME_UNWRITABLE.
 * @param reportBadSetting is told of each bad value, which is replaced by the default; without it the first bad value is thrown. Only for
 *   commands that mend settings: others must not go on as if, for one, nobody was blocked.
 */
export function readConfig(home: Home, reportBadSetting: ReportBadSetting = raise): Config {
  return parseConfig(home, readRawConfig(home), reportBadSetting)
}

/** `key`: the setting, or "contacts". */
type ReportBadSetting = (failure: Failure, key: string) => void

function raise(failure: Failure): never {
  throw failure
}

/** The pubkey of the owner, if one is set. */
export function ownerKeyOf({ owner }: Config): string | undefined {
  const decoded = owner.npub === undefined ? undefined : decodeNip19(owner.npub)
  return decoded?.type === 'npub' ? decoded.pubkey : undefined
}

/** All settings in the order of the table: the value now, the default, what it is for and what it takes. */
export function listSettings(
  config: Config,
): { key: SettingKey; value: unknown; default: unknown; describe: string; expects: string }[] {
  return SETTING_KEYS.map((key) => {
    const { defaultValue, describe, expects } = SETTINGS[key]
    return { key, value: pickValue(config, key.split('.')), default: defaultValue, describe, expects }
  })
}

/** The value of one setting; undefined for one that is not set and has no default. Throws CONFIG_KEY. */
export function getSetting(config: Config, key: string): unknown {
  return pickValue(config, settingKey(key).split('.'))
}

/** Sets a setting to what was typed, one or several words. Throws CONFIG_KEY, CONFIG_VALUE, and what `changeRawConfig` throws. */
export async function setSetting(
  home: Home,
  key: string,
  values: readonly string[],
  writing: ConfigWrite,
): Promise<void> {
  const setting = SETTINGS[settingKey(key)]
  const value = setting.check(setting.typed(values))
  if (value === undefined) {
    throw new Failure('CONFIG_VALUE', `that is no value for ${key}`, `${key} takes ${setting.expects}`)
  }
  await changeSetting(home, settingKey(key), value, writing)
}

/** Sets a setting back to its default. Throws CONFIG_KEY, and what `changeRawConfig` throws. */
export async function unsetSetting(home: Home, key: string, writing: ConfigWrite): Promise<void> {
  await changeSetting(home, settingKey(key), undefined, writing)
}

async function changeSetting(home: Home, key: SettingKey, value: unknown, writing: ConfigWrite): Promise<void> {
  const path = key.split('.')
  await changeRawConfig(home, writing, (raw) => {
    if (value === undefined && pickValue(raw, path) === undefined) return raw
    const changed = withValue(raw, path, value)
    if (changed === undefined) throw damagedFailure(home, `the part that ${key} belongs to is no JSON object`)
    return changed
  })
}

function settingKey(key: string): SettingKey {
  if (isSettingKey(key)) return key
  const close = similarKeys(key)
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : `\`${P2P} config\` shows all keys`
  throw new Failure('CONFIG_KEY', `there is no setting ${JSON.stringify(key.slice(0, 64))}`, hint)
}

function parseConfig(home: Home, raw: RawConfig, reportBadSetting: ReportBadSetting) {
  const get = <K extends SettingKey>(key: K): SettingValues[K] => {
    const setting = SETTINGS[key]
    const value = pickValue(raw, key.split('.'))
    if (value === undefined) return setting.defaultValue
    const checked = setting.check(value)
    if (checked !== undefined) return checked
    const hint = `back to the default: \`${P2P} config unset ${key}\``
    reportBadSetting(damagedFailure(home, `${key} is not ${setting.expects}`, hint), key)
    return setting.defaultValue
  }
  return {
    name: get('name'),
    about: get('about'),
    capabilities: get('capabilities'),
    nip05: get('nip05'),
    presence: { every: get('presence.every'), pow: get('presence.pow') },
    relays: {
      presence: get('relays.presence'),
      inbox: get('relays.inbox'),
      lookup: get('relays.lookup'),
      allowPrivate: get('relays.allowPrivate'),
    },
    owner: {
      npub: get('owner.npub'),
      webhook: get('owner.webhook'),
      command: get('owner.command'),
      openclaw: {
        channel: get('owner.openclaw.channel'),
        target: get('owner.openclaw.target'),
        account: get('owner.openclaw.account'),
      },
    },
    policy: {
      calls: get('policy.calls'),
      autoAnswer: get('policy.autoAnswer'),
      silent: get('policy.silent'),
      pow: get('policy.pow'),
      presencePow: get('policy.presencePow'),
    },
    receipts: { read: get('receipts.read') },
    call: { ring: get('call.ring'), maxMessages: get('call.maxMessages') },
    transcript: { keep: get('transcript.keep') },
    hook: { command: get('hook.command'), unknown: get('hook.unknown') },
    file: {
      inlineMax: get('file.inlineMax'),
      server: get('file.server'),
      fetchMax: get('file.fetchMax'),
      allowPrivate: get('file.allowPrivate'),
    },
    contacts: contactsIn(home, raw, reportBadSetting),
  }
}

function contactsIn(home: Home, raw: RawConfig, reportBadSetting: ReportBadSetting): readonly Contact[] {
  try {
    return contactsOf(home, raw)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    reportBadSetting(error, 'contacts')
    return []
  }
}
