// Our hooks in a settings file of somebody's: put in behind what is there, taken out again to the byte, and nothing else is
// touched, however the file is written.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HookSettings } from '../../scripts/install-skill/harnesses.ts'
import { hookCommand, withHooks, withoutHooks } from '../../scripts/install-skill/hooks.ts'
import { parseJsonText } from '../../scripts/install-skill/json-text.ts'

const EVENTS = ['SessionStart', 'UserPromptSubmit', 'PostToolUse', 'Stop']

const SETTINGS: HookSettings = {
  ...{ harness: 'claude-code', file: '/home/user/.claude/settings.json', events: EVENTS },
  ...{ node: '/usr/bin/node', program: '/home/user/.claude/skills/p2p-comm/p2p.js' },
}

const OURS = { type: 'command', command: hookCommand(SETTINGS), timeout: 10 }

/** The text with our hooks; throws where they are refused. */
function added(text: string | undefined, settings = SETTINGS): string {
  const edit = withHooks(text, settings)
  if ('refused' in edit) throw new Error(edit.refused)
  return edit.text
}

function removed(text: string): string {
  const edit = withoutHooks(text, SETTINGS)
  if ('refused' in edit) throw new Error(edit.refused)
  return edit.text
}

/** The value of a text, comments and trailing commas let pass. */
function valueIn(text: string): unknown {
  const plain = (node: ReturnType<typeof parseJsonText>): unknown => {
    if (node?.type === 'object') return Object.fromEntries(node.children.map(({ key, value }) => [key, plain(value)]))
    return node?.type === 'array' ? node.children.map(({ value }) => plain(value)) : node?.value
  }
  return plain(parseJsonText(text))
}

