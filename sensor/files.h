/* Files: opened for writing, renamed, removed, changed in rights or owner, linked; a few read. */
#ifndef MOAT_FILES_H
#define MOAT_FILES_H

#include "network.h"
#include "path.h"

#define MODE_WRITE 0x2
#define MODE_CREATED 0x100000
#define TYPE_REGULAR 8
#define TYPE_BLOCK 6
#define TYPE_CHARACTER 2
#define AT_REMOVEDIR_ 0x200
#define PROC_MAGIC 0x9fa0
#define MAJOR_MEMORY 1
#define MAJOR_REGISTERS 202
#define AT_CWD (-100)
#define SAME_NS 1000000000ULL

enum file_action { FILE_WRITE = 1, FILE_CREATE, FILE_RENAME, FILE_DELETE, FILE_CHMOD, FILE_CHOWN, FILE_SETXATTR, FILE_LINK, FILE_SYMLINK, FILE_READ, FILE_NODE };

/* Four characters as they lie in memory. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TEXT4(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#else
#define TEXT4(a, b, c, d) ((u32)(d) | (u32)(c) << 8 | (u32)(b) << 16 | (u32)(a) << 24)
#endif

/* By the longest prefix: 1 is told, 2 is not. */
struct prefix { u32 bits; u8 path[PREFIX_SIZE]; };
struct {
	__uint(type, MOAT_MAP_LPM_TRIE);
	__uint(max_entries, 4096);
	__uint(map_flags, 1); /* no preallocation: the trie wants it so */
	__type(key, struct prefix);
	__type(value, u32);
} prefixes SEC(".maps");

/* What the last name of a path says of a file. */
#define NAME_READ_PATH 1    /* told when read, if the whole path is in `read_paths` */
#define NAME_WRITTEN 2      /* told when written, wherever it is */
#define NAME_READ_FOLDER 4  /* told when read, if the name with that of its folder is in `read_names` */
#define NAME_READ 8         /* told when read, wherever it is */
#define NAME_OF_PROCESS 16  /* in /proc: told when opened by another process than it is about */
#define NAME_NO_KEY 32      /* not told when read from a folder .ssh, as all else is */
#define NAME_SOCKET 64      /* told when connected to */

#define SHORT_NAME 64
struct short_name { u8 name[SHORT_NAME]; };
struct {
	__uint(type, MOAT_MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, struct short_name);
	__type(value, u32);
} names SEC(".maps");

struct folder_name { u8 folder[SHORT_NAME], name[SHORT_NAME]; };
struct {
	__uint(type, MOAT_MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, struct folder_name);
	__type(value, u32);
} read_names SEC(".maps");

struct long_name { u8 path[PREFIX_SIZE]; };
struct {
	__uint(type, MOAT_MAP_HASH);
	__uint(max_entries, 4096);
	__type(key, struct long_name);
	__type(value, u32);
} read_paths SEC(".maps");

struct file_key { u64 inode; u32 device, pad; };

/* Programs, by their file, whose file events are not told. */
struct {
	__uint(type, MOAT_MAP_HASH);
	__uint(max_entries, 1024);
	__type(key, struct file_key);
	__type(value, u32);
} quiet_programs SEC(".maps");

/* In the place of a device, which is never so large: what else is told once a second. */
#define OFTEN_CALLS 0xffffffff
#define OFTEN_PROCESSES 0xfffffffe
/* In a process number, which is never so large: that it read a file hides no write. */
#define OFTEN_READS 0x80000000
struct opened_key { u64 inode; u32 device, pid; };
struct opened { u64 time; u32 count, pad; };

/* The same file opened again and again by one process is told once a second. */
struct {
	__uint(type, MOAT_MAP_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct opened_key);
	__type(value, struct opened);
} opened_files SEC(".maps");

static __always_inline bool quiet_program(struct task_struct *task)
{
	struct config *c = get_config();
	if (!c || !c->quiet_programs)
		return 0;
	struct file_key key = {};
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);
	key.inode = BPF_CORE_READ(inode, i_ino);
	key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	return bpf_map_lookup_elem(&quiet_programs, &key) != 0;
}

/* The verdict over the text that begins at `from` in the slot and ends at s->at; room for the mark is there always. */
static __always_inline bool told_prefix(struct slot *s, u32 from)
{
	s->data[s->at & (SLOT_DATA - 1)] = 0;
	s->key.bits = PREFIX_SIZE * 8;
	if (bpf_probe_read_kernel(s->key.path, PREFIX_SIZE, &s->data[from & (SLOT_DATA / 2 - 1)]))
		return 0;
	u32 *verdict = bpf_map_lookup_elem(&prefixes, &s->key);
	return verdict && *verdict == 1;
}

