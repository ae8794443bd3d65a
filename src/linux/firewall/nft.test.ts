import { describe } from 'vitest';
import { lacks } from '../../../test/need.ts';
import { firewallContract } from '../../../test/firewall-contract.ts';
import { NftFirewall } from './nft.ts';

describe.skipIf(lacks({ root: true, files: ['/usr/sbin/nft', '/usr/sbin/ip', '/usr/bin/socat', '/bin/nc.openbsd'] }))('nftables', () => { firewallContract(({ run, namespace }) => new NftFirewall(run, { namespace })); });
