import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Where the demo writes to. */
export interface Screen {
  line: (text?: string) => void
  /** What is being waited for. The next one replaces it; an empty text takes it away. */
  status: (text: string) => void
  /** The text in this style, where the screen has colours. */
  paint: (style: Style, text: string) => string
}

/** Colours and a status that replaces itself on a terminal; plain lines in a file or a pipe. */
export function openScreen(stdout: NodeJS.WriteStream, noColor: string | undefined): Screen {
  const terminal = stdout.isTTY
  const colours = terminal && !noColor
  let shown = ''

  function status(text: string): void {
    const fitted = text.slice(0, (stdout.columns || 80) - 1)
    if (!terminal || fitted === shown) return
    stdout.write(`\r\x1b[2K${fitted}`)
    shown = fitted
  }

  return {
    status,
    line(text = '') {
      status('')
      stdout.write(`${text}\n`)
    },
    paint: (style, text) => (colours ? styleText(style, text) : text),
  }
}
