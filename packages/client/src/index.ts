import type { components } from './generated/schema.ts'

export { ApiError, ConnectionError, SignatureError, SwitchyardError } from './errors.ts'
export type { ErrorCode, SignatureProblem } from './errors.ts'
export type { Page, Pages } from './pages.ts'
export { Switchyard } from './switchyard.ts'
export type { RequestOptions, SwitchyardOptions } from './transport.ts'
export type { WebhookRequest } from './verify/request.ts'
export { verify } from './verify/verify.ts'
export type { VerifiedWebhook, VerifyOptions, WireFormat } from './verify/verify.ts'

/** The API's types by their names in openapi.json, such as `Schemas['NewEvent']`. */
export type Schemas = components['schemas']
