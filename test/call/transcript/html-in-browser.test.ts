// The HTML transcript in a real browser: hostile words are shown, nothing of them runs, nothing is fetched.
import { execFile } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest'
import { excerptOf } from '../../../src/call/transcript/excerpt.ts'
import { htmlOf } from '../../../src/call/transcript/html.ts'
import { HOSTILE } from './hostile-texts.ts'
import { sampleCall } from './sample-transcripts.ts'

const chromium = installed()
const folder = mkdtempSync(join(tmpdir(), 'p2p-browser-'))
const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(request.url ?? '')
  response.setHeader('access-control-allow-origin', '*').end()
})

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

it('shows every hostile word, and runs and fetches nothing', async (context) => {
  const { page, words } = hostilePage()
  const shown = await open(context, page)
  expect(shown.title).toBe(/<title>(.*?)<\/title>/.exec(page)?.[1])
  expect(shown.texts).toEqual(words)
  expect(asked).toEqual([])
})

it('has a policy that would stop them even if they were markup', async (context) => {
  const shown = await open(context, broken())
  expect(shown.title).toMatch(/^Call with/)
  expect(shown.dom).toContain('src="data:text/html')
  expect(asked).toEqual([])
})

it('is what stops them: without the policy they run, and a narrow window holds it', async (context) => {
  const free = broken().replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '')
  const shown = await open(context, free)
  expect(shown.title).toMatch(/^owned, (\d+) wide, needs \1$/)
  expect(asked).toEqual(expect.arrayContaining(['/image', '/style']))
})

/** A page of a call in which the peer says everything hostile that we know. */
function hostilePage() {
  const call = sampleCall('peer', 'Everything')
  call.say('me', { type: 'accept', text: 'go on' }, 1)
  const texts = Object.values(HOSTILE).map((text) => text.replaceAll('http://127.0.0.1:9/', address('')))
  texts.forEach((text, i) => {
    call.say('peer', { type: 'message', text }, 2 + i)
  })
  const excerpt = excerptOf(call.transcript(), 0)
  return { page: htmlOf(excerpt), words: excerpt.entries.filter((e) => e.type !== 'request').map((e) => e.text) }
}

/** The same with markup of a peer's in it, as if it had not been escaped; and how it looks in a narrow window. */
function broken(): string {
  const markup = `<script>
      fetch("${address('fetch')}").catch(() => {})
      const frame = document.createElement("iframe")
      addEventListener("DOMContentLoaded", () => {
        const copy = document.documentElement.cloneNode(true)
        for (const active of copy.querySelectorAll("script, img, link, iframe")) active.remove()
        frame.style.width = "380px"
        frame.srcdoc = "<!doctype html>" + copy.outerHTML
        document.body.append(frame)
      })
      addEventListener("load", () => {
        const { scrollWidth, clientWidth } = frame.contentDocument.documentElement
        document.title = "owned, " + clientWidth + " wide, needs " + scrollWidth
      })
    </script>
    <img src="${address('image')}"><link rel="stylesheet" href="${address('style')}">
    <iframe src="data:text/html,<script>fetch('${address('frame')}')</script>"></iframe>`
  return hostilePage().page.replace('go on', () => markup)
}

function address(path: string): string {
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}/${path}`
}

/** What a browser makes of a page: its title and the texts of its messages, as a reader would copy them. */
async function open(context: TestContext, page: string) {
  if (chromium === undefined) return context.skip('no Chromium is installed: put one on PATH or name it in CHROMIUM')
  asked.length = 0
  const file = join(folder, 'page.html')
  writeFileSync(file, page)
  const profile = mkdtempSync(join(folder, 'profile-'))
  const { stdout } = await promisify(execFile)(
    chromium,
    [...QUIET, `--user-data-dir=${profile}`, '--dump-dom', pathToFileURL(file).href],
    { maxBuffer: 64 * 1024 * 1024, timeout: 60_000 },
  )
  return {
    dom: stdout,
    title: text(/<title>(.*?)<\/title>/s.exec(stdout)?.[1] ?? ''),
    texts: [...stdout.matchAll(/<div class="words" dir="auto">(.*?)<\/div>/gs)].map((match) => text(match[1] ?? '')),
  }
}

const QUIET = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

// The browser's own way of writing text: these four and nothing else.
function text(markup: string): string {
  return markup
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&nbsp;/g, '\u00a0')
    .replace(/&amp;/g, '&')
}

function installed(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const folders = (process.env.PATH ?? '').split(delimiter)
  const places = [process.env.CHROMIUM ?? '', ...names.flatMap((name) => folders.map((at) => join(at, name)))]
  return places.find((place) => place !== '' && isProgram(place))
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
