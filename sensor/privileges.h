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

enum call { CALL_PTRACE = 1, CALL_VM_WRITE, CALL_VM_READ, CALL_SIGNAL, CALL_MOUNT, CALL_UMOUNT, CALL_UNSHARE, CALL_SETNS, CALL_PIVOT_ROOT, CALL_BPF, CALL_MODULE, CALL_MEMFD };

struct call_request { u64 path, source, type; u64 number; u32 call, target; };
struct {
	__uint(type, MOAT_MAP_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct call_request);
} calls SEC(".maps");

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

static __always_inline void tell_call(const struct call_request *q, long result)
{
	struct slot *s = take_slot();
	if (!s)
		return;
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
}

static __always_inline void ask_call(const struct call_request *q)
{
	u64 id = bpf_get_current_pid_tgid();
	if (wanted(RECORD_CALL))
		bpf_map_update_elem(&calls, &id, q, BPF_ANY_);
}

/* One program for the end of the system calls that are asked below. */
SEC("tracepoint")
int on_called(struct trace_event_raw_sys_exit *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	struct call_request *found = bpf_map_lookup_elem(&calls, &id);
	if (!found)
		return 0;
	struct call_request q = *found;
	bpf_map_delete_elem(&calls, &id);
	tell_call(&q, ctx->ret);
	return 0;
}

#define CALL(syscall_name, condition, ...) \
	SEC("tracepoint/syscalls/sys_enter_" #syscall_name) \
	int call_##syscall_name(struct trace_event_raw_sys_enter *ctx) \
	{ \
		unsigned long *a = ctx->args; \
		struct call_request q = { __VA_ARGS__ }; \
		if (condition) \
			ask_call(&q); \
		return 0; \
	}

CALL(ptrace, a[0] == PTRACE_TRACEME_ || a[0] == PTRACE_ATTACH_ || a[0] == PTRACE_SEIZE_, .call = CALL_PTRACE, .number = a[0], .target = a[1])
CALL(mount, 1, .call = CALL_MOUNT, .source = a[0], .path = a[1], .type = a[2], .number = a[3])
CALL(umount, 1, .call = CALL_UMOUNT, .path = a[0], .number = a[1])
CALL(unshare, a[0] & NAMESPACE_FLAGS, .call = CALL_UNSHARE, .number = a[0])
CALL(setns, 1, .call = CALL_SETNS, .target = a[0], .number = a[1])

SEC("tracepoint/syscalls/sys_enter_bpf")
int call_bpf(struct trace_event_raw_sys_enter *ctx)
{
	if (ctx->args[0] != BPF_PROG_LOAD_)
		return 0;
	u32 type = 0;
	bpf_probe_read_user(&type, sizeof(type), (void *)ctx->args[1]);
	/* The program's name stands at byte 48 of the attributes. */
	struct call_request q = { .call = CALL_BPF, .number = type, .source = ctx->args[1] + 48 };
	ask_call(&q);
	return 0;
}

/* Told as they are asked, whether they succeed or not: the same of one process about another once a second. */
static __always_inline int tell_attempt(u32 call, u32 target, u64 name)
{
	if (!wanted(RECORD_CALL))
		return 0;
	struct opened_key key = { .inode = (u64)call << 32 | target, .device = 0xffffffff, .pid = bpf_get_current_pid_tgid() >> 32 };
	u32 again = 0;
	if (call != CALL_MEMFD && told_just_now(&key, bpf_ktime_get_boot_ns(), &again))
		return 0;
	struct call_request q = { .call = call, .target = target, .source = name };
	tell_call(&q, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_process_vm_writev")
int try_vm_write(struct trace_event_raw_sys_enter *ctx) { return tell_attempt(CALL_VM_WRITE, ctx->args[0], 0); }

SEC("tracepoint/syscalls/sys_enter_process_vm_readv")
int try_vm_read(struct trace_event_raw_sys_enter *ctx) { return tell_attempt(CALL_VM_READ, ctx->args[0], 0); }

SEC("tracepoint/syscalls/sys_enter_memfd_create")
int try_memfd(struct trace_event_raw_sys_enter *ctx) { return tell_attempt(CALL_MEMFD, 0, ctx->args[0]); }

SEC("tracepoint/syscalls/sys_enter_pivot_root")
int try_pivot_root(struct trace_event_raw_sys_enter *ctx) { return tell_attempt(CALL_PIVOT_ROOT, 0, ctx->args[0]); }

/* Signals to Moat itself. */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, void *info, struct task_struct *task)
{
	struct config *c = get_config();
	if (!c || (u32)BPF_CORE_READ(task, tgid) != c->own_tgid || signal == SIGCHLD_ || !wanted(RECORD_CALL))
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
