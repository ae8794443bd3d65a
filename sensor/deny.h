/* Programs that may not run, by their file. */
#ifndef MOAT_DENY_H
#define MOAT_DENY_H

#include "common.h"

struct denied_key { u64 inode; u32 device, pad; };

struct {
	__uint(type, MOAT_MAP_HASH);
	__uint(max_entries, 10240);
	__type(key, struct denied_key);
	__type(value, u32);
} denied SEC(".maps");

static __always_inline bool is_denied(struct inode *inode)
{
	struct config *c = get_config();
	if (!c || !c->denied)
		return 0;
	struct denied_key key = {};
	key.inode = BPF_CORE_READ(inode, i_ino);
	key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	return bpf_map_lookup_elem(&denied, &key) != 0;
}

#endif
