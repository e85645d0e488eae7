// The webhook at real servers on loopback: taken, refused, slow, endless, elsewhere.
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { tellWebhook as tell } from '../../../src/io/owner/webhook.ts'
import { type ReceivedRequest, SAMPLE_NOTICE, startHttpServer } from '../../support/owner-stand-ins.ts'

const soon = { ms: 5_000, env: {} }
/** What went wrong. */
const tellWebhook = async (...told: Parameters<typeof tell>) => (await tell(...told)).error

const NO_REQUEST: ReceivedRequest = { method: '', url: '', headers: {}, body: '' }

describe('what is sent', () => {
  test('one POST of JSON that chat services take, with a key that stays the same when it is sent again', async () => {
    const { url, requests } = await startHttpServer((_, response) => response.writeHead(204).end())
    const facts = { id: SAMPLE_NOTICE.id, at: 5, call: 'c', topic: 't', text: 'May I?' }
    expect(await tellWebhook(`${url}/hook?key=s3cret`, { ...SAMPLE_NOTICE, facts }, soon)).toBeUndefined()
    expect(requests).toHaveLength(1)
    const { method, url: path, headers, body } = requests[0] ?? NO_REQUEST
    expect({ method, path }).toEqual({ method: 'POST', path: '/hook?key=s3cret' })
    expect(headers['content-type']).toMatch(/^application\/json/)
    expect(headers['idempotency-key']).toBe(SAMPLE_NOTICE.id)
    expect(JSON.parse(body)).toEqual({
      event: 'escalation',
      id: SAMPLE_NOTICE.id,
      at: 5,
      call: 'c',
      topic: 't',
      question: 'May I?',
      text: 'Your agent needs you.',
      content: 'Your agent needs you.',
      allowed_mentions: { parse: [] },
    })
  })

  test("Discord's 2000 characters hold what is sent to it", async () => {
    const { url, requests } = await startHttpServer((_, response) => response.writeHead(200).end('ok'))
    await tellWebhook(url, { ...SAMPLE_NOTICE, text: '😀'.repeat(2000) }, soon)
    const { text, content } = JSON.parse(requests[0]?.body ?? '')
    expect(text).toHaveLength(4000)
    expect(content.length).toBeLessThan(2000)
    expect(content).toMatch(/^(😀)+…$/u)
  })
})

describe('what counts as told', () => {
  test.each([200, 201, 202, 204])('%d', async (status) => {
    const { url } = await startHttpServer((_, response) => response.writeHead(status).end())
    expect(await tellWebhook(url, SAMPLE_NOTICE, soon)).toBeUndefined()
  })

  test.each([400, 401, 404, 429, 500, 503])('not %d, and it says so', async (status) => {
    const { url } = await startHttpServer((_, response) => response.writeHead(status).end('no_team\u001b[31m\nred'))
    expect(await tellWebhook(url, SAMPLE_NOTICE, soon)).toBe(`answered ${status} (no_team[31m red)`)
  })

  test.each([301, 302, 307, 308])('not %d: a redirect is not followed', async (status) => {
    const goal = await startHttpServer((_, response) => response.writeHead(200).end())
    const { url } = await startHttpServer((_, response) => response.writeHead(status, { location: goal.url }).end())
    expect(await tellWebhook(url, SAMPLE_NOTICE, soon)).toBe(`answered ${status}: a redirect, which is not followed`)
    expect(goal.requests).toEqual([])
  })

  test('not a server that hangs up', async () => {
    const { url } = await startHttpServer((request) => request.socket.destroy())
    expect(await tellWebhook(url, SAMPLE_NOTICE, soon)).toBe('cannot be reached (ECONNRESET)')
  })

  test('not a port that nobody listens on; no error names the address', async () => {
    const free = createServer()
    const port = await new Promise<number>((resolve) =>
      free.listen(0, '127.0.0.1', () => {
        const address = free.address()
        free.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
      }),
    )
    expect(await tellWebhook(`http://user:s3cret@127.0.0.1:${port}/s3cret`, SAMPLE_NOTICE, soon)).toBe(
      'cannot be reached (ECONNREFUSED)',
    )
  })
})

