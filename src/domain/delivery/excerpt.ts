import { maxExcerptBytes } from './outcome.ts'

/** Cuts a receiver's answer so that it and the note behind it have at most `maxExcerptBytes` of UTF-8 together. */
export function excerptWithNote(answer: string, note = ''): string {
  const room = Math.max(0, maxExcerptBytes - Buffer.byteLength(note))
  return Buffer.from(answer).subarray(0, room).toString() + note
}
