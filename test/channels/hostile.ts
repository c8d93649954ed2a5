/** Every way to write a host that is not a public one, as the host of a URL. Each is a valid host to a URL parser. */
export const loopbackHosts = [
  '127.0.0.1', '127.0.0.2', '127.255.255.254', '127.1', '127.0.1', '2130706433', '017700000001', '0x7f000001', '0x7f.1',
  '0177.0.0.1', '0177.1', '0x7f.0x0.0x0.0x1', '0x7F.0.0.1', '127.0.0.0x1', '00000177.0.0.1', '127.0.0.1.', '１２７.０.０.１',
  '127。0。0。1', '127．0．0．1', '127｡0｡0｡1', '①②⑦.0.0.1', '%31%32%37.0.0.1', '127%2e0%2e0%2e1', '%30x7f000001', '127.0.0.%31',
  '[::1]', '[0:0:0:0:0:0:0:1]', '[0000:0000::0001]', '[::0001]', '[0::1]', '[::0.0.0.1]', '0', '0.0.0.0', '00', '0x0', '000.0.0.0',
  '[::]', '[::0]', '[0:0:0:0:0:0:0:0]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::FFFF:127.0.0.1]', '[0:0:0:0:0:ffff:7f00:1]',
  '[::127.0.0.1]', '[::7f00:1]', '[::ffff:0:127.0.0.1]', '[::ffff:0:7f00:1]', '[::ffff:0.0.0.0]', '[64:ff9b::127.0.0.1]',
  '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]', '[2001::7f00:1]', '[::5efe:7f00:1]',
  '[2606:4700::5efe:7f00:1]', '[2a00:1450:4001::200:5efe:7f00:1]', 'localhost', 'LOCALHOST', 'LocalHost', 'localhost.',
  'ｌｏｃａｌｈｏｓｔ', 'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ', 'local%68ost', 'loc\u00ADalhost', 'app.localhost', 'a.b.localhost.', 'metadata.localhost',
] // prettier-ignore

export const otherHosts = [
  // This network, private networks.
  '0.1.2.3', '10.0.0.1', '10.255.255.255', '0xa.1', '012.1', '10.1', '167772161', '0x0a000001', '172.16.0.1', '172.31.255.255',
  '0xac.16.0.1', '2886729729', '192.168.0.1', '192.168.1', '192.168.257', '0300.0250.1', '3232235521', '[::ffff:10.0.0.1]',
  '[::ffff:c0a8:1]', '[::10.0.0.1]', '[64:ff9b::10.0.0.1]', '[64:ff9b:1::a00:1]', '[2002:a00:1::1]', '[2002:c0a8:101::1]',
  '[fc00::1]', '[fd00::1]', '[fd00:ec2::254]', '[fdff:ffff::1]', '[fec0::1]', '[FD12:3456::1]',
  // Link-local, and the metadata of clouds.
  '169.254.0.1', '169.254.169.254', '169.254.169.123', '169.254.170.2', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376',
  '169.254.43518', '169.16689662', '0xa9.254.169.254', '１６９.254.169.254', '169。254。169。254', '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]', '[::a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::1]', '100.100.100.200', '192.0.0.192',
  '[fe80::1]', '[fe80::a9fe:a9fe]', '[febf::1]',
  // Shared address space, documentation, benchmarks, protocol assignments, anycast services, relays, AS112.
  '100.64.0.1', '100.127.255.254', '192.0.0.1', '192.0.0.8', '192.0.0.9', '192.0.0.10', '192.0.0.170', '192.0.2.1', '192.31.196.1',
  '192.52.193.1', '192.88.99.1', '192.88.99.2', '192.175.48.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1',
  '[2001:db8::1]', '[3fff::1]', '[3fff:fff::1]', '[2001:1::1]', '[2001:1::2]', '[2001:1::3]', '[2001:2::1]', '[2001:3::1]',
  '[2001:4:112::1]', '[2001:10::1]', '[2001:20::1]', '[2001:30::1]', '[2001:1ff::1]', '[2620:4f:8000::1]', '[100::1]',
  '[100:0:0:1::1]', '[5f00::1]',
  // Multicast, reserved, broadcast, and what of IPv6 is handed out to nobody.
  '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '4294967295', '0xffffffff', '[ff02::1]', '[ff0e::1]', '[4000::1]',
  '[8000::1]', '[1::1]', '[ff:ffff::1]', '[1fff::1]', '[e000::1]',
] // prettier-ignore

