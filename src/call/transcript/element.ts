// HTML that cannot be broken out of: a string is always text, and only what this file has built is markup.

export type Markup = { readonly markup: string }

export type Child = string | Markup | undefined

/** One element. Attribute values and strings are escaped; undefined children leave nothing. */
export function element(name: string, attributes: Readonly<Record<string, string>>, ...children: Child[]): Markup {
  const typed = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`)
  const open = `<${name}${typed.join('')}>`
  return { markup: VOID.includes(name) ? open : `${open}${inner(children)}</${name}>` }
}

/** The same with a class and no other attribute. */
export function part(name: string, className: string, ...children: Child[]): Markup {
  return element(name, { class: className }, ...children)
}

/** Content that HTML takes as it is: a style sheet of ours, never anybody's words. */
export function raw(markup: string): Markup {
  return { markup }
}

function inner(children: readonly Child[]): string {
  return children.map((child) => (typeof child === 'string' ? escaped(child) : (child?.markup ?? ''))).join('')
}

// Quotes too, for attributes; the backtick, because it starts a command of ours in text that is printed.
function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}

const VOID = ['meta', 'br']