/* False for a name that is too long; `to` has SHORT_NAME zeroes. */
static __always_inline bool read_name(u8 *to, struct dentry *dentry)
{
	u32 length = BPF_CORE_READ(dentry, d_name.len);
	if (length >= SHORT_NAME)
		return 0;
	bpf_probe_read_kernel(to, BOUND(length, SHORT_NAME - 1), BPF_CORE_READ(dentry, d_name.name));
	return 1;
}

static __always_inline u32 name_bits(struct dentry *dentry)
{
	struct short_name key = {};
	if (!read_name(key.name, dentry))
		return 0;
	u32 *bits = bpf_map_lookup_elem(&names, &key);
	return bits ? *bits : 0;
}

static __always_inline bool in_read_names(struct dentry *dentry)
{
	struct folder_name key = {};
	return read_name(key.folder, BPF_CORE_READ(dentry, d_parent)) && read_name(key.name, dentry) && bpf_map_lookup_elem(&read_names, &key);
}

/* Whatever its name: people call their keys as they like. What is public ends with .pub. */
static __always_inline bool in_ssh_folder(struct dentry *dentry)
{
	u32 length = BPF_CORE_READ(dentry, d_parent, d_name.len), text = 0;
	if (length != 4 || bpf_probe_read_kernel(&text, 4, BPF_CORE_READ(dentry, d_parent, d_name.name)) || text != TEXT4('.', 's', 's', 'h'))
		return 0;
	length = BPF_CORE_READ(dentry, d_name.len);
	return length < 4 || bpf_probe_read_kernel(&text, 4, BPF_CORE_READ(dentry, d_name.name) + length - 4) || text != TEXT4('.', 'p', 'u', 'b');
}

/* For a file of /proc/PID: whether that is another process than the current one. */
static __always_inline bool of_another_process(struct inode *inode)
{
	struct proc_inode *some = 0;
	if (BPF_CORE_READ(inode, i_sb, s_magic) != PROC_MAGIC || !bpf_core_field_exists(some->pid))
		return 0;
	struct proc_inode *of = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct task_struct *task = current_task();
	struct pid *pid = BPF_CORE_READ(of, pid);
	return pid && pid != BPF_CORE_READ(task, thread_pid) && pid != BPF_CORE_READ(task, group_leader, thread_pid);
}

enum read_reason { READ_UNTOLD, READ_IF_PATH, READ_TOLD };

static __always_inline enum read_reason read_reason(struct dentry *dentry, struct inode *inode, u32 bits)
{
	if ((bits & NAME_READ) || ((bits & NAME_READ_FOLDER) && in_read_names(dentry)) || ((bits & NAME_OF_PROCESS) && of_another_process(inode)))
		return READ_TOLD;
	if (!(bits & NAME_NO_KEY) && in_ssh_folder(dentry))
		return READ_TOLD;
	return bits & NAME_READ_PATH ? READ_IF_PATH : READ_UNTOLD;
}

/* True when this was told within the last second; otherwise `again` is how often it was not told since. */
static __always_inline bool told_just_now(struct opened_key *key, u64 now, u32 *again)
{
	struct opened *before = bpf_map_lookup_elem(&opened_files, key);
	if (before && now - before->time < SAME_NS) {
		__sync_fetch_and_add(&before->count, 1);
		return 1;
	}
	*again = before ? before->count : 0;
	struct opened fresh = { .time = now };
	bpf_map_update_elem(&opened_files, key, &fresh, BPF_ANY_);
	return 0;
}

/* Device files that give power over the machine: any disk, memory (major 1: mem, kmem, port), model-specific registers (202). */
static __always_inline bool powerful_device(u32 type, u32 major, u32 minor)
{
	if (type == TYPE_BLOCK)
		return 1;
	return type == TYPE_CHARACTER && (major == MAJOR_REGISTERS || (major == MAJOR_MEMORY && (minor == 1 || minor == 2 || minor == 4)));
}

