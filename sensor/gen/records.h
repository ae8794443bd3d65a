/* Generated from schema/kernel.yml by `npm run gen`. Do not edit. */
#ifndef MOAT_RECORDS_H
#define MOAT_RECORDS_H

enum record_type {
	RECORD_EXEC = 1,
	RECORD_FORK = 2,
	RECORD_EXIT = 3,
	RECORD_SOCKET = 4,
	RECORD_FLOW = 5,
	RECORD_DNS = 6,
	RECORD_FILE = 7,
	RECORD_CALL = 8,
	RECORD_CREDENTIALS = 9,
	RECORD_DENIED = 10,
	RECORD_LOCAL = 11,
};

struct head {
	u8 type;
	u8 flags;
	u8 pad2[2];
	u32 uid;
	u32 pid;
	u32 parent_pid;
	u64 time;
	u64 started;
	u64 cgroup;
};
_Static_assert(sizeof(struct head) == 40, "head");

struct record_exec {
	struct head head;
	u64 inode;
	u64 parent_started;
	u32 device;
	u32 euid;
	u32 tty;
	u32 pid_ns;
	u32 mnt_ns;
	u32 net_ns;
	u32 user_ns;
	u32 links;
	u16 streams;
	u16 path_len;
	u16 cwd_len;
	u16 env_len;
	u16 name_len;
	u16 args_len;
	u8 pad100[4];
};
_Static_assert(sizeof(struct record_exec) == 104, "exec");

struct record_fork {
	struct head head;
	u32 child_pid;
	u8 pad44[4];
	u64 child_started;
};
_Static_assert(sizeof(struct record_fork) == 56, "fork");

struct record_exit {
	struct head head;
	u32 code;
	u8 pad44[4];
};
_Static_assert(sizeof(struct record_exit) == 48, "exit");

struct record_socket {
	struct head head;
	u8 local[16];
	u8 remote[16];
	u16 local_port;
	u16 remote_port;
	u8 protocol;
	u8 event;
	u8 pad78[2];
};
_Static_assert(sizeof(struct record_socket) == 80, "socket");

struct record_flow {
	struct head head;
	u8 local[16];
	u8 remote[16];
	u16 local_port;
	u16 remote_port;
	u16 payload_len;
	u8 pad78[2];
};
_Static_assert(sizeof(struct record_flow) == 80, "flow");

struct record_dns {
	struct head head;
	u8 remote[16];
	u16 remote_port;
	u16 payload_len;
	u8 pad60[4];
};
_Static_assert(sizeof(struct record_dns) == 64, "dns");

struct record_file {
	struct head head;
	u64 inode;
	u32 device;
	u32 mode;
	u32 owner;
	u32 group;
	u32 again;
	u8 action;
	u8 empty;
	u16 path_len;
	u16 from_len;
	u8 pad74[6];
};
_Static_assert(sizeof(struct record_file) == 80, "file");

struct record_call {
	struct head head;
	u64 number;
	u64 inode;
	s32 result;
	u32 target;
	u8 call;
	u8 pad65[1];
	u16 path_len;
	u16 source_len;
	u16 type_len;
};
_Static_assert(sizeof(struct record_call) == 72, "call");

struct record_credentials {
	struct head head;
	u64 capabilities;
	u32 euid;
	u32 gid;
	u32 egid;
	u8 pad60[4];
};
_Static_assert(sizeof(struct record_credentials) == 64, "credentials");

struct record_denied {
	struct head head;
	u64 inode;
	u32 device;
	u16 path_len;
	u8 pad54[2];
};
_Static_assert(sizeof(struct record_denied) == 56, "denied");

struct record_local {
	struct head head;
	s32 result;
	u16 path_len;
	u8 pad46[2];
};
_Static_assert(sizeof(struct record_local) == 48, "local");

#endif
