/* Processes: exec, fork, exit. */
#ifndef MOAT_PROCESS_H
#define MOAT_PROCESS_H

#include "network.h"
#include "path.h"
#include "deny.h"

#define SIGKILL_ 9
#define MAX_VARIABLES 64
#define VARIABLE_SIZE 256

/* The type of the file (S_IFMT >> 12); sockets are told apart by numbers that no type of file has. */
enum stream { STREAM_INET = 13, STREAM_UNIX = 14 };

static __always_inline u32 stream_type(struct file **files, u32 max, u32 n)
{
	struct file *file = 0;
	if (n >= max || bpf_probe_read_kernel(&file, sizeof(file), files + n) || !file)
		return 0;
	u32 type = BPF_CORE_READ(file, f_inode, i_mode) >> 12;
	if (type != S_IFSOCK_TYPE)
		return type;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	u32 family = BPF_CORE_READ(socket, sk, __sk_common.skc_family);
	if (family == FAMILY_UNIX)
		return STREAM_UNIX;
	return family == FAMILY_INET || family == FAMILY_INET6 ? STREAM_INET : type;
}

static __always_inline u16 stream_types(struct task_struct *task)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	u32 max = BPF_CORE_READ(table, max_fds);
	return stream_type(files, max, 0) | stream_type(files, max, 1) << 4 | stream_type(files, max, 2) << 8;
}

static __always_inline u32 terminal(struct task_struct *task)
{
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	if (!tty)
		return 0;
	return BPF_CORE_READ(tty, driver, major) << 20 | (BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index));
}

/* Variables that change what the loader does: LD_*, GCONV_PATH, GLIBC_TUNABLES. */
static __always_inline bool loader_variable(const char *v)
{
	if (v[0] == 'L')
		return v[1] == 'D' && v[2] == '_';
	return v[0] == 'G' && ((v[1] == 'C' && v[2] == 'O' && v[3] == 'N' && v[4] == 'V') || (v[1] == 'L' && v[2] == 'I' && v[3] == 'B' && v[4] == 'C' && v[5] == '_'));
}

/* Looks at the first variables only: what stands behind more than MAX_VARIABLES pieces is not seen. */
static __always_inline u32 put_environment(struct slot *s, unsigned long from, unsigned long to)
{
	u32 before = s->at;
	u32 limit = before + 1023 - VARIABLE_SIZE;
	bool middle = 0;
	s->cursor = from;
	for (int i = 0; i < MAX_VARIABLES; i++) {
		if (s->cursor >= to || s->at > limit || s->at > STRINGS_BEFORE_LAST)
			break;
		char *v = (char *)&s->data[s->at & (SLOT_DATA / 2 - 1)];
		long length = bpf_probe_read_user_str(v, VARIABLE_SIZE, (void *)s->cursor);
		if (length <= 0)
			break;
		bool whole = length < VARIABLE_SIZE;
		if (!middle && loader_variable(v))
			s->at += length & (VARIABLE_SIZE - 1 + VARIABLE_SIZE);
		s->cursor += whole ? length : length - 1;
		middle = !whole;
	}
	return s->at - before;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *binprm)
{
	struct file *file = BPF_CORE_READ(binprm, file);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	bool deny = is_denied(inode);
	if (deny)
		bpf_send_signal(SIGKILL_);
	if (!wanted(RECORD_EXEC))
		return 0;
	struct slot *s = take_slot();
	if (!s)
		return 0;
	struct record_exec *r = (void *)s->data;
	struct nsproxy *ns = BPF_CORE_READ(task, nsproxy);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	fill_head_of(&r->head, RECORD_EXEC, task);
	r->head.flags = deny;
	r->inode = BPF_CORE_READ(inode, i_ino);
	r->device = BPF_CORE_READ(inode, i_sb, s_dev);
	r->links = BPF_CORE_READ(inode, i_nlink);
	r->parent_started = start_ticks(BPF_CORE_READ(task, real_parent, group_leader));
	r->euid = BPF_CORE_READ(task, cred, euid.val);
	r->tty = terminal(task);
	r->pid_ns = BPF_CORE_READ(ns, pid_ns_for_children, ns.inum);
	r->mnt_ns = BPF_CORE_READ(ns, mnt_ns, ns.inum);
	r->net_ns = BPF_CORE_READ(ns, net_ns, ns.inum);
	r->user_ns = BPF_CORE_READ(task, cred, user_ns, ns.inum);
	r->streams = stream_types(task);
	s->at = sizeof(*r);

	walk_path(s, BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt));
	r->path_len = put_path(s);
	walk_path(s, BPF_CORE_READ(task, fs, pwd.dentry), BPF_CORE_READ(task, fs, pwd.mnt));
	r->cwd_len = put_path(s);
	r->env_len = put_environment(s, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end));
	long name = bpf_probe_read_kernel_str(&s->data[s->at & (SLOT_DATA / 2 - 1)], 16, &task->comm);
	r->name_len = name > 0 ? name - 1 : 0;
	s->at += r->name_len;
	unsigned long args = BPF_CORE_READ(mm, arg_start);
	unsigned long args_end = BPF_CORE_READ(mm, arg_end);
	u32 length = args_end > args ? (args_end - args > 4095 ? 4095 : args_end - args) : 0;
	r->args_len = PUT(s, bpf_probe_read_user, args, length, 4095);
	send_slot(s, 1);
	give_slot();
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid) || !wanted(RECORD_FORK))
		return 0;
	struct record_fork r = {};
	fill_head_of(&r.head, RECORD_FORK, parent);
	r.child_pid = BPF_CORE_READ(child, tgid);
	r.child_started = start_ticks(child);
	send(&r, sizeof(r), 0);
	return 0;
}

/* The last thread's end is the process's; two that end at once may both tell it, user space keeps one. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	if (BPF_CORE_READ(task, signal, live.counter) != 0 || (BPF_CORE_READ(task, flags) & PF_KTHREAD_) || !wanted(RECORD_EXIT))
		return 0;
	struct record_exit r = {};
	fill_head_of(&r.head, RECORD_EXIT, task);
	r.code = BPF_CORE_READ(task, exit_code);
	send(&r, sizeof(r), 0);
	return 0;
}

#endif
