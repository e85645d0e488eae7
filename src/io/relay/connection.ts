// One connection to a relay. Routes relay frames to their waiters, and tells all of them when the connection is lost.
import { setMaxListeners } from 'node:events'
import type { Keys } from '../../nostr/crypto.ts'
import type { Event } from '../../nostr/event.ts'
import { type ClientFrame, clientFrame, parseRelayFrame, type Refusal, type RelayFrame } from '../../nostr/messages.ts'
import { retryAfter, secondsIn } from '../../nostr/rate-limit.ts'
import { shortRelayUrl } from '../../nostr/relay-url.ts'
import { type Foreign, foreign, foreignLine, isBlank } from '../../sanitize.ts'
import type { Rebuff } from '../../state/relay-memory.ts'
import type { HttpRoute } from '../http/agent.ts'
import { type AbortTimer, abortAfter, deferred } from '../timers.ts'
import { type Auth, openAuth } from './auth.ts'
import { ANSWER_BOUNDS, type AnswerBounds } from './collector.ts'
import { openPacer, type Pacer, type PacerSettings } from './pacer.ts'
import { type NegSessions, openNegSessions, openPendingOks, type PendingOks } from './reply-waiters.ts'
import type { Subscription, SubscriptionRequest } from './subscription.ts'
import { openSubscriptions } from './subscriptions.ts'
import { openTurns, type Turns } from './turns.ts'
import { openSocket, type SocketLoss, type SocketTiming } from './websocket.ts'

/** `now` is Unix time in milliseconds. */
export type ConnectionOptions = {
  keys: Keys
  /** Whether only a peer has named the relay, so that it does not learn who we are unless it must. */
  guest?: boolean
  now: () => number
  route?: HttpRoute | Promise<HttpRoute> | undefined
  /** Is given a line of text for every step. */
  trace?: ((line: Foreign) => void) | undefined
  /** Most ms from dialing to the open WebSocket. */
  handshakeMs?: number
  /** Ms between two pings. */
  pingMs?: number
  /** Ms of the first pause after `rate-limited`; each further one is twice as long. */
  backoffMs?: number
  /** Ms that an AUTH may stay without an OK at a relay that goes on answering. */
  authMs?: number
  pace?: PacerSettings
  bounds?: AnswerBounds
  /** How many questions the relay answers at a time, as far as is known; `onFewer` is told when it shows that they are fewer. */
  subscriptions?: number | undefined
  onFewer?: ((subscriptions: number) => void) | undefined
}

export type Connection = {
  url: string
  auth: Auth
  guest: boolean
  /** The relay does nothing without AUTH: whether another AUTH goes out for that. */
  demand(what: 'read' | 'write'): boolean
  pendingOks: PendingOks
  negSessions: NegSessions
  turns: Turns
  pacer: Pacer
  bounds: AnswerBounds
  backoffMs: number
  /** Resolves when frames may be sent, which may never happen. */
  ready: Promise<void>
  /** Aborted when the connection is lost. */
  gone: AbortSignal
  now(): number
  lost(): Refusal | undefined
  /** Of a lost connection: whether the relay wants to be left alone, and how long. */
  rebuff(): Rebuff | undefined
  /** Of a lost connection: the size of the message on which the relay closed it, in bytes. */
  closedOn(): number | undefined
  measured(): SocketTiming | undefined
  /** When the relay last sent an event, an EOSE or a NEG-MSG, in the time of `now`; the present while it is held. */
  heardAt(): number
  /** Reads nothing from the relay until the promise resolves, so that the relay waits with what it has to send. */
  hold(until: Promise<void>): void
  isHeld(): boolean
  /** Why there is no full answer when time is up. `touched`: whether a part of it came. */
  late(touched: boolean): Refusal
  /** A signal that is aborted at `deadline` (in the time of `now`), when cut off, or when the connection is lost. */
  until(deadline: number, cut?: AbortSignal): AbortTimer
  send(frame: ClientFrame): void
  subscribe(request: SubscriptionRequest): Subscription
  close(): void
}

/** A relay that closes a connection within this many ms, and answered nothing on it, does not want it. */
const atOnceMs = 2_000

/**
 * Dials a relay, and carries what is asked and published. It never throws: whatever is open when the connection is lost ends with why it
 * was lost.
 */
