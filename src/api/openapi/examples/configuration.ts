import {
  dayAfter,
  exampleAddress,
  exampleData,
  exampleIds,
  exampleSecret,
  exampleTime,
  exampleType,
  exampleUrl,
} from './things.ts'

const { destination: id, email, rule: ruleId, template: templateId, key: keyId } = exampleIds
const times = { createdAt: exampleTime, updatedAt: exampleTime }
const subscription = { eventTypes: ['aml.*'] }

const destination = {
  id,
  name: 'Case system',
  channel: 'webhook',
  environment: 'production',
  status: 'active',
  statusAt: exampleTime,
  config: { url: exampleUrl, wireFormat: 'standard-webhooks', successCodes: ['2xx'] },
  subscription,
  delivery: { schedule: ['0s', '5s', '5m', '30m', '2h'], timeoutMs: 10_000 },
  ...times,
}
const recipients = [
  { address: exampleAddress, status: 'confirmed', statusAt: exampleTime, askedAt: exampleTime },
]

const stopRule = {
  name: 'Only log low scores',
  when: { events: ['aml.match.*'], filter: { 'data.score': { $lt: 0.5 } } },
  steps: [{ stop: 'the score is low' }],
}
const escalation = {
  name: 'Escalate matches',
  when: { events: ['aml.match.*'] },
  steps: [
    { deliver: { to: [id] } },
    { awaitAck: { within: '15m', otherwise: [{ deliver: { to: [email] } }] } },
  ],
}

const parts = { slack: { text: 'Match on {{ data.list }}: {{ data.name }}' } }
const template = { name: 'Short match', eventTypes: [exampleType] }
const templateRow = { id: templateId, version: 1, environment: 'production', ...template, ...times }
const rendered = { slack: { text: 'Match on OFAC SDN: Jane Roe' } }

const typeSettings = {
  type: exampleType,
  description: 'A customer matches an entry of a list.',
  title: '{{ data.name }} matches {{ data.list }}',
  schema: { type: 'object', required: ['customerId'] },
  sample: exampleData,
  enforce: true,
}

export const configurationExamples = {
  NewDestination: { name: 'Case system', channel: 'webhook', config: { url: exampleUrl }, subscription },
  DestinationPatch: { name: 'Case system (EU)', delivery: { maxPerSecond: 20 } },
  Destination: destination,
  WrittenDestination: { ...destination, secret: exampleSecret },
  SecretRotation: { overlap: '24h' },
  RotatedSecret: { secret: exampleSecret, previousEndsAt: dayAfter },
  RevokedSecrets: { revoked: 1 },
  DestinationStats: {
    total: 1042,
    succeeded: 1037,
    failed: 4,
    pending: 1,
    lastAttemptAt: exampleTime,
    days: [{ day: '2026-11-21', total: 42, succeeded: 41, failed: 1 }],
  },
  ConfirmationRequest: { addresses: [exampleAddress] },
  Vouching: { addresses: [exampleAddress] },
  Recipients: { recipients },
  NewRule: stopRule,
  RulePatch: { exclusive: true },
  Rule: { id: ruleId, version: 3, position: 1, enabled: true, ...escalation, ...times },
  RuleVersion: { version: 3, ...escalation, keyId, createdAt: exampleTime },
  NewTemplate: { ...template, parts },
  TemplatePatch: { parts },
  Template: { ...templateRow, parts },
  TemplateSummary: { ...templateRow, channels: ['slack'] },
  TemplateVersion: { version: 1, name: template.name, parts, keyId, createdAt: exampleTime },
  TemplatePreviewRequest: { event: { type: exampleType, data: exampleData } },
  TemplatePartsPreviewRequest: { parts, event: { type: exampleType, data: exampleData } },
  TemplatePreview: {
    event: { type: exampleType, data: exampleData },
    channels: rendered,
    problems: [],
    absent: [],
  },
  NewEventType: typeSettings,
  EventTypePatch: { description: 'A customer matches an entry of a sanctions list.' },
  EventType: { ...typeSettings, source: 'own', aliases: [], ...times },
  EventTypePresets: { data: [{ preset: 'dataspike', types: ['DOCVER', 'AML_SCREENING'] }] },
  EventTypePresetRequest: { preset: 'dataspike' },
  RegisteredEventTypes: { registered: ['DOCVER'], existing: ['AML_SCREENING'] },
  ConfigurationDocument: {
    switchyard: 1,
    destinations: [{ name: 'Case system', channel: 'webhook', config: { url: exampleUrl }, subscription }],
    rules: [stopRule],
  },
  ExportedConfiguration: {
    switchyard: 1,
    environment: 'production',
    destinations: [{ name: 'Case system', channel: 'webhook', config: { url: exampleUrl }, subscription }],
    templates: [],
    rules: [stopRule],
  },
  AppliedConfiguration: {
    applied: true,
    changes: [
      {
        kind: 'rule',
        name: stopRule.name,
        id: ruleId,
        change: 'created',
        diff: '+name: Only log low scores\n',
      },
    ],
    unmanaged: [{ kind: 'template', name: template.name, id: templateId }],
    diff: '+name: Only log low scores\n',
  },
}
