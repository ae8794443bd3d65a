// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * What only some kernels attach (CONFIG_BPF_LSM, and lsm=…,bpf at boot): the exec of a denied file is refused
 * before anything happens. Without it the base object kills the process before its first instruction.
 */
#include "common.h"
#include "deny.h"

#define EPERM_ 1
#define NAME_MOST 255

struct denied_room { struct record_denied r; u8 path[NAME_MOST + 1]; };

SEC("lsm/bprm_check_security")
int BPF_PROG(refuse_exec, struct linux_binprm *binprm, int before)
{
	/* Another program has refused it already; its own number is not in the range that the verifier can see. */
	if (before != 0)
		return -EPERM_;
	struct inode *inode = BPF_CORE_READ(binprm, file, f_inode);
	if (!is_denied(inode))
		return 0;
	/* LSM programs can be preempted, so this reserves room instead of using a slot. */
	struct denied_room *room = bpf_ringbuf_reserve(&ring, sizeof(*room), 0);
	if (room) {
		__builtin_memset(&room->r, 0, sizeof(room->r));
		fill_head(&room->r.head, RECORD_DENIED);
		room->r.inode = BPF_CORE_READ(inode, i_ino);
		room->r.device = BPF_CORE_READ(inode, i_sb, s_dev);
		long length = bpf_probe_read_kernel_str(room->path, NAME_MOST, BPF_CORE_READ(binprm, filename));
		room->r.path_len = length > 1 ? length - 1 : 0;
		bpf_ringbuf_submit(room, wake_flags(1));
	}
	return -EPERM_;
}

char LICENSE[] SEC("license") = "GPL";
