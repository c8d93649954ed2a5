import { dayAfter, exampleIds, exampleTime } from './things.ts'

const { tenant: id, key, previousKey } = exampleIds
const limits = { apiPerMinute: 100, apiBurst: 200, ingestPerSecond: 100, emailsPerHour: 500 }
const platformKey = { id: key, name: 'Case system', lastFour: 'x9Qz', createdAt: exampleTime }
const tenantKey = { ...platformKey, environment: 'production', scopes: ['events:write', 'events:read'] }
const secret = `sk_live_${'x'.repeat(39)}x9Qz`
const platformSecret = `sk_platform_${'x'.repeat(39)}x9Qz`
const rotation = { replaces: previousKey, previousEndsAt: dayAfter }
const head = { chain: `${id}/production`, sequence: 1042, hash: '9f0e2c5d1c1f7a100a8d3b1e6f0c4b57' }

export const accessExamples = {
  NewTenant: { name: 'Acme', redact: ['data.document.number'] },
  TenantPatch: { limits: { ingestPerSecond: 500 } },
  Tenant: {
    id,
    name: 'Acme',
    limits,
    redact: ['data.document.number'],
    emailConsent: 'confirm',
    createdAt: exampleTime,
  },
  TenantDeletionRequest: { confirm: 'Acme' },
  StartedTenantDeletion: { deletionId: exampleIds.deletion },
  TenantDeletion: {
    id: exampleIds.deletion,
    tenantId: id,
    status: 'completed',
    createdAt: exampleTime,
    completedAt: dayAfter,
    executions: 20417,
    left: 0,
    archivedFiles: 12,
    rows: 318,
  },
  NewTenantKeyRequest: {
    environment: 'sandbox',
    name: 'Case system',
    scopes: ['events:write', 'events:read'],
  },
  NewTenantKey: { ...tenantKey, key: secret },
  NewKeyRequest: { name: 'Case system', scopes: ['events:read'] },
  NewKey: { ...tenantKey, key: secret },
  Key: { ...tenantKey, lastUsedAt: exampleTime },
  KeyRotation: { overlap: '24h' },
  RotatedKey: { ...tenantKey, key: secret, ...rotation },
  NewPlatformKeyRequest: { name: 'Back office' },
  NewPlatformKey: { ...platformKey, key: platformSecret },
  PlatformKey: { ...platformKey, lastUsedAt: exampleTime },
  RotatedPlatformKey: { ...platformKey, key: platformSecret, ...rotation },
  ApiSecretRotation: { overlap: '24h' },
  RotatedApiSecret: { apiSecret: 'k3yQ7f0v9mS1xZ4b', previousEndsAt: dayAfter },
  AuditEntry: {
    id: 'aud_01jd7f0a1bfq8v4x5y6z7a8b9c',
    at: exampleTime,
    environment: 'production',
    action: 'destination.changed',
    subject: exampleIds.destination,
    keyId: key,
    address: '203.0.113.7',
    before: { name: 'Case system' },
    after: { name: 'Case system (EU)' },
    sequence: 1042,
    hash: head.hash,
  },
  AuditHeads: { data: [head] },
}
