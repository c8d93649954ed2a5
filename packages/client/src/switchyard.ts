import { bindResource } from './bind-resource.ts'
import type { OperationId } from './operation-types.ts'
import { resources } from './resources.ts'
import { createTransport, type SwitchyardOptions, type Transport } from './transport.ts'

/** A base class, because its constructor runs before the fields of `Switchyard` are initialised. */
class Binder {
  readonly #send: Transport

  constructor(options: SwitchyardOptions) {
    this.#send = createTransport(options)
  }

  protected bind<Methods extends Record<string, OperationId>>(methods: Methods) {
    return bindResource(this.#send, methods)
  }
}

/** A client of Switchyard's API. Every method is one operation of openapi.json, which has its types. */
export class Switchyard extends Binder {
  readonly events = this.bind(resources.events)
  readonly deliveries = this.bind(resources.deliveries)
  readonly replays = this.bind(resources.replays)
  readonly destinations = this.bind(resources.destinations)
  readonly rules = this.bind(resources.rules)
  readonly templates = this.bind(resources.templates)
  readonly eventTypes = this.bind(resources.eventTypes)
  readonly configuration = this.bind(resources.configuration)
  readonly keys = this.bind(resources.keys)
  readonly apiSecret = this.bind(resources.apiSecret)
  readonly audit = this.bind(resources.audit)
  /** The resources from here to `platformAudit` need the platform key. */
  readonly tenants = this.bind(resources.tenants)
  readonly tenantKeys = this.bind(resources.tenantKeys)
  readonly tenantAudit = this.bind(resources.tenantAudit)
  readonly platformKeys = this.bind(resources.platformKeys)
  readonly platformAudit = this.bind(resources.platformAudit)
  /** The Webhooks API, one of the adopted contracts. */
  readonly webhooks = this.bind(resources.webhooks)
  /** Dataspike's history of webhooks. */
  readonly webhookHistory = this.bind(resources.webhookHistory)
  /** KYC-Webhooks' settings of a tenant. */
  readonly settings = this.bind(resources.settings)
}