describe('an answer', () => {
  const answerOf = async (status: number, body: string) => {
    const { url } = await startHttpServer((_, response) => response.writeHead(status).end(body))
    return await tell(url, SAMPLE_NOTICE, soon)
  }

  test('is a document that says it and nothing else', async () => {
    expect(await answerOf(200, '{"answer": "Yes.\\nGo on."}\n')).toEqual({ answer: 'Yes.\nGo on.' })
  })

  test.each([
    'ok',
    '',
    '{}',
    '"Yes"',
    '[{"answer":"Yes"}]',
    '{"answer":7}',
    '{"answer":" "}',
    '{"answer":"Yes","ok":true}',
  ])('%s is none, and the owner was told', async (body) => {
    expect(await answerOf(200, body)).toEqual({})
  })

  test('of a refusal it is none', async () => {
    expect((await answerOf(500, '{"answer": "Yes"}')).answer).toBeUndefined()
  })

  test('that does not end in time is none, and the owner was told', async () => {
    const { url } = await startHttpServer((_, response) => void response.writeHead(200).write('{"answer": "Yes'))
    expect(await tell(url, SAMPLE_NOTICE, { ms: 300, env: {} })).toEqual({})
  })
})

describe('bounds', () => {
  test('a server that never answers costs its time and no more', async () => {
    const { url, requests } = await startHttpServer(() => {})
    const began = performance.now()
    expect(await tellWebhook(url, SAMPLE_NOTICE, { ms: 300, env: {} })).toBe('gave no answer within 0.3 s')
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(requests).toHaveLength(1)
  })

  test('a yes with an endless body is a yes at once', async () => {
    const { url } = await startHttpServer((_, response) => {
      response.writeHead(200)
      const more = () => void response.write('x'.repeat(65_536), () => setImmediate(more))
      response.on('error', () => {})
      more()
    })
    expect(await tellWebhook(url, SAMPLE_NOTICE, { ms: 60_000, env: {} })).toBeUndefined()
  })

  test('of a no with an endless body a line is read', async () => {
    const { url } = await startHttpServer((_, response) => {
      response.writeHead(500)
      const more = () => void (response.destroyed || response.write('x'.repeat(65_536), () => setImmediate(more)))
      more()
    })
    expect(await tellWebhook(url, SAMPLE_NOTICE, { ms: 60_000, env: {} })).toBe(`answered 500 (${'x'.repeat(80)}…)`)
  })

  test('a no whose body drips is a no when time is up', async () => {
    const { url } = await startHttpServer((_, response) => {
      response.writeHead(500)
      response.write('slow')
    })
    expect(await tellWebhook(url, SAMPLE_NOTICE, { ms: 300, env: {} })).toBe('gave no answer within 0.3 s')
  })
})

describe('where to', () => {
  test.each([
    'http://192.168.1.5/hook',
    'http://hooks.example/hook',
    'http://localhost.example/',
    'http://127.0.0.1.example/',
    'http://[::ffff:10.0.0.1]/',
    'ftp://127.0.0.1/',
    'not an address',
  ])('never to %s', async (address) => {
    expect(await tellWebhook(address, SAMPLE_NOTICE, soon)).toMatch(/^owner\.webhook (must be https|is no address)/)
  })

  test('localhost is this machine', async () => {
    const { port } = await startHttpServer((_, response) => response.writeHead(200).end())
    expect(await tellWebhook(`http://localhost:${port}/`, SAMPLE_NOTICE, soon)).toBeUndefined()
  })

  test('this machine is reached past the proxy, and the world through it', async () => {
    const { url, requests } = await startHttpServer((_, response) => response.writeHead(200).end())
    const env = { ALL_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' }
    expect(await tellWebhook(url, SAMPLE_NOTICE, { ms: 5_000, env })).toBeUndefined()
    expect(requests).toHaveLength(1)
    expect(await tellWebhook('https://127.0.0.1:2/', SAMPLE_NOTICE, { ms: 5_000, env })).toMatch(
      /proxy http:\/\/127\.0\.0\.1:1/,
    )
  })
})
