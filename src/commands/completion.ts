// `completion`: scripts with which a shell completes words. They know nothing of the verbs: they ask this program for every word.
import { P2P } from '../command-name.ts'
import { Failure } from '../errors.ts'
import { optionalText } from './args.ts'
import type { Args, Verb } from './command.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export const completion: Verb = {
  usage: 'completion <shell> [words..]',
  describe: 'Shell completion: a script for bash, zsh or fish',
  examples: [`eval "$(${P2P} completion bash)"`, `eval "$(${P2P} completion zsh)"`, `${P2P} completion fish | source`],
  positionals: {
    shell: { type: 'string', choices: SHELLS, describe: 'whose script' },
    words: { type: 'string', array: true, describe: 'used by the scripts: what is typed so far' },
  },
}

/** The script of a shell, or `words` for what a script asks. Throws USAGE. */
export function completionRequest(args: Args): { script: string } | { words: string[] } {
  const shell = optionalText(args, 'shell')
  if (shell === 'words') return { words: Array.isArray(args.words) ? args.words.map(String) : [] }
  const known = SHELLS.find((name) => name === shell)
  if (known !== undefined) return { script: SCRIPTS[known] }
  const hint = `\`${P2P} completion ${SHELLS.find((name) => name.startsWith(shell.slice(0, 1))) ?? 'bash'}\``
  throw new Failure('USAGE', `there is no completion for "${shell}": ${SHELLS.join(', ')}`, hint)
}

// They ask with the words after `p2p`, up to the one that is being typed. They get one candidate per line, with what it is after a tab; or
// a single line with "*", where file names are wanted.
const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `# bash completion for p2p
_p2p() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      '*') compopt -o default 2>/dev/null ;;
      *) COMPREPLY+=("$(printf %q "\${line%%$'\\t'*}")") ;;
    esac
  done < <("$1" completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _p2p p2p`,

  zsh: `#compdef p2p
_p2p() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ $line == '*' ]]; then
      _files
      return
    fi
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe p2p found
}
if [[ "\${funcstack[1]}" == _p2p ]]; then _p2p "$@"; else compdef _p2p p2p; fi`,

  fish: `# fish completion for p2p
function __p2p_words
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  set -l program $typed[1]
  set -e typed[1]
  for line in ($program completion words -- $typed "$current" 2>/dev/null)
    if test "$line" = '*'
      __fish_complete_path "$current"
    else
      printf '%s\\n' $line
    end
  end
end
complete -c p2p -f -a '(__p2p_words)'`,
}
