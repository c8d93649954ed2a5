import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'

/** Every byte of the files of a folder, and what is in them compressed: as files lie on a disk that somebody took away. */
export function bytesOf(folder: string): Buffer {
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
  return Buffer.concat(files.flatMap((file) => [file, ...unzipped(file)]))
}

const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08])

function unzipped(file: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = file.indexOf(gzipMagic); at >= 0; at = file.indexOf(gzipMagic, at + 1)) {
    try {
      // A page may end before it does: what there is of it counts.
      found.push(gunzipSync(file.subarray(at, at + 65_536), { finishFlush: constants.Z_SYNC_FLUSH }))
    } catch {
      // Three bytes that look like a beginning.
    }
  }
  return found
}

/**
 * How a text stands in bytes: as it is, in UTF-16, in hexadecimal digits or in base64, whatever comes before it. A database cuts
 * what is long into pages, so that a text counts as found where either half of it is.
 */
export function findText(bytes: Buffer, text: string): string[] {
  const middle = Math.floor(text.length / 2)
  const halves = [text.slice(0, middle), text.slice(middle)]
  return Object.entries(forms)
    .filter(([, write]) => halves.some((half) => write(half).some((form) => bytes.includes(form))))
    .map(([name]) => name)
}

const forms: Record<string, (text: string) => (string | Buffer)[]> = {
  'as it is': (text) => [text],
  'in UTF-16': (text) => [Buffer.from(text, 'utf16le')],
  'in hexadecimal': (text) => [
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('hex').toUpperCase(),
  ],
  'in base64': (text) => [0, 1, 2].flatMap((offset) => base64At(text, offset)),
}

/** The digits that depend on the text alone. */
function base64At(text: string, offset: number): string[] {
  const bytes = Buffer.from('.'.repeat(offset) + text)
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3))
  const digits = whole.toString('base64').slice(offset === 0 ? 0 : 4)
  return [digits, digits.replaceAll('+', '-').replaceAll('/', '_')]
}
