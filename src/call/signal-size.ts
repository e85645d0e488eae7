// Whether a signal fits into one event that relays take, before it is said.
import { P2P } from '../command-name.ts'
import { rumorOf } from '../nostr/event.ts'
import { fitsRelays } from '../nostr/nip59.ts'
import { type Decision, type IntendedSignal, refuse } from './decision.ts'
import { LIMIT } from './signal.ts'
import { signalTemplate } from './signal-codec.ts'
import { partLimit } from './text-limit.ts'

const LONGEST_ID = '0'.repeat(64)

/**
 * Says it, or refuses and tells how much fits. The size is that of the event on the wire, not of the text, which is padded and encoded
 * twice on the way. Links and numbers are as long as they can be, since the real ones are only known later, under the lock.
 */
export function decideWithinSize(intended: IntendedSignal, me: string, now: number): Decision {
  const place = {
    call: intended.call ?? LONGEST_ID,
    to: intended.to,
    seq: LIMIT.seq,
    prev: LONGEST_ID,
    ack: { seq: LIMIT.seq, id: LONGEST_ID },
    read: LIMIT.seq,
    re: LONGEST_ID,
  }
  const { body } = intended
  // The call key, which a request or an accept carries, is made when it is said.
  const whole = body.type === 'request' || body.type === 'accept' ? { ...body, ek: [LONGEST_ID] } : body
  const template = signalTemplate(whole, place, now)
  const fits = (content: string) => fitsRelays(rumorOf({ ...template, content }, me))
  if (fits(template.content)) return { say: [intended] }
  if (body.type === 'file')
    return refuse(
      'FILE_TOO_LARGE',
      'the name of the file is too long',
      `send it under a shorter name: \`${P2P} sendfile <name> -\``,
    )
  const limit = partLimit(body.text, fits)
  return refuse(
    'TEXT_TOO_LONG',
    `the text is too long for one message: ${Buffer.byteLength(body.text)} bytes, and at most ${limit} of them fit`,
    body.type === 'message'
      ? `say it in several messages of at most ${limit} bytes each, or write it to a file: \`${P2P} sendfile <path>\``
      : `say it with at most ${limit} bytes; in the call \`${P2P} send "…"\` and \`${P2P} sendfile <path>\` take the rest`,
  )
}
