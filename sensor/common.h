/* Maps, settings, and how a record gets into the ring. */
#ifndef MOAT_COMMON_H
#define MOAT_COMMON_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "gen/records.h"

#define BPF_F_MMAPABLE_ 1024
#define BPF_ANY_ 0
#define BPF_NOEXIST_ 1
#define RB_NO_WAKEUP 1
#define RB_FORCE_WAKEUP 2
#define RB_AVAIL_DATA 0

/* Read more rarely than written: the reader sleeps until so many bytes wait, unless a record is urgent. */
#define WAKE_BYTES (64 * 1024)
#define MAX_CPUS 256
#define PF_KTHREAD_ 0x00200000

/* Written by user space through mmap; `armed` is set before it sleeps and cleared by who wakes it. */
struct config {
	u32 armed;
	u32 own_tgid;
	u64 enabled;      /* bit n: records of type n are told */
	u32 first_ephemeral;  /* a UDP socket on a lower port is a service */
	u32 quiet_programs;   /* how many */
	u32 denied;           /* how many */
	u32 pad;
};

struct cpu_count { u64 sent, lost, nested, unread[5]; };

struct {
	__uint(type, MOAT_MAP_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, MOAT_MAP_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE_);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct config);
} config SEC(".maps");

/* One entry a processor, plain memory for user space; processors beyond the last share entries. */
struct {
	__uint(type, MOAT_MAP_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE_);
	__uint(max_entries, MAX_CPUS);
	__type(key, u32);
	__type(value, struct cpu_count);
} counts SEC(".maps");

#define SLOT_DATA 8192
#define STRINGS_BEFORE_LAST 4096
#define PATH_SIZE 4096
#define NAME_SIZE 256
#define PREFIX_SIZE 256
#define MAX_VARIABLES 64
#define SLOTS 3

/* What a program works in: too large for the stack. The state of a path walk is here and not in registers, or the
 * verifier would follow every combination of it. */
struct slot {
	u8 data[SLOT_DATA];
	u8 path[PATH_SIZE + NAME_SIZE];
	u32 at;               /* where the next string goes in data */
	u32 path_at;          /* where the path begins in path */
	struct dentry *dentry;
	struct vfsmount *vfsmount;
	struct dentry *root;  /* of that mount */
	u64 cursor;
	u64 variables[MAX_VARIABLES];
	struct { u32 bits; u8 path[PREFIX_SIZE]; } key;
	struct { u8 path[PREFIX_SIZE]; } long_name;
};

