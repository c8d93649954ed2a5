import { z } from 'zod'
import type { Outcome } from '../../domain/delivery/outcome.ts'
import { headersForLog } from '../../domain/redaction/redaction.ts'
import { classifyHttp, post, type Answer } from '../../egress/http.ts'
import { httpUrl, urlProblems } from '../../egress/url.ts'
import { defineChannel } from '../channel.ts'
import { cardProblem, messageBody } from './card.ts'
import { markdownEscaping } from './escaping.ts'
import { composeTeamsMessage } from './message.ts'

const headers = { 'User-Agent': 'Switchyard/1.0', 'Content-Type': 'application/json', Accept: '*/*' }

/** Sends an Adaptive Card to a Microsoft Teams channel or chat through the webhook of a Workflows flow. */
export const teams = defineChannel({
  name: 'teams',
  config: z.strictObject({ webhookUrl: httpUrl }),
  secrets: ['webhookUrl'],
  // Power Automate creates webhooks at the first host, and created them at the second until 2025.
  hosts: {
    allowed: ['*.environment.api.powerplatform.com', '*.logic.azure.com'],
    owner: 'Power Automate',
    example: 'prod-00.westeurope.logic.azure.com',
  },
  // Teams throttles above four requests a second. Source: Microsoft, "Create incoming webhooks".
  maxPerSecond: 4,
  check: ({ webhookUrl }, where) => urlProblems('webhookUrl', webhookUrl, where),
  template: {
    text: {
      kind: 'text',
      escaping: markdownEscaping,
      description: 'Markdown: the whole message, or the fallback text for clients that cannot show the card.',
    },
    card: {
      kind: 'json',
      escaping: markdownEscaping,
      description: 'An Adaptive Card as JSON.',
      problem: cardProblem,
    },
  },
  compose: composeTeamsMessage,

  async send({ content = {}, timeoutMs, ...message }, { egress }) {
    const { event, destination } = message
    const { card } = composeTeamsMessage(message, content)
    const answer = await post({
      url: destination.config.webhookUrl,
      headers,
      body: messageBody(card),
      timeoutMs,
      environment: event.environment,
      egress,
    })
    return { ...classifyTeams(answer), requestHeaders: headersForLog(headers) }
  },
})

/**
 * Workflows answers 202 once the flow has accepted the message; only the flow's own run history shows whether it was posted. Among
 * 4xx, only 408, 429 and a flow that is turned off are temporary. Source: Microsoft, "Request and response connector" of Azure
 * Logic Apps.
 */
function classifyTeams(answer: Answer): Outcome {
  const outcome = classifyHttp(answer)
  if (answer.kind !== 'answered') return outcome
  const { status, excerpt } = answer
  if (outcome.kind === 'delivered' && status !== 202) return { ...outcome, ...notAccepted }
  if (outcome.kind !== 'failed' || status < 400 || status >= 500 || status === 408 || status === 429)
    return outcome
  const code = /"code"\s*:\s*"([A-Za-z]{1,60})"/.exec(excerpt)?.[1]
  const error = code === undefined ? `HTTP ${status}` : `HTTP ${status}: ${code}`
  if (code === turnedOff) return { ...outcome, error: `${error}: the flow is turned off or deleted` }
  const seen = { responseCode: status, responseExcerpt: excerpt }
  return { kind: 'rejected', error, errorClass: 'http', ...seen, ...(refusesContent(status) && refused) }
}

/** Temporary, because the flow can be turned on again. */
const turnedOff = 'WorkflowTriggerIsNotEnabled'

/** 400 and 413 are about the message; problems of the URL or the flow have other statuses. */
function refusesContent(status: number): boolean {
  return status === 400 || status === 413
}
const refused = { refusedContent: true } as const

/** A sign-in page or a proxy's page with status 200 is not a delivery. */
const notAccepted = {
  kind: 'failed',
  errorClass: 'protocol',
  error: 'the response is not 202, so the flow may not have accepted the message',
} as const
