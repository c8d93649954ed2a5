import ms from 'ms'
import type { Event } from '../event.ts'
import type { PlannedDelivery } from '../routing/plan.ts'
import type { StepRecord } from '../rules/step-record.ts'
import type { Delivery, Timeline } from './timeline.ts'

/**
 * Texts about an event in Temporal's UI, for people who trace a delivery there. They contain nothing of a payload or a response:
 * reasons and error messages may quote both, so only statuses, counts, codes and times are shown.
 */

/** The name of a destination in Temporal's UI. Tests of a URL have no destination. */
export function displayName({
  destinationId,
  name,
}: Pick<PlannedDelivery, 'destinationId' | 'name'>): string {
  return name ?? destinationId
}

export const attemptSummary = (number: number, name: string) => `attempt ${number} → ${name}`

export function openingSummary(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  const more = names.length - 3
  return `${names.length === 1 ? 'first attempt' : 'first attempts'} → ${shown}${more > 0 ? ` and ${more} more` : ''}`
}

/** A wait as in "retry in 5 minutes → Case system". Temporal shows the exact time beside it. */
export function waitSummary(what: string, delayMs: number, name?: string): string {
  return `${what} in ${ms(Math.round(delayMs), { long: true })}${name === undefined ? '' : ` → ${name}`}`
}

export const runSummary = ({ type, environment, test }: Event, what: 'event' | 'replay') =>
  `${what === 'replay' ? 'replay of ' : ''}${test ? 'test of ' : ''}${type} (${environment})`

/** Markdown, of what does not change. */
export function runDetails({ id, type, tenantId, environment, createdAt }: Event): string {
  const facts = [
    ['Event', code(id)],
    ['Type', code(type)],
    ['Tenant', code(tenantId)],
    ['Environment', environment],
    ['Accepted', createdAt],
  ]
  return facts.map(([name, value]) => `- ${name}: ${value}`).join('\n')
}

/** The event's progress and next step as Markdown. `nameOfDestination` returns its destinations' names. */
export function currentDetails(
  timeline: Timeline,
  status: Timeline['status'],
  nameOfDestination: (destinationId: string) => string,
): string {
  const { deliveries, steps = [], acknowledgement } = timeline
  const parts = [`**${status}**${acknowledgement ? `, acknowledged at ${acknowledgement.at}` : ''}`]
  if (deliveries.length > 0)
    parts.push(
      table(
        deliveryColumns,
        deliveries.map((one) => deliveryRow(one, nameOfDestination)),
      ),
    )
  if (steps.length > 0) parts.push(table(stepColumns, steps.map(stepRow)))
  return parts.join('\n\n')
}

const deliveryColumns = ['Destination', 'Channel', 'Status', 'Attempts', 'Last attempt', 'Next attempt']
const stepColumns = ['Step', 'Kind', 'Status', 'Until']

function deliveryRow(
  { destinationId, channel, status, attempts, nextAttemptAt }: Delivery,
  nameOfDestination: (destinationId: string) => string,
): string[] {
  const last = attempts.at(-1)
  return [
    plainText(nameOfDestination(destinationId)),
    channel,
    status,
    String(attempts.length),
    last ? [last.outcome, last.errorClass, last.responseCode].filter(Boolean).join(' ') : '',
    nextAttemptAt ?? '',
  ]
}

function stepRow({ path, kind, status, until }: StepRecord): string[] {
  return [code(path), kind, status, until ?? '']
}

function table(columns: readonly string[], rows: readonly string[][]): string {
  return [columns, columns.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Ids and types have no backticks. */
const code = (text: string) => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|')}\``

/** Tenant-given names are shown as plain text, whatever characters they contain. */
function plainText(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]()<>#+\-.!|~&:@/]/g, '\\$&')
}