/* An interrupt can run a program in the middle of another: each level takes its own slot. */
struct {
	__uint(type, MOAT_MAP_PERCPU_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct {
	__uint(type, MOAT_MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} depth SEC(".maps");

static __always_inline struct config *get_config(void)
{
	u32 zero = 0;
	return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline struct cpu_count *get_count(void)
{
	u32 cpu = bpf_get_smp_processor_id() & (MAX_CPUS - 1);
	return bpf_map_lookup_elem(&counts, &cpu);
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/* Not by bpf_get_current_pid_tgid: programs of control groups lack it on older kernels. */
static __always_inline bool wanted(u32 type)
{
	struct config *c = get_config();
	if (!c || !(c->enabled & (1ULL << type)))
		return 0;
	struct task_struct *task = current_task();
	return (u32)BPF_CORE_READ(task, tgid) != c->own_tgid;
}

/* Every take must meet its give. Without a slot the record is lost and counted. */
static __always_inline struct slot *take_slot(void)
{
	u32 zero = 0;
	u32 *level = bpf_map_lookup_elem(&depth, &zero);
	if (!level)
		return 0;
	u32 mine = *level;
	if (mine >= SLOTS) {
		struct cpu_count *n = get_count();
		if (n)
			__sync_fetch_and_add(&n->nested, 1);
		return 0;
	}
	struct slot *s = bpf_map_lookup_elem(&slots, &mine);
	if (!s)
		return 0;
	*level = mine + 1;
	return s;
}

static __always_inline void give_slot(void)
{
	u32 zero = 0;
	u32 *level = bpf_map_lookup_elem(&depth, &zero);
	if (level && *level > 0)
		*level -= 1;
}

/* Before 5.15 no helper tells where the registers stand: at the top of the stack, of 16 KB on all usual kernels. */
#define STACK_SIZE_OLD 16384

/* What the system call was asked for: its tracepoint at the end hands only the result. */
static __always_inline void system_call_arguments(u64 *a)
{
	void *registers;
	if (bpf_core_enum_value_exists(enum bpf_func_id___some, BPF_FUNC_task_pt_regs___some)) {
		registers = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf());
	} else {
		struct task_struct *task = current_task();
		registers = BPF_CORE_READ(task, stack) + STACK_SIZE_OLD - bpf_core_type_size(struct pt_regs);
	}
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;
	if (bpf_core_field_exists(x86->orig_ax)) {
		a[0] = BPF_CORE_READ(x86, di);
		a[1] = BPF_CORE_READ(x86, si);
		a[2] = BPF_CORE_READ(x86, dx);
		a[3] = BPF_CORE_READ(x86, r10);
		a[4] = BPF_CORE_READ(x86, r8);
	} else {
		a[0] = BPF_CORE_READ(arm64, orig_x0);
		a[1] = BPF_CORE_READ(arm64, regs[1]);
		a[2] = BPF_CORE_READ(arm64, regs[2]);
		a[3] = BPF_CORE_READ(arm64, regs[3]);
		a[4] = BPF_CORE_READ(arm64, regs[4]);
	}
}

static __always_inline u64 wake_flags(bool urgent)
{
	struct config *c = get_config();
	if (c && c->armed && (urgent || bpf_ringbuf_query(&ring, RB_AVAIL_DATA) >= WAKE_BYTES)) {
		c->armed = 0;
		return RB_FORCE_WAKEUP;
	}
	return RB_NO_WAKEUP;
}

static __always_inline void send(const void *data, u64 size, bool urgent)
{
	struct cpu_count *n = get_count();
	if (!n)
		return;
	u64 flags = wake_flags(urgent);
	if (bpf_ringbuf_output(&ring, (void *)data, size, flags) < 0)
		__sync_fetch_and_add(&n->lost, 1);
	else
		__sync_fetch_and_add(&n->sent, 1);
}

/* The compiler sees that a mask after a comparison changes nothing and drops it, but the verifier wants the mask. */
#define BOUND(value, max) ({ \
	u64 bound_value = (value); \
	if (bound_value > (max)) bound_value = (max); \
	asm volatile("" : "+r"(bound_value)); \
	bound_value & (max); })

/* Sends what stands in the slot up to its last string. */
static __always_inline void send_slot(struct slot *s, bool urgent)
{
	send(s->data, BOUND(s->at, SLOT_DATA - 1), urgent);
}

static __always_inline u64 start_ticks(struct task_struct *leader)
{
	if (bpf_core_field_exists(leader->start_boottime))
		return BPF_CORE_READ(leader, start_boottime) / 10000000;
	struct task_struct___old *old = (void *)leader;
	return BPF_CORE_READ(old, real_start_time) / 10000000;
}

static __always_inline u64 start_ticks_typed(struct task_struct *leader)
{
	if (!leader)
		return 0;
	if (bpf_core_field_exists(leader->start_boottime))
		return leader->start_boottime / 10000000;
	return start_ticks(leader);
}

/*
 * The same for a task that the kernel hands over by its type (the arguments of tp_btf programs and what hangs from
 * them): read without a call, each of which costs as much as ten such reads. What a kernel may mark as perhaps null
 * (the pointers under RCU) is looked at first, or the verifier refuses the program there.
 */
static __always_inline void fill_head_typed(struct head *h, u32 type, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader, *parent = task->real_parent;
	const struct cred *cred = task->real_cred;
	struct css_set *groups = task->cgroups;
	h->type = type;
	h->flags = 0;
	h->uid = cred ? cred->uid.val : 0;
	h->pid = task->tgid;
	h->parent_pid = parent ? parent->tgid : 0;
	h->time = bpf_ktime_get_boot_ns();
	h->started = start_ticks_typed(leader);
	h->cgroup = groups ? groups->dfl_cgrp->kn->id : 0;
}

static __always_inline void fill_head_of(struct head *h, u32 type, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	h->type = type;
	h->flags = 0;
	h->uid = BPF_CORE_READ(task, real_cred, uid.val);
	h->pid = BPF_CORE_READ(task, tgid);
	h->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	h->time = bpf_ktime_get_boot_ns();
	h->started = start_ticks(leader);
	h->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

static __always_inline void fill_head(struct head *h, u32 type)
{
	fill_head_of(h, type, current_task());
}

/* Appends bytes of the kernel or of the current process; `max` is a power of two less one. Gives the length put in. */
#define PUT(s, read, source, length, max) ({ \
	u64 put_length = BOUND(length, max); \
	u32 put_at = (s)->at; \
	u32 put_done = 0; \
	if (put_at <= STRINGS_BEFORE_LAST && put_length > 0 && read(&(s)->data[put_at], put_length, (const void *)(source)) == 0) { \
		put_done = put_length; \
		(s)->at = put_at + put_done; \
	} \
	put_done; })

#endif
