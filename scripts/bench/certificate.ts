// A certificate for 127.0.0.1 that lives as long as the bench. Node cannot make one; where openssl is missing, wss is not measured.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Certificate = { key: string; cert: string; file: string }

/** A certificate for 127.0.0.1, made by openssl in `folder`: PEM, and the file it is in; undefined where openssl is not installed. */
export function makeCertificate(folder: string): Certificate | undefined {
  const [key, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = spawnSync('openssl', ['req', '-x509', ...curve, '-days', '1', ...names, '-keyout', key, '-out', file])
  if (made.status !== 0) return undefined
  const cert = readFileSync(file, 'utf8')
  // Beside those that commands trust anyway, so that they start as slowly.
  const others = process.env.NODE_EXTRA_CA_CERTS
  if (others !== undefined) writeFileSync(file, `${cert}${readFileSync(others, 'utf8')}`)
  return { key: readFileSync(key, 'utf8'), cert, file }
}
