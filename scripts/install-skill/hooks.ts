// Puts our hooks into the text of a harness's settings, after what is there, and takes them out again.

import type { HookSettings } from './harnesses.ts'
import {
  appendChild,
  type Container,
  type JsonNode,
  madeForItsChild,
  memberOf,
  newJsonText,
  parseJsonText,
  removeChild,
} from './json-text.ts'

/** The changed text, and the events whose hooks were changed; or why the text cannot be changed. */
export type HookEdit = { text: string; events: string[] } | { refused: string }

/** Seconds that a harness waits for a hook, which takes a fraction of one. */
const TIMEOUT = 10

/**
 * The command that the harness runs. It never fails: exit code 2 would forbid the agent to stop, and drop what its user has typed, and a
 * program that is gone, or an old one that does not know `hook`, must not do that.
 */
export function hookCommand({ harness, node, program }: HookSettings): string {
  return `${node} ${program} hook ${harness} || true`
}

/**
 * Puts our hooks in. Hooks of an earlier installation, for another folder or another Node, are changed.
 *
 * @param before undefined where there is no file
 */
export function withHooks(before: string | undefined, settings: HookSettings): HookEdit {
  const command = hookCommand(settings)
  const group = { hooks: [{ type: 'command', command, timeout: TIMEOUT }] }
  if (before === undefined || before.trim() === '') {
    const hooks = Object.fromEntries(settings.events.map((event) => [event, [group]]))
    return { text: newJsonText({ hooks }), events: [...settings.events] }
  }
  const refused = faultIn(before, settings)
  if (refused !== undefined) return { refused }
  let text = before
  const events = settings.events.filter((event) => {
    const known = text
    const stale = () => ownHooks(text, event, settings).find((path) => commandOf(path.at(-1)) !== command)
    for (let path = stale(); path !== undefined; path = stale()) text = withCommand(text, path.at(-1), command)
    if (ownHooks(text, event, settings).length === 0) text = addGroup(text, event, group)
    return text !== known
  })
  return { text, events }
}

/** Takes our hooks out, and what was made only for them. `text` is "" where that is the whole file. */
export function withoutHooks(before: string, settings: HookSettings): HookEdit {
  const refused = faultIn(before, settings)
  if (refused !== undefined) return { refused }
  let text = before
  // In reverse order, so that what is left looks as it did before.
  const events = settings.events.toReversed().filter((event) => {
    const known = text
    const last = () => ownHooks(text, event, settings).at(-1)
    for (let path = last(); path !== undefined; path = last()) text = removeUpwards(text, path)
    return text !== known
  })
  return { text, events: events.toReversed() }
}

/** Why a text cannot be changed; undefined where it can. */
function faultIn(text: string, { events }: HookSettings): string | undefined {
  const root = parseJsonText(text)
  if (root?.type !== 'object') return 'it is no JSON object'
  const hooks = memberOf(root, 'hooks')
  if (hooks !== undefined && hooks.type !== 'object') return '"hooks" in it is no object'
  const odd = events.find((event) => (memberOf(hooks, event) ?? { type: 'array' }).type !== 'array')
  return odd === undefined ? undefined : `"hooks.${odd}" in it is no list`
}

// After all others: Codex knows by their position which hooks its user has reviewed.
function addGroup(text: string, event: string, group: unknown): string {
  const root = parseJsonText(text)
  const hooks = memberOf(root, 'hooks')
  const groups = memberOf(hooks, event)
  if (isContainer(groups)) return appendChild(text, groups, group)
  if (isContainer(hooks)) return appendChild(text, hooks, [group], event)
  return isContainer(root) ? appendChild(text, root, { [event]: [group] }, 'hooks') : text
}

function withCommand(text: string, hook: JsonNode | undefined, command: string): string {
  const old = memberOf(hook, 'command')
  return old === undefined ? text : text.slice(0, old.start) + JSON.stringify(command) + text.slice(old.end)
}

/** The paths to our hooks for an event, each as the nodes from the root on. */
function ownHooks(text: string, event: string, { harness }: HookSettings): JsonNode[][] {
  const root = parseJsonText(text)
  const hooks = memberOf(root, 'hooks')
  const groups = memberOf(hooks, event)
  if (root === undefined || hooks === undefined || groups === undefined) return []
  return childrenOf(groups).flatMap((group) => {
    const list = memberOf(group, 'hooks')
    const own = childrenOf(list).filter((hook) => isOurs(commandOf(hook) ?? '', harness))
    return list === undefined ? [] : own.map((hook) => [root, hooks, groups, group, list, hook])
  })
}

/** Whether a command is one of `hookCommand`, for any Node and folder. One that its user has changed is left alone. */
function isOurs(command: string, harness: string): boolean {
  return /p2p-comm\/p2p\.js'? hook /.test(command) && command.endsWith(` hook ${harness} || true`)
}

/** Removes the last node of a path, and each container above it that was made only for it; "" where that is the whole text. */
function removeUpwards(text: string, path: readonly JsonNode[]): string {
  const list = path.at(-2)
  // A group whose only hook is ours goes too, whatever else is in it: without a hook it is not valid.
  const rest = isContainer(list) && list.children.length === 1 ? path.slice(0, -2) : path
  const spare = rest.slice(0, -1).findLastIndex((node) => !isContainer(node) || !madeForItsChild(text, node))
  const [container, node] = [rest[spare], rest[spare + 1]]
  if (!isContainer(container)) return ''
  const index = container.children.findIndex(({ value }) => value === node)
  return removeChild(text, container, index)
}

function commandOf(hook: JsonNode | undefined): string | undefined {
  const command = memberOf(hook, 'command')
  return command?.type === 'scalar' && typeof command.value === 'string' ? command.value : undefined
}

function childrenOf(node: JsonNode | undefined): JsonNode[] {
  return isContainer(node) ? node.children.map(({ value }) => value) : []
}

function isContainer(node: JsonNode | undefined): node is Container {
  return node?.type === 'array' || node?.type === 'object'
}
