/**
 * Parses without `URL.canParse`: once Node 20 has optimised that, it takes Latin-1 letters for broken UTF-8 and rejects
 * `https://bücher.example`.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
