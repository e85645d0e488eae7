// A certificate for the names that a test needs, made when the test runs; a TLS server in front of one that has none.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { listenTcp } from './scripted-relay.ts'
import { newFolder } from './temporary-home.ts'

export type Certificate = { key: string; cert: string; path: string }

/** Undefined where there is no openssl. */
export function certificateFor(...names: readonly string[]): Certificate | undefined {
  const folder = newFolder()
  const [key, path] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',')
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  try {
    execFileSync(
      'openssl',
      [...words, '-keyout', key, '-out', path, '-subj', '/CN=p2p test', '-addext', `subjectAltName=${alternatives}`],
      { stdio: 'pipe' },
    )
  } catch {
    return undefined
  }
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(path, 'utf8'), path }
}

/** A port that speaks TLS and hands what is inside to another port of this machine. */
export async function startTlsInFront(port: number, { key, cert }: Certificate): Promise<number> {
  const server = createServer({ key, cert }, (client) => {
    const onward = connect(port, '127.0.0.1')
    client.pipe(onward).pipe(client)
    client.on('error', () => onward.destroy())
    onward.on('error', () => client.destroy())
    client.on('close', () => onward.destroy())
  })
  return Number(new URL(await listenTcp(server)).port)
}
