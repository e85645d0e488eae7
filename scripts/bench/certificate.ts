// A certificate for 127.0.0.1, for the time of the bench. Node cannot make one; where openssl is missing, wss is not measured.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Certificate = { key: string; cert: string; file: string }

/**
 * Makes a certificate for 127.0.0.1 with openssl, in `folder`. `key` and `cert`: PEM; `file`: the path of `cert`. Undefined without
 * openssl.
 */
export function makeCertificate(folder: string): Certificate | undefined {
  const [key, file] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = spawnSync('openssl', ['req', '-x509', ...curve, '-days', '1', ...names, '-keyout', key, '-out', file])
  if (made.status !== 0) return undefined
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(file, 'utf8'), file }
}
