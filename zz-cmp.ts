import { inFolder } from './scripts/processes.ts'
import { spawnSync } from 'node:child_process'
import { openField } from './scripts/bench/field.ts'
import { freshHome, readyEvent, send } from './scripts/bench/runners.ts'
import { spawn } from 'node:child_process'
const rounds = Number(process.argv[2] ?? 30)
const field = openField()
await inFolder(async (folder) => {
  const url = await field.ask({ type: 'relay', auth: 'none' })
  const course = { folder, field, now: Math.floor(Date.now() / 1000), quick: false }
  const home = await freshHome(course, url)
  const mine = send(home)
  const base = { ...mine, args: ['/tmp/pipe/base/dist/p2p.js', ...mine.args.slice(1)] }
  const ready = readyEvent(home, url, course.now)
  const node = { args: ['-e', '0'], setting: mine.setting }
  const all: [string, any][] = [['node', node], ['ws', ready], ['base', base], ['new', mine]]
  const times: Record<string, number[]> = {}
  for (let i = -2; i < rounds; i++) for (const [name, r] of all) {
    const t = process.hrtime.bigint()
    const code = await new Promise((res) => { const c = spawn(process.execPath, r.args, { cwd: r.setting.cwd, env: r.setting.env, stdio: ['ignore', 'ignore', 'inherit'] }); c.on('exit', res) })
    const ms = Number(process.hrtime.bigint() - t) / 1e6
    if (code !== 0) throw new Error(`${name} ${code}`)
    if (i >= 0) (times[name] ??= []).push(ms)
  }
  const med = (x: number[]) => [...x].sort((a, b) => a - b)[Math.floor(x.length / 2)]!
  for (const [n, x] of Object.entries(times)) console.log(n, 'median', med(x).toFixed(1), 'min', Math.min(...x).toFixed(1))
  const ratio = (a: string, b: string) => med(times[a]!.map((v, i) => v / times[b]![i]!)).toFixed(3)
  console.log('pairwise median new/base', ratio('new', 'base'), 'new/ws', ratio('new', 'ws'), 'new/node', ratio('new', 'node'), 'base/ws', ratio('base', 'ws'))
})
field.close()
