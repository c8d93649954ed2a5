import type { Event } from '../../domain/event.ts'

/** Erases what one event held, wherever that is. */
export const eraseEventType = 'eraseEvent'

export interface EraseEventInput extends Pick<Event, 'tenantId' | 'environment'> {
  eventId: string
  erasureId: string
  /** When it was asked for (ISO 8601, UTC). */
  at: string
}

/** An event's own id is never two parts, so that no event has this one. */
export function eraseWorkflowId({
  tenantId,
  environment,
  erasureId,
}: Pick<EraseEventInput, 'tenantId' | 'environment' | 'erasureId'>): string {
  return [tenantId, environment, 'erase', erasureId].join('/')
}

/** What was erased: runs of the event and of digests that told of it, digests, lines of the archive. */
export interface ErasureCounts {
  runs: number
  digests: number
  archivedLines: number
}

/** Deletes a tenant with all it has. */
export const deleteTenantType = 'deleteTenant'

export interface DeleteTenantInput {
  tenantId: string
  deletionId: string
}

export function deleteTenantWorkflowId(tenantId: string): string {
  return `${tenantId}/delete`
}

/** What was deleted: executions, files of the archive, rows of what belongs to no row of the tenant. */
export interface DeletionCounts {
  executions: number
  archivedFiles: number
  rows: number
}