SEC("tracepoint")
int on_open(struct trace_event_raw_sys_exit *ctx)
{
	if (ctx->ret < 0 || !wanted(RECORD_FILE))
		return 0;
	struct task_struct *task = current_task();
	struct file *file = file_of(task, ctx->ret);
	if (!file)
		return 0;
	u32 mode = BPF_CORE_READ(file, f_mode);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	u32 type = BPF_CORE_READ(inode, i_mode) >> 12;
	bool write = mode & MODE_WRITE;
	bool always = 0, of_process = 0;
	if (type == TYPE_REGULAR) {
		u32 bits = name_bits(dentry);
		of_process = bits & NAME_OF_PROCESS;
		if (write) {
			always = (bits & NAME_WRITTEN) || (of_process && of_another_process(inode));
		} else {
			enum read_reason reason = read_reason(dentry, inode, bits);
			if (reason == READ_UNTOLD)
				return 0;
			always = reason == READ_TOLD;
		}
	} else {
		u32 device = BPF_CORE_READ(inode, i_rdev);
		if (!write || !powerful_device(type, device >> 20, device & 0xfffff))
			return 0;
		always = 1;
	}
	if (quiet_program(task))
		return 0;
	bool created = mode & MODE_CREATED;
	struct opened_key key = {};
	u32 again = 0;
	u64 now = bpf_ktime_get_boot_ns();
	key.inode = BPF_CORE_READ(inode, i_ino);
	key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	key.pid = BPF_CORE_READ(task, tgid) | (write ? 0 : OFTEN_READS);
	/* Who goes through all processes would otherwise tell each of them. */
	if (of_process && always) {
		key.inode = BPF_CORE_READ(dentry, d_name.len);
		key.device = OFTEN_PROCESSES;
	}
	struct slot *s = take_slot();
	if (!s)
		return 0;
	struct record_file *r = (void *)s->data;
	s->at = sizeof(*r);
	walk_path(s, dentry, BPF_CORE_READ(file, f_path.mnt));
	u32 length = put_path(s);
	bool tell = always;
	if (write) {
		tell = told_prefix(s, sizeof(*r)) || always;
	} else if (!always) {
		__builtin_memset(s->long_name.path, 0, PREFIX_SIZE);
		bpf_probe_read_kernel(s->long_name.path, BOUND(length, PREFIX_SIZE - 1), &s->data[sizeof(*r)]);
		tell = bpf_map_lookup_elem(&read_paths, &s->long_name) != 0;
	}
	if (tell && (created || !told_just_now(&key, now, &again))) {
		fill_head_of(&r->head, RECORD_FILE, task);
		r->inode = BPF_CORE_READ(inode, i_ino);
		r->device = BPF_CORE_READ(inode, i_sb, s_dev);
		r->mode = BPF_CORE_READ(inode, i_mode);
		r->owner = BPF_CORE_READ(inode, i_uid.val);
		r->group = 0;
		r->again = again;
		r->action = write ? (created ? FILE_CREATE : FILE_WRITE) : FILE_READ;
		r->empty = BPF_CORE_READ(inode, i_size) == 0;
		r->path_len = length;
		r->from_len = 0;
		send_slot(s, 0);
	}
	give_slot();
	return 0;
}

/* Appends a string of the process; the end mark is left out. */
static __always_inline void put_user_string(struct slot *s, u64 text)
{
	u32 at = s->at;
	if (at > STRINGS_BEFORE_LAST)
		return;
	long length = bpf_probe_read_user_str(&s->data[at & (SLOT_DATA / 2 - 1)], 1024, (void *)text);
	if (length > 1)
		s->at = at + BOUND(length - 1, 1023);
}

/* Appends the folder that a relative path begins at, or the open file itself when there is no path. */
static __always_inline void put_named_path(struct slot *s, struct task_struct *task, s32 folder, u64 text)
{
	char first = 0;
	if (text)
		bpf_probe_read_user(&first, 1, (void *)text);
	if (first != '/') {
		struct file *file = folder == AT_CWD ? 0 : file_of(task, folder);
		struct dentry *dentry = file ? BPF_CORE_READ(file, f_path.dentry) : BPF_CORE_READ(task, fs, pwd.dentry);
		struct vfsmount *mounted = file ? BPF_CORE_READ(file, f_path.mnt) : BPF_CORE_READ(task, fs, pwd.mnt);
		walk_path(s, dentry, mounted);
		put_path(s);
		if (first == 0)
			return;
		u32 at = s->at;
		if (at <= STRINGS_BEFORE_LAST) {
			s->data[at & (SLOT_DATA / 2 - 1)] = '/';
			s->at = at + 1;
		}
	}
	put_user_string(s, text);
}

/* Which arguments of a system call mean what: four bits each. */
#define NONE 15
#define MEANING(action, path_folder, path, from_folder, from, first, second) \
	((action) | (path_folder) << 8 | (path) << 12 | (from_folder) << 16 | (from) << 20 | (first) << 24 | (u32)(second) << 28)
#define ARGUMENT(shift, otherwise) ({ \
	u32 which = meaning >> (shift) & 15; \
	which == NONE ? (u64)(otherwise) : a[which & 7]; })

