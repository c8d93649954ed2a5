import supertest, { type Test } from 'supertest'
import { parse } from 'yaml'
import type { Applied } from '../../../src/api/configuration/apply/apply.ts'
import type { Stack } from '../stack.ts'

export interface Problem {
  path: string
  message: string
}

/** The configuration as a client with this key sees it, in YAML. */
export function configurationOf({ app }: Pick<Stack, 'app'>, key: string) {
  const at = '/api/v1/configuration'
  const post = (document: string | object, query = ''): Test => {
    const call = supertest(app).post(`${at}${query}`).auth(key, { type: 'bearer' })
    return typeof document === 'string'
      ? call.set('content-type', 'application/yaml').send(document)
      : call.send(document)
  }
  return {
    post,
    /** The text of an export. */
    async read(): Promise<string> {
      return (await supertest(app).get(at).auth(key, { type: 'bearer' }).expect(200)).text
    },
    async apply(document: string | object, query = ''): Promise<Applied> {
      return (await post(document, query).expect(200)).body as Applied
    },
    async refused(document: string | object, query = ''): Promise<Problem[]> {
      const { body } = await post(document, query).expect(422)
      return (body as { errors: Problem[] }).errors
    },
  }
}

/** `created rule High-risk AML match`, for all that is not unchanged. */
export function told({ changes }: Applied): string[] {
  return changes
    .filter(({ change }) => change !== 'unchanged')
    .map(({ change, kind, name }) => `${change} ${kind} ${name}`)
}

export function parsed(yaml: string): { destinations: object[]; templates: object[]; rules: object[] } {
  return parse(yaml) as { destinations: object[]; templates: object[]; rules: object[] }
}

export const slackUrl = 'https://hooks.slack.com/services/T0/B0/verysecretvalue'
export const otherSlackUrl = 'https://hooks.slack.com/services/T0/B0/anothersecretone'

/** A document with one thing of each kind that can be named. */
export const example = {
  switchyard: 1,
  destinations: [
    {
      name: 'Case system',
      channel: 'webhook',
      config: { url: 'https://cases.example.com/hook', headers: { 'X-Token': 'token-of-the-case-system' } },
      subscription: { eventTypes: ['aml.*'], filter: { 'data.riskLevel': 'high' } },
      delivery: { schedule: ['0s', '1m'], ordering: { by: 'data.customerId' } },
    },
    {
      name: 'Slack',
      channel: 'slack',
      config: { webhookUrl: slackUrl },
      subscription: { eventTypes: ['all'] },
    },
  ],
  templates: [{ name: 'AML', parts: { slack: { text: 'A match\nfor {{ data.customerId }}\n' } } }],
  rules: [
    {
      name: 'First',
      when: { events: ['aml.*'] },
      steps: [
        {
          deliver: {
            to: ['Slack'],
            template: 'AML',
            onFailure: [
              { branch: { filter: { type: 'x.y' }, steps: [{ deliver: { to: ['Case system'] } }] } },
            ],
          },
        },
        { awaitAck: { within: '15m', otherwise: [{ deliver: { to: ['Case system'] } }] } },
      ],
      quietHours: { timezone: 'Europe/Berlin', between: ['22:00', '07:00'] },
      dedupe: { by: 'data.id', within: '1h' },
    },
    {
      name: 'Second',
      enabled: false,
      when: { events: ['screening.*'] },
      steps: [{ deliver: { to: ['Slack', 'Case system'] } }],
      digest: { window: '1h' },
      exclusive: true,
    },
  ],
} as const
