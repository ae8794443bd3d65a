/* Paths by walking dentries and mounts by hand: bpf_d_path is refused in nearly all programs. */
#ifndef MOAT_PATH_H
#define MOAT_PATH_H

#include "common.h"

/* Names that one path may have; a deeper one keeps its last names. */
#define MAX_NAMES 40

/* Parent and name of a dentry, as they stand one behind the other in the kernels we know. */
struct named { struct dentry *parent; u32 hash, length; const unsigned char *name; };

/* In one call where they do, which the object learns when it is loaded. */
static __always_inline void read_named(struct named *to, struct dentry *dentry)
{
	u32 parent = bpf_core_field_offset(struct dentry, d_parent), name = bpf_core_field_offset(struct dentry, d_name);
	if (name == parent + 8 && bpf_core_field_offset(struct qstr, len) == 4 && bpf_core_field_offset(struct qstr, name) == 8) {
		if (bpf_probe_read_kernel(to, sizeof(*to), (void *)dentry + parent))
			__builtin_memset(to, 0, sizeof(*to));
		return;
	}
	to->parent = BPF_CORE_READ(dentry, d_parent);
	to->length = BPF_CORE_READ(dentry, d_name.len);
	to->name = BPF_CORE_READ(dentry, d_name.name);
}

/*
 * One name further towards the root; 0 at the end. A function of its own, for the compiler otherwise lays the loop out
 * so that it is entered in the middle, which kernels before 6.8 take for an endless one.
 */
static __noinline int walk_step(struct slot *s)
{
	struct dentry *at = s->dentry;
	if (at == s->root) {
		struct mount *m = (void *)s->vfsmount - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = BPF_CORE_READ(m, mnt_parent);
		if (up == m || !up)
			return 0;
		struct vfsmount *mounted = (void *)up + bpf_core_field_offset(struct mount, mnt);
		s->dentry = BPF_CORE_READ(m, mnt_mountpoint);
		s->vfsmount = mounted;
		s->root = BPF_CORE_READ(mounted, mnt_root);
		return 1;
	}
	struct named named;
	read_named(&named, at);
	struct dentry *parent = named.parent;
	u32 length = named.length & (NAME_SIZE - 1);
	u32 position = s->path_at;
	if (position < length + 1 || position > PATH_SIZE)
		return 0;
	position -= length;
	bpf_probe_read_kernel(&s->path[position & (PATH_SIZE - 1)], length, named.name);
	position -= 1;
	s->path[position & (PATH_SIZE - 1)] = '/';
	s->path_at = position;
	/* A name that hangs nowhere, such as that of a memfd. */
	if (at == parent)
		return 0;
	s->dentry = parent;
	return 1;
}

/*
 * Writes the path from its end to its start into s->path, so that it stands at s->path_at up to PATH_SIZE.
 * It is the path as the process's own mount namespace has it, up to the namespace's root.
 */
static __always_inline void walk_path(struct slot *s, struct dentry *dentry, struct vfsmount *vfsmount)
{
	s->path_at = PATH_SIZE;
	s->dentry = dentry;
	s->vfsmount = vfsmount;
	s->root = BPF_CORE_READ(vfsmount, mnt_root);
	for (int i = 0; i < MAX_NAMES; i++) {
		if (!walk_step(s))
			break;
	}
}

/* Appends the path that was walked; its beginning when it is too long. */
static __always_inline u32 put_path(struct slot *s)
{
	u32 from = s->path_at;
	if (from > PATH_SIZE)
		return 0;
	return PUT(s, bpf_probe_read_kernel, &s->path[from & (PATH_SIZE - 1)], PATH_SIZE - from, 1023);
}

#endif