/** URLs that are none, or that not everybody would read in the same way. */
export const hostileUrls = [
  // A user name that looks like a host, or hides one.
  'https://hooks.example.com@127.0.0.1/', 'https://user:pass@hooks.example.com/', 'https://@hooks.example.com/',
  'https://:@hooks.example.com/', 'https://hooks.example.com:443@169.254.169.254/', 'https://a@b@127.0.0.1/',
  'https://hooks.example.com%40127.0.0.1@127.0.0.1/', 'https://127.0.0.1\\@hooks.example.com/', 'https://hooks.example.com\\@127.0.0.1/',
  // Slashes, spaces and control characters that parsers mend.
  'https:/127.0.0.1/', 'https:127.0.0.1', 'https:\\\\127.0.0.1\\', 'https:/\\127.0.0.1/', 'https:///127.0.0.1/',
  'https:////127.0.0.1/', ' https://127.0.0.1/', 'https://127.0.0.1/ ', 'https://127.\t0.0.1/', 'https://127.0\n.0.1/',
  'ht\ntps://127.0.0.1/', 'https://hooks.example.com/\r\nHost: internal', 'https://hooks.example.com/\u0000', '\u0001https://127.0.0.1/',
  'https://hooks.example.com/a b', 'https://hooks.example.com\u2028/', 'https://local\thost/',
  // Hosts that are none.
  'https://', 'https:///', 'https://?', 'https://#', 'https://.', 'https://..', 'https://.localhost/', 'https://localhost../',
  'https://a..example.com/', 'https://.example.com/', 'https://*.example.com/', 'https://exa$mple.com/', "https://a'b.example.com/",
  'https://a,b.example.com/', 'https://a;b.example.com/', 'https://a=b.example.com/', 'https://[::1%25eth0]/', 'https://[fe80::1%eth0]/',
  'https://[::1', 'https://::1/', 'https://[127.0.0.1]/', 'https://[::ffff:127.0.0.1.]/', 'https://[1::2::3]/', 'https://256.256.256.256/',
  'https://127.0.0.1.5/', 'https://0x7g.1/', 'https://4294967296/', 'https://1.2.3.4.5/', 'https://09.0.0.1/', 'https://%00/',
  'https://%2f127.0.0.1/', 'https://127.0.0.1%2f@hooks.example.com/', 'https://a%23b.example.com/', 'https://%5b::1%5d/',
  `https://${'a'.repeat(64)}.example.com/`, `https://${'a.'.repeat(127)}example.com/`, `https://hooks.example.com/${'a'.repeat(2048)}`,
  'https://xn--/', 'https://\uD800.example.com/',
  // Ports where something else listens.
  'https://hooks.example.com:22/', 'https://hooks.example.com:25/', 'https://hooks.example.com:6000/', 'https://hooks.example.com:0/',
  'https://hooks.example.com:10080/', 'https://hooks.example.com:0025/', 'https://hooks.example.com:65536/', 'https://hooks.example.com:-1/',
  // Other protocols.
  'file:///etc/passwd', 'gopher://127.0.0.1:6379/_INFO', 'ftp://127.0.0.1/', 'dict://127.0.0.1:11211/', 'ldap://127.0.0.1/',
  'unix:///var/run/docker.sock', 'data:text/plain,x', 'javascript:alert(1)', 'jar:https://127.0.0.1!/', 'ws://127.0.0.1/',
  'blob:https://hooks.example.com/1', 'about:blank', '//127.0.0.1/', '/hook', 'hooks.example.com', 'http://hooks.example.com/', 'httpss://127.0.0.1/',
] // prettier-ignore

/** Ways to write a name that is not refused before it has been looked up. */
export const publicHosts = [
  '8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '100.63.255.255', '100.128.0.1', '169.253.1.1', '192.167.1.1',
  '134744072', '0x08.010.2056', '[2606:4700:4700::1111]', '[2a00:1450:4001:830::200e]', '[64:ff9b::808:808]', 'hooks.example.com',
  'HOOKS.Example.com.', 'bücher.example', 'xn--bcher-kva.example', '_a.example.com', 'intranet', 'localhost.example.com',
] // prettier-ignore
