import { IncomingWebhook } from '@slack/webhook'
import { z } from 'zod'
import { definedOnly } from '../../domain/defined-only.ts'
import type { Outcome } from '../../domain/delivery/outcome.ts'
import { headersForLog } from '../../domain/redaction/redaction.ts'
import { defineChannel } from '../channel.ts'
import { classifyHttp, post, type Answer } from '../../egress/http.ts'
import { blocksProblem } from './blocks.ts'
import { mrkdwnEscaping } from './escaping.ts'
import { composeSlackMessage } from './message.ts'
import { httpUrl, urlProblems } from '../../egress/url.ts'

/** Sends a Block Kit message to a Slack channel through its incoming webhook. */
export const slack = defineChannel({
  name: 'slack',
  config: z.strictObject({ webhookUrl: httpUrl }),
  secrets: ['webhookUrl'],
  hosts: { allowed: ['hooks.slack.com', 'hooks.slack-gov.com'], owner: 'Slack', example: 'hooks.slack.com' },
  // An incoming webhook accepts one message a second. Source: Slack, "Rate limits".
  maxPerSecond: 1,
  check: ({ webhookUrl }, where) => urlProblems('webhookUrl', webhookUrl, where),
  template: {
    text: {
      kind: 'text',
      escaping: mrkdwnEscaping,
      description: 'mrkdwn: the message, or its notification text if there are blocks.',
    },
    blocks: {
      kind: 'json',
      escaping: mrkdwnEscaping,
      description: 'A JSON array of at most 50 Block Kit blocks.',
      problem: blocksProblem,
    },
  },
  compose: composeSlackMessage,

  async send({ content = {}, timeoutMs, ...message }, { egress }) {
    const { event, destination } = message
    let answer: Answer = { kind: 'unreachable', error: 'no request was made', errorClass: 'internal' }
    let headers: Record<string, string> | undefined
    // Slack's client builds the request. Our guarded `post` sends it, and keeps the response that the client's error drops.
    const client = new IncomingWebhook(destination.config.webhookUrl, {
      retryConfig: { retries: 0 },
      fetch: async (url, init) => {
        headers = { Accept: '*/*', ...init?.headers }
        answer = await post({
          url: String(url),
          headers,
          body: typeof init?.body === 'string' ? init.body : '',
          timeoutMs,
          environment: event.environment,
          egress,
        })
        if (answer.kind === 'unreachable') throw new Error(answer.error)
        return new Response(answer.excerpt, { status: answer.status })
      },
    })
    await client.send(composeSlackMessage(message, content)).catch(() => undefined)
    return definedOnly({ ...classifySlack(answer), requestHeaders: headers && headersForLog(headers) })
  },
})

/** 400 is about the message (`invalid_blocks`, `no_text`, …); problems of the webhook have other statuses. */
const refusedContent = { refusedContent: true } as const

/** Slack answers `ok` to each message it accepts. A proxy's page, or a JSON error with status 200, is not a delivery. */
const notSlackOk = {
  kind: 'failed',
  errorClass: 'protocol',
  error: 'the response is not Slack’s “ok”, so the message may not have been posted',
} as const

/**
 * Slack answers permanent errors with 4xx and a word (`no_service`, `channel_is_archived`, `invalid_payload`, …); only 408 and 429
 * are temporary. Source: Slack, "Handling errors" of incoming webhooks.
 */
function classifySlack(answer: Answer): Outcome {
  const outcome = classifyHttp(answer)
  if (outcome.kind === 'delivered' && outcome.responseExcerpt?.trim() !== 'ok')
    return { ...outcome, ...notSlackOk }
  if (outcome.kind !== 'failed' || answer.kind !== 'answered') return outcome
  const { status, excerpt } = answer
  if (status < 400 || status >= 500 || status === 408 || status === 429) return outcome
  const word = /^[a-z_]{1,60}$/.test(excerpt) ? `: ${excerpt}` : ''
  const seen = { responseCode: status, responseExcerpt: excerpt, ...(status === 400 && refusedContent) }
  return { kind: 'rejected', error: `HTTP ${status}${word}`, errorClass: 'http', ...seen }
}
