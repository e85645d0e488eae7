// What an owner's webhook or program may reply to a question: "a JSON document `{"answer": "…"}` and nothing else".
import { isRecord, ownValue, parseJson, text, where } from '../../json.ts'
import type { Foreign } from '../../sanitize.ts'

/** What came of telling the owner through one channel. `error` is absent where the owner was told; `answer`: what was replied at once. */
export type OwnerReply = { error?: Foreign; answer?: string }

/** The answer in a reply; undefined for any other reply, even one that holds more than the answer. */
export function parseAnswer(reply: string): string | undefined {
  const value = parseJson(reply)
  if (!isRecord(value) || Object.keys(value).length !== 1) return undefined
  return where(text, (answer) => answer.trim() !== '')(ownValue(value, 'answer'))
}
