import { Gauge } from 'prom-client'
import type { Exposition } from './exposition.ts'

/** The tasks of a queue that wait for a worker. */
export interface QueueBacklog {
  queue: string
  kind: 'workflow' | 'activity'
  tasks: number
  ageSeconds: number
}

/** Reports the backlog of Temporal's task queues. It is the same in every process. */
export function exportBacklog(
  { registry, onScrape }: Pick<Exposition, 'registry' | 'onScrape'>,
  read: () => Promise<QueueBacklog[]>,
): void {
  const labelNames = ['queue', 'kind'] as const
  const registers = [registry]
  const tasks = new Gauge({
    name: 'switchyard_backlog_tasks',
    help: 'Tasks that wait in Temporal for a worker, approximately.',
    labelNames,
    registers,
  })
  const age = new Gauge({
    name: 'switchyard_backlog_age_seconds',
    help: 'How long the oldest of them has waited, approximately.',
    labelNames,
    registers,
  })
  onScrape(async () => {
    // While Temporal does not answer, no value is better than an old one.
    tasks.reset()
    age.reset()
    for (const { queue, kind, ...backlog } of await read()) {
      tasks.set({ queue, kind }, backlog.tasks)
      age.set({ queue, kind }, backlog.ageSeconds)
    }
  })
}
