// What an owner's webhook or program has to say to a question: "a JSON document `{"answer": "…"}` and nothing else".
import { isRecord, ownValue, parseJson, text, where } from '../../json.ts'
import type { Foreign } from '../../sanitize.ts'

/** What came of telling the owner through one channel: `error` is absent where it was told; `answer`: what it has said at once. */
export type OwnerReply = { error?: Foreign; answer?: string }

/** The answer that a reply is; undefined for anything else, as for one that says more than that. */
export function parseAnswer(reply: string): string | undefined {
  const value = parseJson(reply)
  if (!isRecord(value) || Object.keys(value).length !== 1) return undefined
  return where(text, (answer) => answer.trim() !== '')(ownValue(value, 'answer'))
}
