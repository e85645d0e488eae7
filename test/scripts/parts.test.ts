// The chunks of the program as functions of one script: each is evaluated when it is first needed, once, and texts stay texts.
import vm from 'node:vm'
import { expect, test } from 'vitest'
import { type Chunk, joinParts, withoutCommentEnds } from '../../scripts/parts.ts'

const chunk = (name: string, text: string, imports: string[] = []): Chunk => ({
  ...{ path: `/dist/${name}`, text, imports, modules: [`src/${name}`] },
  isEntry: name === 'main.js',
})

const SHARED = 'program-part-AAAAAAAA.js'
const LATE = 'program-part-BBBBBBBB.js'

const run = (...chunks: Chunk[]): string[] => {
  const said: string[] = []
  const require = (name: string) => ({ sep: '/', name, say: (text: string) => said.push(text) })
  const program: unknown = new vm.Script(joinParts(chunks, false)).runInThisContext()
  if (typeof program === 'function') program(require, 'file:///p2p.js')
  return said
}

const shared = chunk(
  SHARED,
  'import{say as a}from"node:say";a("shared");var b=[1],c=()=>here;export{c as d,b as e};\n',
  ['node:say'],
)

test('parts take what others export, and what Node has', () => {
  const text = `import{d as x,e as b}from"./${SHARED}";import"./${SHARED}";import y from"node:say";y.say(x()+b[0]);\n`
  const said = run(chunk('main.js', text, [`./${SHARED}`, 'node:say']), shared)
  expect(said).toEqual(['shared', 'file:///p2p.js1'])
})

test('what is imported late is evaluated then, and comes under its names', async () => {
  const late = chunk(LATE, `import{e as z}from"./${SHARED}";var q=z[0];export{q as last};\n`, [`./${SHARED}`])
  const text = `import y from"node:say";y.say("first");import("./${LATE}").then(m=>y.say(JSON.stringify(m)));\n`
  const said = run(chunk('main.js', text, [`./${LATE}`, 'node:say']), late, shared)
  await new Promise(setImmediate)
  expect(said).toEqual(['first', 'shared', '{"last":1}'])
})

test('what is no ES module is imported late under its own names too, as in Node', async () => {
  const late = chunk(LATE, 'var r={connect:1};export default r;\n')
  const show = 'm=>y.say(m.default===m?"":JSON.stringify(m))'
  const text = `import y from"node:say";import("./${LATE}").then(${show});import("node:net").then(m=>y.say(m.sep+m.default.name));\n`
  const said = run(chunk('main.js', text, [`./${LATE}`, 'node:say', 'node:net']), late)
  await new Promise(setImmediate)
  expect(said).toEqual(['{"connect":1,"default":{"connect":1}}', '/node:net'])
})

test('a text that reads like an import is none', () => {
  const text = 'import y from"node:say";var t="import";y.say(t+",import{a}from");y.say(["--import","-"].join());\n'
  expect(run(chunk('main.js', text, ['node:say']))).toEqual(['import,import{a}from', '--import,-'])
  const doubtful = chunk('main.js', 'var t=`;import{a}from"b";`;', [])
  expect(() => joinParts([doubtful], false)).toThrow('esbuild knows nothing of import{a}from"b"')
})

test('what could not be taken apart is an error', () => {
  expect(() => joinParts([chunk('main.js', `import{a}from"./${SHARED}";`, [`./${SHARED}`])], false)).toThrow('no chunk')
  expect(() => joinParts([chunk('main.js', 'export*from"node:fs";', ['node:fs'])], false)).toThrow(SyntaxError)
})

test.each([
  ['["*/*", \'*/"\', `a*/1*/b`].join()', '*/*,*/",a*/1*/b'],
  ['"x00".replace(/0*/, "-") + /^x0*/i.exec("X00y")', '-x00X00'],
  ['"a*/".replace(/[*/]/g, "-") + /b*/ .test("b") + "*/"', 'a--true*/'],
])('a script that says the same in a comment: %s', (script, said) => {
  const safe = withoutCommentEnds(script)
  expect([new vm.Script(script).runInThisContext(), new vm.Script(safe).runInThisContext()]).toEqual([said, said])
  expect(safe).not.toContain('*/')
})

test('what ends a comment and is neither text nor pattern is an error', () => {
  expect(() => withoutCommentEnds('2 */a/.lastIndex')).toThrow(SyntaxError)
})
