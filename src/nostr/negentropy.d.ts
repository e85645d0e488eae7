// What src/nostr/nip77.ts uses of nostr-tools' module for NIP-77, which the package holds but leaves out of its exports.
declare module '*/nostr-tools/lib/esm/nip77.js' {
  export class Negentropy {
    /** @param frameSizeLimit most bytes of one message */
    constructor(storage: import('./nip77.ts').Holdings, frameSizeLimit: number)
    initiate(): string
    /** Null when there is nothing left to say. Throws on a message that makes no sense. */
    reconcile(message: string, onhave?: (id: string) => void, onneed?: (id: string) => void): string | null
  }
}
