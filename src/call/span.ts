// What commands print is made of spans: parts of a line, each with a role that only we give it. A terminal has a look for
// every role; a pipe gets the texts one after the other.
// The attack: words that a peer chose and that look like facts of ours. They are `Foreign`, which is the text of one kind of
// span alone, and nothing looks into a text for what it might be.
import type { Foreign } from '../sanitize.ts'

/** What a part of a line is, for whoever reads it. `hint`: what stands aside; `over`: a state from which nothing follows. */
export type Role = 'heading' | 'agent' | 'good' | 'warning' | 'fault' | 'over' | 'hint' | 'command'

/** Whose words stand on a line; `repeat`: the owner's, perhaps sent again by somebody else. */
export type Voice = 'peer' | 'me' | 'owner' | 'repeat'

/** `time`: `at` in unix seconds; `mark`: what stands in front of a line of somebody's words; `words`: the rest of that line. */
export type Span =
  | { role: Role; text: string }
  | { role: 'time'; text: string; at: number }
  | { role: 'mark'; text: string; speaker: Voice }
  | { role: 'words'; text: Foreign }

/** A line without its break. A text without a role is one of ours with nothing to stand out. */
export type PrintedLine = string | readonly (string | Span)[]

/** A part of a line that is more than text. */
export function span(role: Role, text: string): Span {
  return { role, text }
}

/** A command to type, in backticks. */
export function command(words: string): Span {
  return span('command', `\`${words}\``)
}

/** A line that stands aside: what to type next, where something lies, a remark. */
export function hintLine(text: string): PrintedLine {
  return [span('hint', text)]
}

/** Whether any of the lines holds words of that speaker. */
export function quotes(lines: readonly PrintedLine[], speaker: Voice): boolean {
  return lines.some((line) => {
    const first = line[0]
    return typeof first === 'object' && first.role === 'mark' && first.speaker === speaker
  })
}
