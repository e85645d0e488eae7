// What goes to the owner's webhook, program and chat.

/** What the owner is told: `facts` for programs, `text` the same for a person. `id` stays the same when the owner is told again. */
export type OwnerNotice = { id: string; facts: object; text: string }
