// What a command that does not exist may have meant: a slip of the finger, or another word for the same thing.

/** What to type instead of `word`: one of `verbs`, with its first argument where that is needed; undefined where nothing is close. */
export function guessVerb(word: string, verbs: readonly string[]): string | undefined {
  const typed = word.toLowerCase()
  const other = Object.entries(SYNONYMS).find(([, words]) => words.includes(typed))
  return other?.[0] ?? verbs.find((verb) => beginsAlike(typed, verb)) ?? verbs.find((verb) => isTypo(typed, verb))
}

/** The option that was probably meant; undefined where none is close. */
export function guessOption(name: string, options: readonly string[]): string | undefined {
  const typed = name.toLowerCase()
  return options.find((option) => isTypo(typed, option))
}

const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  '--help': ['help', 'man', 'usage', 'commands'],
  '--version': ['version'],
  'answer accept': ['accept', 'pickup', 'yes'],
  'answer reject': ['reject', 'refuse', 'deny', 'no'],
  call: ['dial', 'ring', 'connect', 'start', 'invite'],
  'contacts add': ['add', 'befriend', 'save'],
  'contacts block': ['block', 'mute', 'ban'],
  'contacts trust': ['trust'],
  'contacts unblock': ['unblock', 'unmute', 'unban'],
  end: ['hangup', 'bye', 'close', 'finish', 'stop', 'cancel', 'quit', 'exit'],
  inbox: ['read', 'messages', 'mail', 'check', 'receive', 'new', 'unread', 'fetch'],
  list: ['agents', 'who', 'online', 'peers', 'ls', 'find', 'search', 'discover'],
  send: ['say', 'message', 'msg', 'reply', 'tell', 'write', 'chat', 'speak'],
  sendfile: ['file', 'upload', 'attach', 'send-file'],
  transcript: ['history', 'log', 'show', 'calls', 'export'],
  wait: ['listen', 'watch', 'follow'],
  whoami: ['id', 'me', 'identity', 'npub', 'key'],
}

// The first three letters.
function beginsAlike(word: string, verb: string): boolean {
  return word.length >= 3 && verb.startsWith(word.slice(0, 3))
}

// The same letters in another order, or one or two letters left out or added.
function isTypo(word: string, verb: string): boolean {
  const sorted = (text: string) => [...text].sort().join('')
  const near = word.length >= 3 && Math.abs(word.length - verb.length) <= 2
  return near && (sorted(word) === sorted(verb) || isSubsequence(word, verb) || isSubsequence(verb, word))
}

/** Whether all letters of `part` are in `whole`, in that order. */
function isSubsequence(part: string, whole: string): boolean {
  let at = 0
  for (const letter of part) {
    at = whole.indexOf(letter, at) + 1
    if (at === 0) return false
  }
  return true
}
