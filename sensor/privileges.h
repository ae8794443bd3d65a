/* What gives power over other processes, the kernel, or the view of the machine. */
#ifndef MOAT_PRIVILEGES_H
#define MOAT_PRIVILEGES_H

#include "files.h"

#define NAMESPACE_FLAGS 0x7e020080
#define PTRACE_TRACEME_ 0
#define PTRACE_ATTACH_ 16
#define PTRACE_SEIZE_ 0x4206
#define BPF_PROG_LOAD_ 5
#define SIGCHLD_ 17
#define EACCES_ 13
#define CALL_CONNECT 64 /* only for `often` */
#define ADDRESS_PATH 2  /* where the path begins in an address of the family */

enum call { CALL_PTRACE = 1, CALL_VM_WRITE, CALL_VM_READ, CALL_SIGNAL, CALL_MOUNT, CALL_UMOUNT, CALL_UNSHARE, CALL_SETNS, CALL_PIVOT_ROOT, CALL_BPF, CALL_MODULE, CALL_MEMFD };

struct call_request { u64 path, source, type; u64 number; u32 call, target; };

static __always_inline void put_path_or_nothing(struct slot *s, u64 path)
{
	if (path)
		put_named_path(s, current_task(), AT_CWD, path);
}

static __always_inline void put_short_string(struct slot *s, u64 text)
{
	if (!text || s->at > STRINGS_BEFORE_LAST)
		return;
	long length = bpf_probe_read_user_str(&s->data[s->at & (SLOT_DATA / 2 - 1)], 256, (void *)text);
	if (length > 1)
		s->at += BOUND(length - 1, 255);
}

static __noinline int tell_call(const struct call_request *q, long result)
{
	struct slot *s = take_slot();
	if (!s)
		return 0;
	struct record_call *r = (void *)s->data;
	fill_head(&r->head, RECORD_CALL);
	r->number = q->number;
	r->inode = 0;
	r->result = result;
	r->target = q->target;
	r->call = q->call;
	s->at = sizeof(*r);
	if (q->call == CALL_SETNS) {
		struct file *file = file_of(current_task(), q->target);
		r->inode = BPF_CORE_READ(file, f_inode, i_ino);
	}
	u32 from = s->at;
	put_path_or_nothing(s, q->path);
	r->path_len = s->at - from;
	from = s->at;
	put_short_string(s, q->source);
	r->source_len = s->at - from;
	from = s->at;
	put_short_string(s, q->type);
	r->type_len = s->at - from;
	send_slot(s, 1);
	give_slot();
	return 0;
}

