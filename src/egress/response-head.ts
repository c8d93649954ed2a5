/** Header fields by their names in lower case. */
export type HeaderFields = Record<string, string>

/** The maximum size of a response's head. curl allows 300 KiB, Go 1 MiB; a larger head is an error. */
export const maxHeadBytes = 64 * 1024

/** Enough for the head and whatever of the body the log keeps. */
const maxBytes = maxHeadBytes + 16 * 1024

/** A whole interim response (1xx), which precedes the answer. 101 is final: no request of ours asks to switch protocols. */
const interimResponse = /(?:\r?\n)*HTTP\/1\.\d 1(?!01)\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n/y

const statusLine = /(?:\r?\n)*HTTP\/1\.\d (\d{3})(?: [^\n]*)?\r?\n/y

/**
 * Reads a response beside Node's parser, from the raw bytes. The parser reports nothing of a response that it rejects at its last
 * header, although the status line already says whether the receiver accepted the request.
 */
export class ResponseHead {
  /** The status of the final response, as soon as its status line has arrived. */
  status: number | undefined
  /** True if nothing has arrived. */
  isSilent = true
  /** The final response from its status line on, one character per byte. */
  #text = ''
  #isUnambiguous = true

  push(chunk: Buffer): void {
    this.isSilent = false
    if (this.#text.length > maxBytes) this.#isUnambiguous = false
    else this.#text += chunk.toString('latin1')
    if (this.status === undefined) this.#readStatusLine()
  }

  #readStatusLine(): void {
    let start = 0
    for (;;) {
      interimResponse.lastIndex = start
      if (!interimResponse.test(this.#text)) break
      start = interimResponse.lastIndex
    }
    if (start > 0) {
      if (/(?<!\r)\n/.test(this.#text.slice(0, start))) this.#isUnambiguous = false
      this.#text = this.#text.slice(start)
    }
    statusLine.lastIndex = 0
    const code = statusLine.exec(this.#text)?.[1]
    const status = Number(code)
    if (code !== undefined && (status >= 200 || status === 101)) this.status = status
  }

  /** Read leniently: lines may end in LF or be folded, and of a repeated field the first counts. */
  get headers(): HeaderFields {
    const [, ...lines] = this.#head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)
    const fields = lines.map((line) => {
      const [, name = '', value = ''] = /^([^:]*):(.*)$/.exec(line) ?? []
      return [name.trim().toLowerCase(), value.trim()]
    })
    return Object.fromEntries(fields.reverse()) as HeaderFields
  }

  /** The bytes after the head, as they arrived. */
  get rest(): Buffer {
    return Buffer.from(this.#text.slice(this.#head.length).replace(/^\r?\n\r?\n/, ''), 'latin1')
  }

  /**
   * True if another request may follow on the same connection: only if every parser agrees where the response ends. A response
   * that was read leniently may have ended elsewhere for its sender (RFC 9112 §11).
   */
  get endsUnambiguously(): boolean {
    const head = this.#head
    const [start = '', ...lines] = head.split('\r\n')
    if (!this.#isUnambiguous || !this.#text.startsWith(headEnd, head.length)) return false
    if (start.includes('\n') || !lines.every((line) => headerLine.test(line))) return false
    const lengths = lines.filter((line) => /^content-length:/i.test(line))
    const codings = lines.filter((line) => /^transfer-encoding:/i.test(line))
    if (lengths.length + codings.length > 1) return false
    return codings.length === 0 || isChunked(this.#text.slice(head.length + headEnd.length))
  }

  get #head(): string {
    const end = this.#text.search(/\r?\n\r?\n/)
    return end < 0 ? this.#text : this.#text.slice(0, end)
  }
}

const headEnd = '\r\n\r\n'

/** RFC 9110 §5.1 and §5.5. */
const headerLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\0-\x08\n-\x1f\x7f]*$/

/** True if a body consists strictly of chunks as in RFC 9112 §7.1, without trailers. */
function isChunked(body: string): boolean {
  const chunkHead = /([0-9a-f]{1,8})(?:;[^\r\n]*)?\r\n/iy
  for (let at = 0; ;) {
    chunkHead.lastIndex = at
    const size = parseInt(chunkHead.exec(body)?.[1] ?? '', 16)
    if (Number.isNaN(size)) return false
    at = chunkHead.lastIndex + size
    if (body.slice(at, at + 2) !== '\r\n') return false
    at += 2
    if (size === 0) return at === body.length
  }
}
