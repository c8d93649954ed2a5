import type { Event } from '../../domain/event.ts'

/** Erases one event's data wherever it is stored. */
export const eraseEventType = 'eraseEvent'

export interface EraseEventInput extends Pick<Event, 'tenantId' | 'environment'> {
  eventId: string
  erasureId: string
  /** When the erasure was requested (ISO 8601, UTC). */
  at: string
}

/** An event's id never contains `/`, so no event's workflow has this id. */
export function eraseWorkflowId({
  tenantId,
  environment,
  erasureId,
}: Pick<EraseEventInput, 'tenantId' | 'environment' | 'erasureId'>): string {
  return [tenantId, environment, 'erase', erasureId].join('/')
}

/** What was erased: runs of the event and of digests that contained it, digests, lines of the archive. */
export interface ErasureCounts {
  runs: number
  digests: number
  archivedLines: number
}

/** Deletes a tenant and all its data. */
export const deleteTenantType = 'deleteTenant'

export interface DeleteTenantInput {
  tenantId: string
  deletionId: string
}

export function deleteTenantWorkflowId(tenantId: string): string {
  return `${tenantId}/delete`
}

/** What was deleted: workflow executions, files of the archive, and rows that do not reference the tenant's row. */
export interface DeletionCounts {
  executions: number
  archivedFiles: number
  rows: number
}