#define CALL(name, condition, ...) \
	SEC("tracepoint/syscalls/sys_exit_" #name) \
	int call_##name(struct trace_event_raw_sys_exit *ctx) \
	{ \
		u64 a[8] = {}; \
		system_call_arguments(a); \
		struct call_request q = { __VA_ARGS__ }; \
		if ((condition) && wanted(RECORD_CALL)) \
			tell_call(&q, ctx->ret); \
		return 0; \
	}

/* The same of one process about another is told once a second. */
static __always_inline bool often(u32 call, u32 target)
{
	struct opened_key key = { .inode = (u64)call << 32 | target, .device = OFTEN_CALLS, .pid = bpf_get_current_pid_tgid() >> 32 };
	u32 again = 0;
	return told_just_now(&key, bpf_ktime_get_boot_ns(), &again);
}

CALL(ptrace, a[0] == PTRACE_TRACEME_ || a[0] == PTRACE_ATTACH_ || a[0] == PTRACE_SEIZE_, .call = CALL_PTRACE, .number = a[0], .target = a[1])
CALL(process_vm_writev, !often(CALL_VM_WRITE, a[0]), .call = CALL_VM_WRITE, .target = a[0])
CALL(process_vm_readv, !often(CALL_VM_READ, a[0]), .call = CALL_VM_READ, .target = a[0])
CALL(mount, 1, .call = CALL_MOUNT, .source = a[0], .path = a[1], .type = a[2], .number = a[3])
CALL(umount, 1, .call = CALL_UMOUNT, .path = a[0], .number = a[1])
CALL(pivot_root, 1, .call = CALL_PIVOT_ROOT, .source = a[0])
CALL(unshare, a[0] & NAMESPACE_FLAGS, .call = CALL_UNSHARE, .number = a[0])
CALL(setns, 1, .call = CALL_SETNS, .target = a[0], .number = a[1])
CALL(memfd_create, 1, .call = CALL_MEMFD, .source = a[0])

/*
 * Sockets of this machine that give power over it. Told by the name of the file that the far end was bound to, by
 * whatever path, link or mount it was reached. Who is refused has no far end: user space looks at the path asked for.
 */
SEC("tracepoint/syscalls/sys_exit_connect")
int call_connect(struct trace_event_raw_sys_exit *ctx)
{
	if ((ctx->ret != 0 && ctx->ret != -EACCES_) || !wanted(RECORD_LOCAL))
		return 0;
	u64 a[8] = {};
	system_call_arguments(a);
	struct file *file = file_of(current_task(), a[0]);
	if (!file || BPF_CORE_READ(file, f_inode, i_mode) >> 12 != S_IFSOCK_TYPE)
		return 0;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct unix_sock *own = (void *)BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(own, sk.__sk_common.skc_family) != FAMILY_UNIX || !bpf_core_field_exists(own->peer))
		return 0;
	struct unix_sock *peer = (void *)BPF_CORE_READ(own, peer);
	struct dentry *dentry = peer ? BPF_CORE_READ(peer, path.dentry) : 0;
	if (ctx->ret == 0 && (!dentry || !(name_bits(dentry) & NAME_SOCKET)))
		return 0;
	if (often(CALL_CONNECT, ctx->ret == 0 ? (u32)BPF_CORE_READ(dentry, d_inode, i_ino) : 0))
		return 0;
	struct slot *s = take_slot();
	if (!s)
		return 0;
	struct record_local *r = (void *)s->data;
	fill_head(&r->head, RECORD_LOCAL);
	r->result = ctx->ret;
	s->at = sizeof(*r);
	if (ctx->ret == 0) {
		walk_path(s, dentry, BPF_CORE_READ(peer, path.mnt));
		put_path(s);
	} else {
		put_short_string(s, a[1] + ADDRESS_PATH);
	}
	r->path_len = s->at - sizeof(*r);
	send_slot(s, 1);
	give_slot();
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_bpf")
int call_bpf(struct trace_event_raw_sys_exit *ctx)
{
	u64 a[8] = {};
	system_call_arguments(a);
	if (a[0] != BPF_PROG_LOAD_ || !wanted(RECORD_CALL))
		return 0;
	u32 type = 0;
	bpf_probe_read_user(&type, sizeof(type), (void *)a[1]);
	/* The program's name stands at byte 48 of the attributes. */
	struct call_request q = { .call = CALL_BPF, .number = type, .source = a[1] + 48 };
	tell_call(&q, ctx->ret);
	return 0;
}

/* Signals to Moat itself. */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, void *info, struct task_struct *task)
{
	/* The end of every process brings one. */
	if (signal == SIGCHLD_)
		return 0;
	struct config *c = get_config();
	if (!c || (u32)task->tgid != c->own_tgid || !wanted(RECORD_CALL))
		return 0;
	struct call_request q = { .call = CALL_SIGNAL, .target = c->own_tgid, .number = signal };
	tell_call(&q, 0);
	return 0;
}

SEC("tp_btf/module_load")
int BPF_PROG(on_module, struct module *module)
{
	if (!wanted(RECORD_CALL))
		return 0;
	struct slot *s = take_slot();
	if (!s)
		return 0;
	struct record_call *r = (void *)s->data;
	__builtin_memset(r, 0, sizeof(*r));
	fill_head(&r->head, RECORD_CALL);
	r->call = CALL_MODULE;
	s->at = sizeof(*r);
	long length = bpf_probe_read_kernel_str(&s->data[sizeof(*r)], 56, &module->name);
	r->source_len = length > 1 ? BOUND(length - 1, 63) : 0;
	s->at += r->source_len;
	send_slot(s, 1);
	give_slot();
	return 0;
}

/* After setuid, setgid and their like: what the process is now. User space knows what it was. */
SEC("tracepoint")
int on_credentials(struct trace_event_raw_sys_exit *ctx)
{
	if (ctx->ret != 0 || !wanted(RECORD_CREDENTIALS))
		return 0;
	struct record_credentials r = {};
	struct task_struct *task = current_task();
	fill_head_of(&r.head, RECORD_CREDENTIALS, task);
	const struct cred *cred = BPF_CORE_READ(task, cred);
	r.euid = BPF_CORE_READ(cred, euid.val);
	r.gid = BPF_CORE_READ(cred, gid.val);
	r.egid = BPF_CORE_READ(cred, egid.val);
	/* Two words in kernels before 6.3, one afterwards: the same bits. */
	bpf_probe_read_kernel(&r.capabilities, sizeof(r.capabilities), &cred->cap_effective);
	send(&r, sizeof(r), 0);
	return 0;
}

#endif
