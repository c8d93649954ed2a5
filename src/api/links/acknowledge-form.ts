import { z } from 'zod'
import { definedOnly } from '../../domain/defined-only.ts'
import type { AcknowledgeRef } from '../../domain/crypto/acknowledge-link.ts'
import type { Acknowledgement } from '../../domain/delivery/timeline.ts'
import type { EventMemo } from '../../workflows/contract/lists.ts'
import {
  acknowledge,
  toAcknowledgement,
  findEnd,
  isUnacknowledged,
  lastLateUntil,
  readRuns,
  type EventRun,
  type EventRuns,
} from '../events/acknowledge.ts'
import type { AppDeps } from '../deps.ts'
import { fieldMessage } from '../fields/messages.ts'
import { formatTime, type AcknowledgeView, type FormField, type ShownEvent } from '../pages/acknowledge.ts'
import { nameText, noteText } from '../fields/text.ts'

/** Returns the state of the event that a link refers to. */
export async function readView(deps: AppDeps, ref: AcknowledgeRef): Promise<AcknowledgeView> {
  return toView(await readRuns(deps, ref, ref.eventId), ref)
}

function toView(runs: EventRuns, ref: AcknowledgeRef): AcknowledgeView {
  const event = showEvent(runs, ref)
  const known = toAcknowledgement(runs)
  const acknowledgement = known && show(known)
  const open = runs.filter(isUnacknowledged)
  const hasEnded = open.every(({ execution }) => execution.status.name !== 'RUNNING')
  const until = hasEnded ? lastLateUntil(open) : undefined
  if (open.length > 0)
    return {
      state: 'open',
      event,
      waits: open.flatMap(listWaits),
      lateUntil: until && formatTime(until),
      earlier: acknowledgement,
    }
  if (acknowledgement) return { state: 'acknowledged', event, acknowledgement }
  const end = findEnd(runs)
  return { state: 'ended', event, endedAt: end && formatTime(end) }
}

function showEvent([{ execution }]: EventRuns, { eventId: id, environment }: AcknowledgeRef): ShownEvent {
  const { eventType: type, createdAt, test = false } = execution.memo as unknown as EventMemo
  return { id, type, environment, test, acceptedAt: formatTime(createdAt) }
}

/** Lists the rules that wait for an acknowledgement. The first part of a step's path is its rule's id. */
function listWaits({ timeline: { steps = [], routing } }: EventRun) {
  return steps
    .filter(({ kind, status }) => kind === 'awaitAck' && status === 'waiting')
    .flatMap(({ path: stepPath, until }) => {
      const rule = routing.find(
        (decision) => 'ruleId' in decision && stepPath.startsWith(`${decision.ruleId}/`),
      )
      return rule && 'name' in rule ? { rule: rule.name, until: until ? formatTime(until) : undefined } : []
    })
}

function show({ by, at }: Acknowledgement) {
  return { by, at: formatTime(at) }
}

/** Treats an empty field as absent. */
function filledIn(text: z.ZodType<string>) {
  return z.preprocess(
    (value) => (typeof value === 'string' && value.trim() === '' ? undefined : value),
    text.optional(),
  )
}

/** `acknowledge` is the value of the button. A POST without it did not come from our form and changes nothing. */
const form = z.object({
  acknowledge: z.literal('yes'),
  name: filledIn(nameText),
  note: filledIn(noteText),
})

/** Acknowledges the event with the submitted values, or shows the form again with their problems. */
export async function submit(
  deps: AppDeps,
  ref: AcknowledgeRef,
  body: unknown,
  address: string | undefined,
): Promise<AcknowledgeView> {
  const parsed = form.safeParse(body, { error: fieldMessage })
  if (!parsed.success) return showAgain(await readView(deps, ref), body, parsed.error)
  const { name, note } = parsed.data
  const by = name ?? `the link sent to ${await nameOfDestination(deps, ref)}`
  const { eventId, destinationId } = ref
  const given = definedOnly({ by, via: 'link' as const, note, destinationId })
  const { runs, acknowledgement, first } = await acknowledge(deps, ref, eventId, given, address)
  if (!acknowledgement) return toView(runs, ref)
  const event = showEvent(runs, ref)
  if (first === undefined) return { state: 'sent', event }
  return { state: 'acknowledged', event, acknowledgement: show(acknowledgement), first }
}

async function nameOfDestination(
  { db }: AppDeps,
  { tenantId, environment, destinationId: id }: AcknowledgeRef,
) {
  const row = await db.destination.findFirst({ where: { tenantId, environment, id }, select: { name: true } })
  return row?.name ?? id
}

const texts = z
  .object({ name: z.string().catch(''), note: z.string().catch('') })
  .catch({ name: '', note: '' })

function showAgain(view: AcknowledgeView, body: unknown, { issues }: z.ZodError): AcknowledgeView {
  if (view.state !== 'open') return view
  const problemOf = (field: FormField) => {
    const issue = issues.find(({ path: [first] }) => first === field)
    return issue && { [field]: issue.message }
  }
  return { ...view, given: texts.parse(body), problems: { ...problemOf('name'), ...problemOf('note') } }
}
