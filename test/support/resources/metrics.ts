import { eventually } from '../stack.ts'

/** One line of an exposition: `name{label="value",…} value`. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Parses Prometheus's text format, and throws at a line that is not valid. */
function parseExposition(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    if (line === '' || /^# (HELP|TYPE) [a-z_]\w* ./.test(line)) return []
    const [, name, labels = '', value = ''] = sampleLine.exec(line) ?? []
    if (name === undefined) throw new Error(`not a line of an exposition: ${line}`)
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text])
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: toNumber(value) }]
  })
}

const sampleLine =
  /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*)\})? ([-+]?Inf|NaN|[-+0-9.e]+)$/

function toNumber(text: string): number {
  return Number(text.replace('Inf', 'Infinity'))
}

/** The values of one metric, by its labels as `a=1,b=2`. Series that are 0 are left out. */
export function valuesOf(samples: readonly Sample[], metric: string): Record<string, number> {
  const series = samples.filter(({ name, value }) => name === metric && value !== 0)
  return Object.fromEntries(series.map(({ labels, value }) => [labelText(labels), value]))
}

function labelText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',')
}

export async function scrape(port: number): Promise<{ text: string; samples: Sample[] }> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`)
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`)
  return { text, samples: parseExposition(text) }
}

/** Scrapes until the metric has these values: a request is counted when its response has been sent. */
export function scrapeUntil(port: number, metric: string, values: Record<string, number>) {
  return eventually(
    async () => valuesOf((await scrape(port)).samples, metric),
    (seen) => Object.entries(values).every(([labels, value]) => (seen[labels] ?? 0) >= value),
  )
}
