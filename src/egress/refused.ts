import type { ErrorClass } from '../domain/delivery/outcome.ts'

/** The guard's message for all names that it rejects, whether they do not exist or resolve into a private network. */
export const noPublicAddress = 'DNS: the host has no public address'

interface Words {
  errorClass: ErrorClass
  /** Shown for an attempt, in the delivery log. */
  attempt: string
  /** Shown for a field, when a tenant configures it. */
  field: string
}

/** Why a connection is refused. Tenants read these texts, so they name what was refused and reveal nothing about the network. */
const refusals = {
  host: {
    errorClass: 'blocked',
    attempt: 'the host of the destination’s URL cannot be resolved',
    field: 'has a host that cannot be resolved',
  },
  address: {
    errorClass: 'blocked',
    attempt: 'the destination’s address is not public, and this installation does not allow it',
    field: 'is not a public address, and this installation does not allow it',
  },
  port: {
    errorClass: 'blocked',
    attempt: 'this installation does not allow the destination’s port',
    field: 'has a port that this installation does not allow',
  },
  slack: {
    errorClass: 'blocked',
    attempt: 'the destination’s host is not a Slack host, and this installation does not allow it',
    field: 'has no Slack host such as hooks.slack.com, and this installation does not allow it',
  },
  name: { errorClass: 'dns', attempt: noPublicAddress, field: 'has no public address' },
} as const satisfies Record<string, Words>

export type Refusal = keyof typeof refusals

export class EgressRefused extends Error {
  readonly errorClass: ErrorClass
  constructor(readonly refusal: Refusal) {
    super(refusals[refusal].attempt)
    this.errorClass = refusals[refusal].errorClass
  }
}

export function wordsForField(refusal: Refusal): string {
  return refusals[refusal].field
}
