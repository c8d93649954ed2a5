import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { percentile } from '../../../bench/support.ts'
import { figures, type Figure, type Sample } from './sampling.ts'

/** Draws the samples as an SVG, a panel per figure. */
export async function drawChart(samples: readonly Sample[], title: string): Promise<string> {
  const spec: TopLevelSpec = {
    background: 'white',
    title,
    data: { values: [...samples] },
    vconcat: Object.entries(figures).map(([figure, label]) => ({
      width: 640,
      height: 110,
      transform: [{ filter: { field: 'figure', equal: figure } }],
      mark: { type: 'line', strokeWidth: 1.2 },
      encoding: {
        x: { field: 'minute', type: 'quantitative', title: 'minutes' },
        y: { field: 'value', type: 'quantitative', title: label },
        color: { field: 'of', type: 'nominal', title: null },
      },
    })),
    resolve: { scale: { x: 'shared', color: 'independent' } },
  }
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()
}

/** Medians of the second and the last quarter. After the warm-up, they should be about the same. */
export function compareQuarters(
  samples: readonly Sample[],
): { figure: Figure; of: string; second: number; last: number }[] {
  const end = Math.max(...samples.map(({ minute }) => minute))
  const names = new Map(samples.map(({ figure, of }) => [`${figure} ${of}`, { figure, of }]))
  return [...names.values()].map(({ figure, of }) => {
    const own = samples.filter((sample) => sample.figure === figure && sample.of === of)
    const within = (from: number, to: number) => {
      const part = own.filter(({ minute }) => minute >= from * end && minute <= to * end)
      return percentile(
        part.map(({ value }) => value),
        0.5,
      )
    }
    return { figure, of, second: within(0.25, 0.5), last: within(0.75, 1) }
  })
}
