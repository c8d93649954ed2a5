import type { Channel } from './channel.ts'
import { email } from './email/email.ts'
import { slack } from './slack/slack.ts'
import { teams } from './teams/teams.ts'
import { webhook } from './webhook.ts'

/** The registry. A new channel needs its file, a line here, and a test file that calls the channel contract suite. */
export const channels: readonly Channel[] = [webhook, email, slack, teams]

export const channelNames = channels.map(({ name }) => name)

export function findChannel(name: string): Channel | undefined {
  return channels.find((channel) => channel.name === name)
}