export function openConnection(url: string, options: ConnectionOptions): Connection {
  const { keys, now, trace, route, handshakeMs = 10_000, pingMs = 30_000, backoffMs = 400 } = options
  const { guest = false, authMs = 600 } = options
  const ready = deferred<void>()
  const gone = new AbortController()
  // Everything that waits on this connection listens to the signal, and Node would warn of a leak at the eleventh listener.
  setMaxListeners(0, gone.signal)
  let measured: SocketTiming | undefined
  let lost: Refusal | undefined
  let heardAt = 0
  let holds = 0
  let notice: Foreign | undefined
  let openedAt: number | undefined
  let isHeard = false
  let rebuff: Rebuff | undefined
  let closedOn: number | undefined
  // The sizes of events that the relay has not answered, in bytes, by event id.
  const unanswered = new Map<string, number>()

  const log = (line: Foreign) => trace?.(foreign`${shortRelayUrl(url)} ${line}`)
  const pendingOks = openPendingOks()
  const negSessions = openNegSessions()
  const auth = openAuth({ url, keys, guest, now: theirTime, send: sendAuth })
  const turns = openTurns(options.subscriptions, options.onFewer)
  const subscriptions = openSubscriptions(send, auth, turns, { demand, onDoubt: () => doubtAuth(true) })
  const socket = openSocket({ url, route, handshakeMs, pingMs, now, onOpen, onText, onLost: lose })

  // strfry takes only an AUTH of the last 60 seconds. Where our clock is wrong and the relay told its time, the AUTH is dated by that. A
  // relay that lies about its time gets an AUTH that no other relay takes.
  function theirTime(): number {
    const ahead = measured?.clockAhead ?? 0
    return Math.abs(ahead) > 10 ? now() - ahead * 1000 : now()
  }

  function send(frame: ClientFrame): void {
    log(foreign`-> ${describeFrame(frame)}`)
    const text = clientFrame(frame)
    if (frame.type === 'EVENT') unanswered.set(frame.event.id, Buffer.byteLength(text))
    socket.send(text)
  }

  // The trap: a relay takes our AUTH, never says so, and goes on answering. Only the timer says that the wait is over, not the clock: a
  // timer may fire a moment early by the clock, and clocks are set back.
  let authWait: { isOver: boolean; goesOn: boolean; timer: NodeJS.Timeout } | undefined

  function sendAuth(event: Event): void {
    send({ type: 'AUTH', event })
    clearTimeout(authWait?.timer)
    const timer = setTimeout(() => {
      wait.isOver = true
      doubtAuth(auth.isAwaited())
    }, authMs)
    const wait = { isOver: false, goesOn: false, timer }
    authWait = wait
  }

  function doubtAuth(goesOn: boolean): void {
    if (authWait === undefined || auth.state() !== 'pending') return
    authWait.goesOn ||= goesOn
    if (!authWait.goesOn || !authWait.isOver) return
    auth.presume()
    subscriptions.settled()
  }

  function demand(what: 'read' | 'write'): boolean {
    const isSent = auth.demanded(what)
    if (isSent) {
      subscriptions.challenged()
      negSessions.tellAuthSent()
    }
    return isSent
  }

  function onOpen(values: SocketTiming): void {
    measured = values
    openedAt = now()
    log(foreign`open after ${values.latencyMs} ms`)
    // Later than a challenge that came with the 101, so that AUTH, REQ and EVENT leave in one flight.
    setImmediate(() => {
      if (lost) return
      subscriptions.ready()
      ready.resolve()
    })
  }

  function onText(text: string): void {
    const frame = parseRelayFrame(text)
    if (frame?.type !== 'EVENT') log(foreign`<- ${frame ? describeFrame(frame) : 'no frame of a relay'}`)
    if (frame) hear(frame, text.length)
  }

  function hear(frame: RelayFrame, size: number): void {
    if (frame.type !== 'AUTH' && frame.type !== 'NOTICE') isHeard = true
    if (frame.type === 'EVENT' || frame.type === 'EOSE' || frame.type === 'NEG-MSG') heardAt = now()
    if (frame.type === 'AUTH') onChallenge(frame.challenge)
    else if (frame.type === 'NOTICE') onNotice(frame)
    else if (frame.type === 'NEG-MSG' || frame.type === 'NEG-ERR') negSessions.tell(frame)
    else if (frame.type !== 'OK') subscriptions.hear(frame, size)
    else hearOk(frame)
  }

  function hearOk(frame: Extract<RelayFrame, { type: 'OK' }>): void {
    unanswered.delete(frame.id)
    const answered = auth.answered(frame)
    if (answered === 'settled') subscriptions.settled()
    else if (answered === false) pendingOks.tell(frame.id, frame)
  }

  function onChallenge(challenge: string): void {
    const answer = auth.challenged(challenge)
    if (answer === 'sent') {
      subscriptions.challenged()
      negSessions.tellAuthSent()
    } else if (answer === 'too many') lose('it sends challenge after challenge')
  }

  // NIP-01 "defines no rules for how NOTICE messages should be sent or treated": some relays ask for AUTH with them.
  function onNotice({ reason, text }: Refusal): void {
    notice = text
    if (turns.noticed({ reason, text })) return
    negSessions.tellNotice({ reason, text })
    if (reason !== 'auth-required') return
    subscriptions.authWanted({ reason, text })
    pendingOks.tellAll({ accepted: false, reason, text })
  }

  function hold(until: Promise<void>): void {
    holds += 1
    if (holds === 1) socket.pause()
    void until.then(() => {
      holds -= 1
      heardAt = now()
      if (holds === 0) socket.resume()
    })
  }

  function lose(why: string, loss: SocketLoss = {}): void {
    if (lost) return
    const text = foreignLine(why)
    lost = { reason: 'unreachable', text }
    // 1009 is "message too big" (RFC 6455, 7.4.1).
    if (loss.code === 1009 && unanswered.size > 0) closedOn = Math.max(...unanswered.values())
    else rebuff = rebuffIn(text, loss)
    log(foreign`over: ${lost.text}`)
    socket.terminate()
    clearTimeout(authWait?.timer)
    subscriptions.lost(lost)
    gone.abort()
  }

  /** 429 is "too many requests"; 503 with a time is the same in other words. */
  function rebuffIn(why: Foreign, { status, code, retryAfter: after }: SocketLoss): Rebuff | undefined {
    const seconds = retryAfter(after, now()) ?? (notice === undefined ? undefined : secondsIn(notice))
    const named = { at: now(), ...(seconds !== undefined && { seconds }) }
    if (status === 429 || (status === 503 && after !== undefined)) return { ...named, why }
    const atOnce = code !== undefined && !isHeard && openedAt !== undefined && now() - openedAt < atOnceMs
    return atOnce
      ? {
          why: notice === undefined ? foreign`${why}, at once` : foreign`${why}, at once; it said: "${notice}"`,
          ...named,
        }
      : undefined
  }

  return {
    url,
    auth,
    guest,
    demand,
    pendingOks,
    negSessions,
    turns,
    pacer: openPacer(options.pace ?? { burst: 10, gapMs: 250 }, now),
    bounds: options.bounds ?? ANSWER_BOUNDS,
    backoffMs,
    ready: ready.promise,
    gone: gone.signal,
    now,
    lost: () => lost,
    rebuff: () => rebuff,
    closedOn: () => closedOn,
    measured: () => measured,
    heardAt: () => (holds > 0 ? now() : heardAt),
    hold,
    isHeld: () => holds > 0,
    late(touched) {
      if (lost) return lost
      if (touched) return { reason: 'slow', text: foreign`was still sending when time was up` }
      const silence = measured ? 'no answer in time' : 'no connection in time'
      return {
        reason: 'silent',
        text: notice === undefined ? foreign`${silence}` : foreign`${silence}; it said: "${notice}"`,
      }
    },
    until: (deadline, cut) => abortAfter(deadline - now(), cut, gone.signal),
    send,
    subscribe: subscriptions.open,
    close: () => lose('closed by us'),
  }
}

function describeFrame(frame: ClientFrame | RelayFrame): Foreign {
  const { type } = frame
  if (type === 'REQ') return foreign`REQ ${frame.sub} ${JSON.stringify(frame.filter)}`
  // The relay's words are in quotes, which a `Foreign` text cannot end.
  const words = 'text' in frame && !isBlank(frame.text) ? foreign` "${frame.text}"` : foreign``
  if (type === 'OK') return foreign`OK ${frame.id.slice(0, 8)} ${frame.reason}${words}`
  return foreign`${type}${'sub' in frame ? ` ${frame.sub}` : ''}${words}`
}
