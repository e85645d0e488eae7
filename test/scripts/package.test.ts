// The package: what is in it, that it holds its own, and that it runs from the PATH after an install without a network.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { publint } from 'publint'
import { afterAll, expect, test } from 'vitest'
import pkg from '../../package.json' with { type: 'json' }
import { startProcess, withTemporaryFolder } from '../../scripts/processes.ts'
import { startRelay } from '../../scripts/relay.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const shelf = mkdtempSync(join(tmpdir(), 'p2p-package-'))
// Made once: npm takes long to start.
const { file, files, size, unpackedSize } = pack(shelf)
afterAll(() => rmSync(shelf, { recursive: true }))

test('it holds what is needed and nothing else, and publint has no complaint', async () => {
  expect(files).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist/p2p.js',
    'dist/package.json',
    'package.json',
    'skill/SKILL.md',
    'test/vectors/protocol.json',
  ])
  // The protocol's vectors, for other implementations, are a fifth of it.
  expect(size).toBeLessThan(370_000)
  expect(unpackedSize).toBeLessThan(1_000_000)
  const { messages } = await publint({ pack: { tarball: arrayBuffer(file) }, strict: true })
  expect(messages).toEqual([])
})

// Whatever an install would run or fetch would stand in these fields.
test('an install runs nothing and fetches nothing: all is in the one file, with its licences', () => {
  expect(pkg).not.toHaveProperty('dependencies')
  expect(Object.keys(pkg.scripts).filter((name) => /install$|^prepare$/.test(name))).toEqual([])
  const program = readFileSync(join(root, 'dist/p2p.js'), 'utf8')
  const told = program.slice(program.lastIndexOf('/*\nThis file contains'))
  for (const name of ['@noble/secp256k1', 'ws', 'yargs', 'lowdb', 'socks']) {
    expect(told).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\): .*Copyright`, 'm'))
  }
  expect(told).toContain('Permission is hereby granted, free of charge')
})

test('installed globally, offline, p2p is on the PATH', async () => {
  await withTemporaryFolder(async (folder) => {
    const prefix = join(folder, 'prefix')
    const npm = [
      'install',
      '--global',
      '--prefix',
      prefix,
      '--offline',
      '--no-audit',
      '--cache',
      join(folder, 'cache'),
      file,
    ]
    expect(spawnSync('npm', npm, { cwd: folder, encoding: 'utf8' })).toMatchObject({ status: 0 })
    const home = join(folder, 'home')
    mkdirSync(home)
    const relay = await startRelay()
    try {
      const env = { HOME: home, PATH: `${prefix}/bin:${process.env.PATH}`, P2P_RELAYS: relay.url }
      const p2p = (...args: string[]) => startProcess('p2p', args, { cwd: folder, env }).ended
      expect(await p2p('--version')).toMatchObject({ code: 0, stdout: `${pkg.version}\n`, stderr: '' })
      expect((await p2p('--version', '--json')).stdout).toContain(`"${pkg.version}"`)
      const { code, stdout } = await p2p('status')
      expect(code).toBe(0)
      expect(stdout).toMatch(/^you are npub1\w+\nrelays: 1 of 1 answered\nno calls; `p2p list` shows/)
    } finally {
      await relay.close()
    }
  })
})

// What is published can be checked by whoever has the sources: README says how.
test('built anew in another folder it is the same program, and packed anew the same package, byte for byte', async () => {
  await withTemporaryFolder(async (folder) => {
    const copy = join(folder, 'a copy', 'elsewhere')
    for (const name of [
      'src',
      'scripts',
      'package.json',
      'tsconfig.json',
      ...pkg.files.filter((file) => !file.startsWith('dist/')),
    ]) {
      cpSync(join(root, name), join(copy, name), { recursive: true })
    }
    const program = readFileSync(join(root, 'dist/p2p.js'), 'utf8')
    const bundled = program
      .slice(program.lastIndexOf('/*\nThis file contains'))
      .matchAll(/^(\S+) \d+\.\d+\.\d+\S* \(/gm)
    for (const name of [...[...bundled].map(([, name]) => name ?? ''), 'esbuild', '@esbuild']) {
      cpSync(join(root, 'node_modules', name), join(copy, 'node_modules', name), { recursive: true })
    }
    const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/esm/index.mjs')).href
    const env = { PATH: process.env.PATH ?? '', HOME: folder, TZ: 'Pacific/Auckland', LANG: 'de_DE.UTF-8' }
    const built = await startProcess(process.execPath, ['--import', tsx, 'scripts/build.ts'], { cwd: copy, env }).ended
    expect(built).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(join(copy, 'dist/p2p.js'), 'utf8') === program).toBe(true)

    expect(readFileSync(pack(join(folder, 'a copy'), copy).file).equals(readFileSync(file))).toBe(true)
  })
})

type Packed = { file: string; files: string[]; size: number; unpackedSize: number }

/** Makes the tarball of what is built: other tests are running it, so it is not built again. */
function pack(folder: string, cwd = root): Packed {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const { stdout, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8' })
  const listed: unknown = JSON.parse(stdout || 'null')
  const [packed] = Array.isArray(listed) ? listed : Object.values(Object(listed))
  if (packed === undefined) throw new Error(`npm pack: ${stderr}`)
  const files: unknown[] = packed.files
  const file = join(folder, String(packed.filename))
  return {
    file,
    files: files.map((one) => String(Object(one).path)).sort((a, b) => (a < b ? -1 : 1)),
    size: statSync(file).size,
    unpackedSize: Number(packed.unpackedSize),
  }
}

function arrayBuffer(path: string): ArrayBuffer {
  const bytes = readFileSync(path)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
}
