import { serviceHosts, type Config } from './config.ts'

/** The operator's rules about where tenants' destinations may be, and the additional certificate authorities. */
export function egressRules(config: Config) {
  return {
    allow: config.EGRESS_ALLOW,
    deny: config.EGRESS_DENY,
    ports: config.EGRESS_PORTS,
    serviceHosts: serviceHosts(config),
    extraAuthorities: config.EGRESS_CA_FILE,
  }
}
