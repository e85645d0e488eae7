// What commands print is made of spans: parts of a line, each with a role that only we give it. A terminal has a look for
// every role; a pipe gets the texts one after the other.
// The attack: words that a peer chose look like facts of ours. They are `Foreign`, which only one kind of span can hold, and nothing
// guesses from a text what it is.
import type { Foreign } from '../sanitize.ts'

/** What a part of a line is to its reader. `hint`: a remark; `over`: a state that nothing follows from. */
export type Role = 'heading' | 'agent' | 'good' | 'warning' | 'fault' | 'over' | 'hint' | 'command'

/** Whose words are on a line; `repeat`: the owner's, perhaps sent again by somebody else. */
export type Voice = 'peer' | 'me' | 'owner' | 'repeat'

/** `time`: `at` in unix seconds; `mark`: what is in front of a line of somebody's words; `words`: the rest of that line. */
export type Span =
  | { role: Role; text: string }
  | { role: 'time'; text: string; at: number }
  | { role: 'mark'; text: string; speaker: Voice }
  | { role: 'words'; text: Foreign }

/** A line without its break. A plain string in it is text of ours that does not stand out. */
export type PrintedLine = string | readonly (string | Span)[]

/** A part of a line that has a role. */
export function span(role: Role, text: string): Span {
  return { role, text }
}

/** A command to type, in backticks. */
export function command(words: string): Span {
  return span('command', `\`${words}\``)
}

/** A line of advice: what to type next, where something lies, a remark. */
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
