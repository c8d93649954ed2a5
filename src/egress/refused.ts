import type { ErrorClass } from '../domain/delivery/outcome.ts'
import type { ServiceHosts } from './rules.ts'

/** The guard's message for all names that it rejects, whether they do not exist or resolve into a private network. */
export const noPublicAddress = 'DNS: the host has no public address'

/** Why nothing is sent to a host. Tenants read these texts: they say what was refused, and nothing about what is there. */
export interface Refusal {
  /** For the operator's log. */
  name: string
  errorClass: ErrorClass
  /** Shown for an attempt, in the delivery log. */
  attempt: string
  /** Shown for a field, when a tenant configures it. */
  field: string
}

export const refusals = {
  host: {
    name: 'host',
    errorClass: 'blocked',
    attempt: 'the host of the destination’s URL cannot be resolved',
    field: 'has a host that cannot be resolved',
  },
  address: {
    name: 'address',
    errorClass: 'blocked',
    attempt: 'the destination’s address is not public, and this installation does not allow it',
    field: 'is not a public address, which this installation does not allow',
  },
  port: {
    name: 'port',
    errorClass: 'blocked',
    attempt: 'this installation does not allow the destination’s port',
    field: 'has a port that this installation does not allow',
  },
  name: { name: 'name', errorClass: 'dns', attempt: noPublicAddress, field: 'has no public address' },
} as const satisfies Record<string, Refusal>

/** The host is not one of the hosts that the channel's messages may go to. */
export function outsideHosts({ name, owner, example }: ServiceHosts): Refusal {
  return {
    name,
    errorClass: 'blocked',
    attempt: `the destination’s host is not a ${owner} host, and this installation does not allow it`,
    field: `has no ${owner} host such as ${example}, and this installation does not allow it`,
  }
}

export class EgressRefused extends Error {
  readonly errorClass: ErrorClass
  constructor(readonly refusal: Refusal) {
    super(refusal.attempt)
    this.errorClass = refusal.errorClass
  }
}
