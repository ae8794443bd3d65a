import { expect, test } from 'vitest';
import { heard } from '../../../test/heard.ts';
import { strongswan } from './program.ts';

test('a connection\'s packets say whose log-in failed', () => {
  expect(heard(strongswan, 'charon',
    '06[NET] <84> received packet: from 192.0.2.1[28819] to 198.51.100.1[500] (1072 bytes)', '06[IKE] <office|84> EAP-MS-CHAPv2 username: \'kim\'', '06[IKE] <office|84> no EAP key found for hosts \'vpn.example.org\' - \'kim\'', '06[IKE] <office|84> EAP-MS-CHAPv2 verification failed, retry (1)', '06[IKE] <office|84> EAP method EAP_MSCHAPV2 failed for peer kim',
    '07[IKE] <85> 192.0.2.2 is initiating an IKE_SA', '07[IKE] <85> no IKE config found for 198.51.100.1...192.0.2.2, sending NO_PROPOSAL_CHOSEN', '08[IKE] <office|86> authentication of \'kim\' with EAP successful', '09[CFG] loaded 3 entries',
  )).toEqual(['message unknown 192.0.2.1 -', 'login-start unknown 192.0.2.1 kim', 'login-detail failure 192.0.2.1 kim', 'login failure 192.0.2.1 -', 'login-detail failure 192.0.2.1 kim', 'message unknown 192.0.2.2 -', 'probe failure 192.0.2.2 -', 'login success - kim', 'message unknown - -']);
});