describe('files as people have them', () => {
  const others = { matcher: 'Bash', hooks: [{ type: 'command', command: 'echo hi' }] }
  test.each<[string, string]>([
    ['nothing but braces', '{}'],
    ['braces and a space', '{ }\n'],
    ['one line', '{"model":"opus","hooks":{"Stop":[],"SessionEnd":[{"hooks":[]}]}}'],
    ['two spaces', JSON.stringify({ model: 'opus', hooks: { PostToolUse: [others] }, env: { A: '1' } }, null, 2)],
    ['tabs', `${JSON.stringify({ hooks: { Stop: [others], SessionStart: [others, others] } }, null, '\t')}\n`],
    ['line ends of Windows', JSON.stringify({ hooks: { Stop: [others] } }, null, 4).replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${JSON.stringify({ hooks: {} }, null, 2)}`],
    [
      'comments and trailing commas',
      '// mine\n{\n  /* why */ "hooks": { // all of them\n    "Stop": [\n      {"hooks": [], /* , */}, // the last, really\n    ],\n    "PostToolUse": [ /* none, yet */ ],\n  }, // [{\n  "x": "// no comment, \\"}",\n}\n// the end',
    ],
    ['odd indents', '{\n      "hooks"\n:\n{ "Stop"    : [\n\n ] ,"other":[1,2 ,3]\n}     }'],
    ['hooks in front and behind', '{\n  "a": 1,\n  "hooks": {\n    "Stop": []\n  },\n  "b": 2\n}\n'],
  ])('%s', (_, before) => {
    const text = added(before)
    expect(added(text)).toBe(text)
    for (const event of EVENTS) {
      const hooks = valueIn(text)
      expect(hooks).toMatchObject({ hooks: { [event]: expect.arrayContaining([{ hooks: [OURS] }]) } })
    }
    expect(removed(text)).toBe(before)
    expect(removed(before)).toBe(before)
  })

  test('no file, and an empty one: a file of our own, which goes again', () => {
    for (const before of [undefined, '', '\n']) {
      const text = added(before)
      expect(JSON.parse(text)).toEqual({
        hooks: Object.fromEntries(EVENTS.map((event) => [event, [{ hooks: [OURS] }]])),
      })
      expect(removed(text)).toBe('')
    }
  })

  test.each([
    ['{"hooks":'],
    ['[]'],
    ['null'],
    ['{"hooks":[]}'],
    ['{"hooks":{"Stop":{}}}'],
    ['{"hooks":{}} {}'],
    [`${'['.repeat(1e5)}`],
    ["{'hooks': {}}"],
  ])('what is none of this is refused and left as it is: %j', (text) => {
    expect(withHooks(text, SETTINGS)).toEqual({ refused: expect.stringMatching(/./) })
    expect(withoutHooks(text, SETTINGS)).toEqual({ refused: expect.stringMatching(/./) })
  })
})

test('what was put in for another folder or another Node is changed where it stands', () => {
  const moved = { ...SETTINGS, node: '/opt/node', program: "'/home/a user/p2p-comm/p2p.js'" }
  const mine = { hooks: [{ type: 'command', command: 'echo mine' }] }
  const before = JSON.stringify({ hooks: { Stop: [mine] } }, null, 2)
  const text = added(before, moved)
  const again = added(text)
  expect(JSON.parse(again).hooks.Stop).toEqual([mine, { hooks: [OURS] }])
  expect(again).toBe(added(before))
  expect(removed(text)).toBe(before)
})

test('what its user made of it stays his: a hook beside ours, another one like it, a group behind it', () => {
  const own = { type: 'command', command: 'p2p hook claude-code' }
  const text = JSON.stringify(
    {
      hooks: {
        Stop: [{ hooks: [own, OURS] }, { hooks: [own] }],
        PostToolUse: [{ matcher: 'Bash', hooks: [OURS] }, { hooks: [own] }],
      },
    },
    null,
    2,
  )
  expect(JSON.parse(removed(text))).toEqual({
    hooks: { Stop: [{ hooks: [own] }, { hooks: [own] }], PostToolUse: [{ hooks: [own] }] },
  })
})

test('a comment that ends a line swallows nothing when ours goes', () => {
  const ours = JSON.stringify({ hooks: [OURS] })
  const text = `{"hooks": {"Stop": [\n  {"a": 1}, // one\n  ${ours}, {"b": 2}\n]}}`
  expect(valueIn(removed(text))).toEqual({ hooks: { Stop: [{ a: 1 }, { b: 2 }] } })
})

/** JSON with comments, written in every way that there is. `dice`: what stands between two tokens. */
function written(value: unknown, dice: () => string, comma: () => boolean): string {
  const list = (open: string, parts: string[], close: string) => {
    const trailing = parts.length > 0 && comma() ? `${dice()},` : ''
    return `${open}${dice()}${parts.join(`${dice()},${dice()}`)}${trailing}${dice()}${close}`
  }
  if (Array.isArray(value))
    return list(
      '[',
      value.map((one) => written(one, dice, comma)),
      ']',
    )
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const parts = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}${dice()}:${dice()}${written(one, dice, comma)}`,
  )
  return list('{', parts, '}')
}

test('whatever the file, and however it is written: in, and out again to the byte', () => {
  const hook = fc.record({ type: fc.constant('command'), command: fc.string() })
  const group = fc.record(
    { matcher: fc.string(), hooks: fc.array(hook, { maxLength: 2 }) },
    { requiredKeys: ['hooks'] },
  )
  const hooks = fc.dictionary(fc.constantFrom(...EVENTS, 'SessionEnd', 'toString'), fc.array(group, { maxLength: 3 }))
  const file = fc.record(
    { model: fc.string(), hooks, env: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })) },
    { requiredKeys: [] },
  )
  const spaces = fc.array(fc.constantFrom('', ' ', '\n', '\n  ', '\t', '// ,]}\n', '/* {"hooks":[ */', '\r\n'), {
    minLength: 1,
  })
  fc.assert(
    fc.property(file, spaces, fc.array(fc.boolean(), { minLength: 1 }), (value, trivia, commas) => {
      let at = 0
      const dice = () => trivia[at++ % trivia.length] ?? ''
      const before = written(value, dice, () => commas[at % commas.length] ?? false)
      const text = added(before)
      const given: Record<string, unknown[]> = { ...value.hooks }
      const merged = EVENTS.map((event) => [
        event,
        [...(Object.hasOwn(given, event) ? (given[event] ?? []) : []), { hooks: [OURS] }],
      ])
      expect(valueIn(text)).toEqual({
        ...JSON.parse(JSON.stringify(value)),
        hooks: { ...value.hooks, ...Object.fromEntries(merged) },
      })
      expect(added(text)).toBe(text)
      expect(JSON.stringify([text, removed(text)])).toBe(JSON.stringify([text, before]))
    }),
    { numRuns: 200 },
  )
})
