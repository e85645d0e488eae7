// The calls there are: one each, the latest first, as many as fit.
import { ABOUT_PEERS, quoted, time } from '../../call/wording.ts'
import type { CallShape } from '../shapes.ts'
import { callLine } from '../words.ts'

export type FittingCalls = { calls: CallShape[]; left: number }

/** @param most characters that they may take as text; 0 for all */
export function fitCalls(calls: readonly CallShape[], most: number): FittingCalls {
  let room = most === 0 ? Infinity : most
  const past = calls.findIndex((call, i) => {
    room -= transcriptCallLines(call).reduce((sum, line) => sum + line.length + 1, 0)
    return room < 0 && i > 0
  })
  const kept = past === -1 ? [...calls] : calls.slice(0, past)
  return { calls: kept, left: calls.length - kept.length }
}

/** @param any whether there are calls at all */
export function listedCallLines({ calls, left }: FittingCalls, any: boolean): string[] {
  if (calls.length === 0)
    return [any ? 'no such calls; `p2p transcript` lists all' : 'no calls yet; `p2p list` shows whom you can call']
  return [
    ...calls.flatMap(transcriptCallLines),
    ...(calls.some((call) => call.direction === 'incoming') ? [ABOUT_PEERS] : []),
    ...(left === 0 ? [] : [`  ${left} more: \`${ALL_CALLS}\`, or narrow it with --with, --since, --until`]),
    '  next: `p2p transcript <id>`',
  ]
}

export const ALL_CALLS = 'p2p transcript --max-chars 0'

// What a call is about was written by who asked for it.
function transcriptCallLines(call: CallShape): string[] {
  return [
    `${time(call.createdAt)} ${callLine(call)}`,
    ...quoted(call.topic, call.direction === 'outgoing' ? 'me>' : 'peer>'),
  ]
}