/* One body for the end of all these system calls; those that failed are not told. */
static __noinline int changed(struct trace_event_raw_sys_exit *ctx, u32 meaning)
{
	if (ctx->ret != 0 || !wanted(RECORD_FILE))
		return 0;
	struct task_struct *task = current_task();
	if (quiet_program(task))
		return 0;
	u64 a[8] = {};
	system_call_arguments(a);
	u32 action = meaning & 255;
	s32 path_folder = ARGUMENT(8, AT_CWD), from_folder = ARGUMENT(16, AT_CWD);
	u64 path = ARGUMENT(12, 0), from = ARGUMENT(20, 0);
	u64 first = ARGUMENT(24, 0), second = ARGUMENT(28, 0);
	if (action == FILE_DELETE && (first & AT_REMOVEDIR_))
		return 0;
	if (action == FILE_NODE) {
		/* As user space writes it: the minor stands on both sides of the major. */
		u32 major = second >> 8 & 0xfff, minor = (second & 0xff) | (second >> 12 & 0xfff00);
		if (!powerful_device(first >> 12 & 15, major, minor))
			return 0;
		second = major << 20 | minor;
	}
	struct slot *s = take_slot();
	if (!s)
		return 0;
	struct record_file *r = (void *)s->data;
	s->at = sizeof(*r);
	put_named_path(s, task, path_folder, path);
	r->path_len = s->at - sizeof(*r);
	bool tell = told_prefix(s, sizeof(*r)) || action == FILE_NODE;
	u32 begin = s->at;
	if (action == FILE_SETXATTR || action == FILE_SYMLINK) {
		put_user_string(s, from);
	} else if (from) {
		put_named_path(s, task, from_folder, from);
		if (!tell)
			tell = told_prefix(s, begin);
	}
	r->from_len = s->at - begin;
	if (tell) {
		fill_head_of(&r->head, RECORD_FILE, task);
		r->inode = 0;
		r->device = 0;
		r->mode = first;
		r->owner = first;
		r->group = second;
		r->again = 0;
		r->action = action;
		r->empty = 0;
		if (!path) {
			struct file *file = file_of(task, path_folder);
			struct inode *inode = BPF_CORE_READ(file, f_inode);
			r->inode = BPF_CORE_READ(inode, i_ino);
			r->device = BPF_CORE_READ(inode, i_sb, s_dev);
		}
		send_slot(s, 0);
	}
	give_slot();
	return 0;
}

#define CHANGE(name, ...) \
	SEC("tracepoint/syscalls/sys_exit_" #name) \
	int change_##name(struct trace_event_raw_sys_exit *ctx) { return changed(ctx, MEANING(__VA_ARGS__)); }

/*     system call, action, folder and path, folder and other path, then mode, or owner and group, or flags */
CHANGE(rename, FILE_RENAME, NONE, 1, NONE, 0, NONE, NONE)
CHANGE(renameat, FILE_RENAME, 2, 3, 0, 1, NONE, NONE)
CHANGE(renameat2, FILE_RENAME, 2, 3, 0, 1, NONE, NONE)
CHANGE(unlink, FILE_DELETE, NONE, 0, NONE, NONE, NONE, NONE)
CHANGE(unlinkat, FILE_DELETE, 0, 1, NONE, NONE, 2, NONE)
CHANGE(chmod, FILE_CHMOD, NONE, 0, NONE, NONE, 1, NONE)
CHANGE(fchmod, FILE_CHMOD, 0, NONE, NONE, NONE, 1, NONE)
CHANGE(fchmodat, FILE_CHMOD, 0, 1, NONE, NONE, 2, NONE)
CHANGE(fchmodat2, FILE_CHMOD, 0, 1, NONE, NONE, 2, NONE)
CHANGE(chown, FILE_CHOWN, NONE, 0, NONE, NONE, 1, 2)
CHANGE(lchown, FILE_CHOWN, NONE, 0, NONE, NONE, 1, 2)
CHANGE(fchown, FILE_CHOWN, 0, NONE, NONE, NONE, 1, 2)
CHANGE(fchownat, FILE_CHOWN, 0, 1, NONE, NONE, 2, 3)
CHANGE(setxattr, FILE_SETXATTR, NONE, 0, NONE, 1, NONE, NONE)
CHANGE(lsetxattr, FILE_SETXATTR, NONE, 0, NONE, 1, NONE, NONE)
CHANGE(fsetxattr, FILE_SETXATTR, 0, NONE, NONE, 1, NONE, NONE)
CHANGE(link, FILE_LINK, NONE, 1, NONE, 0, NONE, NONE)
CHANGE(linkat, FILE_LINK, 2, 3, 0, 1, NONE, NONE)
CHANGE(symlink, FILE_SYMLINK, NONE, 1, NONE, 0, NONE, NONE)
CHANGE(symlinkat, FILE_SYMLINK, 1, 2, NONE, 0, NONE, NONE)
CHANGE(mknod, FILE_NODE, NONE, 0, NONE, NONE, 1, 2)
CHANGE(mknodat, FILE_NODE, 0, 1, NONE, NONE, 2, 3)

#endif
