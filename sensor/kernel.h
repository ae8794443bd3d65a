/* The few kernel structures that the sensor reads; CO-RE moves the offsets to those of the running kernel. */
#ifndef MOAT_KERNEL_H
#define MOAT_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
typedef u16 __u16;
typedef u32 __u32;
typedef s32 __s32;
typedef u64 __u64;
typedef s64 __s64;
typedef u8 __u8;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;
typedef _Bool bool;

enum { false_ = 0, true_ = 1 };
enum bpf_map_type_ { MOAT_MAP_HASH = 1, MOAT_MAP_ARRAY = 2, MOAT_MAP_PERCPU_ARRAY = 6, MOAT_MAP_LRU_HASH = 9, MOAT_MAP_LPM_TRIE = 11, MOAT_MAP_RINGBUF = 27 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head { struct list_head *next, *prev; };
typedef struct { u32 val; } kuid_t;
struct ns_common { u32 inum; };
struct pid_namespace { struct ns_common ns; };
struct mnt_namespace { struct ns_common ns; };
struct net { struct ns_common ns; };
struct user_namespace { struct ns_common ns; };
struct nsproxy { struct mnt_namespace *mnt_ns; struct pid_namespace *pid_ns_for_children; struct net *net_ns; };
typedef struct { u32 val; } kgid_t;
typedef struct { u64 val; } kernel_cap_t;
struct cred { kuid_t uid, euid; kgid_t gid, egid; kernel_cap_t cap_effective; struct user_namespace *user_ns; };
struct qstr { u32 len; const unsigned char *name; };
struct super_block { u32 s_dev; unsigned long s_magic; };
struct inode { u16 i_mode; kuid_t i_uid; u32 i_nlink; unsigned long i_ino; struct super_block *i_sb; u32 i_rdev; s64 i_size; };
struct dentry { struct dentry *d_parent; struct qstr d_name; struct inode *d_inode; };
struct vfsmount { struct dentry *mnt_root; struct super_block *mnt_sb; };
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; };
struct path { struct vfsmount *mnt; struct dentry *dentry; };
struct file { struct path f_path; struct inode *f_inode; u32 f_mode; u32 f_flags; void *private_data; };
struct fs_struct { struct path pwd; };
struct fdtable { u32 max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };
struct tty_driver { s32 major, minor_start; };
struct tty_struct { struct tty_driver *driver; s32 index; };
typedef struct { s32 counter; } atomic_t;
struct signal_struct { atomic_t live; struct tty_struct *tty; };
struct mm_struct { unsigned long start_stack, arg_start, arg_end, env_start, env_end; struct file *exe_file; };
struct linux_binprm { struct file *file; const char *filename; };
struct kernfs_node { u64 id; };
struct cgroup { struct kernfs_node *kn; };
struct css_set { struct cgroup *dfl_cgrp; };
struct in6_addr { union { u8 u6_addr8[16]; } in6_u; };
struct sock_common {
	u16 skc_family;
	u16 skc_dport, skc_num;
	u32 skc_daddr, skc_rcv_saddr;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	volatile unsigned char skc_state;
};
struct sock { struct sock_common __sk_common; u16 sk_protocol; };
struct socket { struct sock *sk; };
struct unix_sock { struct sock sk; struct path path; struct sock *peer; };
struct pid;
struct proc_inode { struct pid *pid; struct inode vfs_inode; };
struct sk_buff;
struct module { char name[56]; };
enum bpf_func_id___some { BPF_FUNC_task_pt_regs___some = 1 };

struct task_struct {
	s32 pid, tgid, exit_code;
	u32 flags;
	void *stack;
	u64 start_boottime;
	struct task_struct *real_parent, *group_leader;
	struct pid *thread_pid;
	const struct cred *real_cred, *cred;
	char comm[16];
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
	struct signal_struct *signal;
};
/* before 5.5 */
struct task_struct___old { u64 real_start_time; };

/* Registers at the entry of a system call: which of the two exists is known when the object is loaded. */
struct pt_regs { unsigned long some; };
struct pt_regs___x86 { unsigned long di, si, dx, r10, r8, r9, orig_ax; };
struct pt_regs___arm64 { u64 regs[31]; u64 orig_x0; };

#pragma clang attribute pop

/* What programs are handed; not moved by CO-RE (the verifier translates the first two). */
struct __sk_buff { u32 len; };
struct bpf_sock { u32 bound_dev_if, family, type, protocol, mark, priority, src_ip4, src_ip6[4], src_port; };
struct trace_event_raw_sys_exit { u64 common; long id; long ret; };

#endif
