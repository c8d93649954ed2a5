import type { ErrorClass } from '../domain/delivery/outcome.ts'
import type { ServiceHosts } from './rules.ts'

/** What the guard says of a name, whatever the reason: that there is no such name, or that it leads into a network. */
export const noPublicAddress = 'DNS: the host has no public address'

/** Why nothing is sent to a host. Tenants read these texts: they say what was refused, and nothing about what is there. */
export interface Refusal {
  /** For the operator's log. */
  name: string
  errorClass: ErrorClass
  /** Of an attempt, in the delivery log. */
  attempt: string
  /** Of a field, when a tenant configures it. */
  field: string
}

export const refusals = {
  host: {
    name: 'host',
    errorClass: 'blocked',
    attempt: 'the destination’s URL does not name a host that can be looked up',
    field: 'does not name a host that can be looked up',
  },
  address: {
    name: 'address',
    errorClass: 'blocked',
    attempt: 'the destination’s address is not a public one, and this installation does not allow it',
    field: 'is not a public address, and this installation does not allow it',
  },
  port: {
    name: 'port',
    errorClass: 'blocked',
    attempt: 'the destination’s port is not one that this installation allows',
    field: 'names a port that this installation does not allow',
  },
  name: { name: 'name', errorClass: 'dns', attempt: noPublicAddress, field: 'has no public address' },
} as const satisfies Record<string, Refusal>

/** The host is not one of the hosts that the channel's messages may go to. */
export function outsideHosts({ name, owner, example }: ServiceHosts): Refusal {
  return {
    name,
    errorClass: 'blocked',
    attempt: `the destination’s host is not ${owner}’s, and this installation does not allow it`,
    field: `is not at a host of ${owner}’s such as ${example}, and this installation does not allow it`,
  }
}

export class EgressRefused extends Error {
  readonly errorClass: ErrorClass
  constructor(readonly refusal: Refusal) {
    super(refusal.attempt)
    this.errorClass = refusal.errorClass
  }
}
