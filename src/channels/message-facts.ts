import { readDigest } from '../domain/digest.ts'
import type { Composition } from '../templates/composition.ts'
import { digestReason } from '../templates/digest.ts'

export interface Fact {
  path: string
  value: string
}

/** The tenant, the rule and the environment, for the end of a default message. */
export function origin({ event, tenant, rule }: Composition): Fact[] {
  return [
    ...(tenant === undefined ? [] : [{ path: 'Tenant', value: tenant }]),
    ...(rule === undefined ? [] : [{ path: 'Rule', value: rule }]),
    { path: 'Environment', value: event.environment },
  ]
}

/** The reason for a message, as a sentence; empty if the title already says it. */
export function reasonSentence({ event, reason = '' }: Composition): string {
  const digest = readDigest(event)
  if (digest && reason === digestReason(digest)) return ''
  return reason.charAt(0).toUpperCase() + reason.slice(1)
}

/** `2026-11-21 11:43 UTC` */
export function minute(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
