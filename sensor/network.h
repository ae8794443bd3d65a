/* Connections, listeners, DNS questions, and the first bytes of what is spoken outwards. */
#ifndef MOAT_NETWORK_H
#define MOAT_NETWORK_H

#include "common.h"

#define FAMILY_UNIX 1
#define FAMILY_INET 2
#define FAMILY_INET6 10
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define STATE_ESTABLISHED 1
#define STATE_SYN_SENT 2
#define STATE_CLOSE 7
#define STATE_LISTEN 10
#define PORT_DNS 53
#define PAYLOAD 256
#define FLOWS 16384
#define S_IFSOCK_TYPE 12

enum socket_event { EVENT_CONNECTED = 1, EVENT_REFUSED, EVENT_UNANSWERED, EVENT_ACCEPTED, EVENT_LISTENS, EVENT_BOUND };

struct flow_key { u8 local[16], remote[16]; u16 local_port, remote_port; };
struct opening { struct head head; u64 told; };

/* Who called connect(), by socket: the answer comes in an interrupt, when another process may be running. */
struct {
	__uint(type, MOAT_MAP_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, u64);
	__type(value, struct opening);
} openings SEC(".maps");

/* Connections that have sent nothing yet. */
struct {
	__uint(type, MOAT_MAP_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow_key);
	__type(value, struct head);
} unspoken SEC(".maps");

/* UDP conversations that were told. */
struct {
	__uint(type, MOAT_MAP_LRU_HASH);
	__uint(max_entries, FLOWS);
	__type(key, struct flow_key);
	__type(value, u64);
} udp_flows SEC(".maps");

static __always_inline void map_ipv4(u8 *to, u32 address)
{
	__builtin_memset(to, 0, 10);
	to[10] = to[11] = 0xff;
	__builtin_memcpy(to + 12, &address, 4);
}

/* False for what is no internet socket. */
static __always_inline bool socket_ends(const struct sock *sk, u8 *local, u8 *remote, u16 *local_port, u16 *remote_port)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == FAMILY_INET) {
		map_ipv4(local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_ipv4(remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else if (family == FAMILY_INET6) {
		struct in6_addr a = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
		__builtin_memcpy(local, &a, 16);
		a = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);
		__builtin_memcpy(remote, &a, 16);
	} else {
		return 0;
	}
	*local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	*remote_port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	return 1;
}

static __always_inline bool is_loopback(const u8 *address)
{
	const u32 *words = (const u32 *)address;
	if (words[0] || words[1])
		return 0;
	return (words[2] == __builtin_bswap32(0xffff) && address[12] == 127) || (words[2] == 0 && words[3] == __builtin_bswap32(1));
}

static __always_inline void tell_socket(const struct sock *sk, const struct head *who, u8 event, bool keep)
{
	struct record_socket r = {};
	if (!socket_ends(sk, r.local, r.remote, &r.local_port, &r.remote_port))
		return;
	if (who) {
		r.head = *who;
		r.head.time = bpf_ktime_get_boot_ns();
	} else {
		fill_head(&r.head, RECORD_SOCKET);
	}
	/* Both ends of a connection to oneself are here: the one who calls is told. */
	if (event == EVENT_ACCEPTED && is_loopback(r.remote))
		return;
	r.protocol = PROTOCOL_TCP;
	r.event = event;
	send(&r, sizeof(r), 1);
	if (keep && who) {
		struct flow_key key = {};
		__builtin_memcpy(key.local, r.local, 16);
		__builtin_memcpy(key.remote, r.remote, 16);
		key.local_port = r.local_port;
		key.remote_port = r.remote_port;
		bpf_map_update_elem(&unspoken, &key, &r.head, BPF_ANY_);
	}
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_socket_state, const struct sock *sk, int old, int state)
{
	u64 id = (u64)sk;
	if (state == STATE_SYN_SENT) {
		if (BPF_CORE_READ(sk, sk_protocol) != PROTOCOL_TCP || !wanted(RECORD_SOCKET))
			return 0;
		struct opening o = {};
		fill_head(&o.head, RECORD_SOCKET);
		bpf_map_update_elem(&openings, &id, &o, BPF_ANY_);
	} else if (old == STATE_SYN_SENT) {
		struct opening *o = bpf_map_lookup_elem(&openings, &id);
		if (!o)
			return 0;
		struct head who = o->head;
		u64 told = o->told;
		bpf_map_delete_elem(&openings, &id);
		if (state == STATE_ESTABLISHED)
			tell_socket(sk, &who, EVENT_CONNECTED, 1);
		else if (state == STATE_CLOSE && !told)
			tell_socket(sk, &who, EVENT_REFUSED, 0);
	} else if (state == STATE_LISTEN) {
		if (BPF_CORE_READ(sk, sk_protocol) == PROTOCOL_TCP && wanted(RECORD_SOCKET))
			tell_socket(sk, 0, EVENT_LISTENS, 0);
	}
	return 0;
}

/* The first call goes unanswered for a second: told then and not only when it is given up after minutes. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(on_retransmit, const struct sock *sk)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_state) != STATE_SYN_SENT)
		return 0;
	u64 id = (u64)sk;
	struct opening *o = bpf_map_lookup_elem(&openings, &id);
	if (!o || o->told)
		return 0;
	o->told = 1;
	struct head who = o->head;
	tell_socket(sk, &who, EVENT_UNANSWERED, 0);
	return 0;
}

static __always_inline struct file *file_of(struct task_struct *task, u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = 0;
	if (fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), files + fd))
		return 0;
	return file;
}

/* accept and accept4. */
SEC("tracepoint")
int on_accept(struct trace_event_raw_sys_exit *ctx)
{
	if (ctx->ret < 0 || !wanted(RECORD_SOCKET))
		return 0;
	struct file *file = file_of(current_task(), ctx->ret);
	if (!file || BPF_CORE_READ(file, f_inode, i_mode) >> 12 != S_IFSOCK_TYPE)
		return 0;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	tell_socket(sk, 0, EVENT_ACCEPTED, 0);
	return 0;
}

/*
 * Programs of the root control group see every packet that a socket of this machine sends, whatever system call
 * it came by. They can be preempted, so they reserve room in the ring instead of using a slot.
 */
struct dns_room { struct record_dns r; u8 payload[PAYLOAD]; };
struct flow_room { struct record_flow r; u8 payload[PAYLOAD]; };

static __always_inline void lost_one(void)
{
	struct cpu_count *n = get_count();
	if (n)
		__sync_fetch_and_add(&n->lost, 1);
}

static __always_inline void sent_one(void)
{
	struct cpu_count *n = get_count();
	if (n)
		__sync_fetch_and_add(&n->sent, 1);
}

static __always_inline void tell_dns(struct __sk_buff *skb, const struct flow_key *key, u32 at, u32 length)
{
	u8 flags;
	/* The top bit of the third byte tells an answer from a question. */
	if (length < 13 || bpf_skb_load_bytes(skb, at + 2, &flags, 1) || (flags & 0x80) || !wanted(RECORD_DNS))
		return;
	struct dns_room *room = bpf_ringbuf_reserve(&ring, sizeof(*room), 0);
	if (!room) {
		lost_one();
		return;
	}
	__builtin_memset(&room->r, 0, sizeof(room->r));
	fill_head(&room->r.head, RECORD_DNS);
	__builtin_memcpy(room->r.remote, key->remote, 16);
	room->r.remote_port = key->remote_port;
	/* At least one byte, or older kernels refuse the program. */
	u64 size = BOUND(length - 1, PAYLOAD - 1) + 1;
	if (bpf_skb_load_bytes(skb, at, room->payload, size))
		size = 0;
	room->r.payload_len = size;
	bpf_ringbuf_submit(room, wake_flags(0));
	sent_one();
}

static __always_inline void tell_udp(struct flow_key *key)
{
	struct config *c = get_config();
	if (!c || key->local_port < c->first_ephemeral || bpf_map_lookup_elem(&udp_flows, key) || !wanted(RECORD_SOCKET))
		return;
	u64 now = bpf_ktime_get_boot_ns();
	bpf_map_update_elem(&udp_flows, key, &now, BPF_ANY_);
	struct record_socket r = {};
	fill_head(&r.head, RECORD_SOCKET);
	__builtin_memcpy(r.local, key->local, 16);
	__builtin_memcpy(r.remote, key->remote, 16);
	r.local_port = key->local_port;
	r.remote_port = key->remote_port;
	r.protocol = PROTOCOL_UDP;
	r.event = EVENT_CONNECTED;
	send(&r, sizeof(r), 1);
}

static __always_inline void tell_first_bytes(struct __sk_buff *skb, struct flow_key *key, u32 at, u32 length)
{
	struct head *who = bpf_map_lookup_elem(&unspoken, key);
	if (!who)
		return;
	struct flow_room *room = bpf_ringbuf_reserve(&ring, sizeof(*room), 0);
	if (!room) {
		lost_one();
		return;
	}
	__builtin_memset(&room->r, 0, sizeof(room->r));
	room->r.head = *who;
	room->r.head.type = RECORD_FLOW;
	room->r.head.time = bpf_ktime_get_boot_ns();
	__builtin_memcpy(room->r.local, key->local, 16);
	__builtin_memcpy(room->r.remote, key->remote, 16);
	room->r.local_port = key->local_port;
	room->r.remote_port = key->remote_port;
	/* At least one byte, or older kernels refuse the program. */
	u64 size = BOUND(length - 1, PAYLOAD - 1) + 1;
	if (bpf_skb_load_bytes(skb, at, room->payload, size))
		size = 0;
	room->r.payload_len = size;
	bpf_ringbuf_submit(room, wake_flags(1));
	sent_one();
	bpf_map_delete_elem(&unspoken, key);
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	struct flow_key key = {};
	u8 head[40];
	u32 transport;
	u8 protocol;
	if (bpf_skb_load_bytes(skb, 0, head, 20))
		return 1;
	if (head[0] >> 4 == 4) {
		/* A fragment after the first has no ports. */
		if (((head[6] & 0x1f) | head[7]) != 0)
			return 1;
		transport = (head[0] & 15) * 4;
		protocol = head[9];
		map_ipv4(key.local, *(u32 *)(head + 12));
		map_ipv4(key.remote, *(u32 *)(head + 16));
	} else {
		if (bpf_skb_load_bytes(skb, 0, head, 40))
			return 1;
		transport = 40;
		protocol = head[6];
		__builtin_memcpy(key.local, head + 8, 16);
		__builtin_memcpy(key.remote, head + 24, 16);
	}
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return 1;
	u8 ports[16];
	if (bpf_skb_load_bytes(skb, transport, ports, protocol == PROTOCOL_TCP ? 16 : 8))
		return 1;
	key.local_port = ports[0] << 8 | ports[1];
	key.remote_port = ports[2] << 8 | ports[3];
	u32 at = transport + (protocol == PROTOCOL_TCP ? (ports[12] >> 4) * 4 : 8);
	if (at >= skb->len)
		return 1;
	if (protocol == PROTOCOL_TCP)
		tell_first_bytes(skb, &key, at, skb->len - at);
	else if (key.remote_port == PORT_DNS)
		tell_dns(skb, &key, at, skb->len - at);
	else
		tell_udp(&key);
	return 1;
}

/* A UDP service has no other sign than being bound; 1 lets it happen. */
static __always_inline void tell_bound(u8 *local, u32 port)
{
	struct config *c = get_config();
	if (port == 0 || !c || port >= c->first_ephemeral || !wanted(RECORD_SOCKET))
		return;
	struct record_socket r = {};
	fill_head(&r.head, RECORD_SOCKET);
	__builtin_memcpy(r.local, local, 16);
	r.local_port = port;
	r.protocol = PROTOCOL_UDP;
	r.event = EVENT_BOUND;
	send(&r, sizeof(r), 1);
}

SEC("cgroup/post_bind4")
int on_bind4(struct bpf_sock *sk)
{
	u8 local[16];
	if (sk->protocol != PROTOCOL_UDP)
		return 1;
	map_ipv4(local, sk->src_ip4);
	tell_bound(local, sk->src_port);
	return 1;
}

SEC("cgroup/post_bind6")
int on_bind6(struct bpf_sock *sk)
{
	u32 local[4];
	if (sk->protocol != PROTOCOL_UDP)
		return 1;
	local[0] = sk->src_ip6[0];
	local[1] = sk->src_ip6[1];
	local[2] = sk->src_ip6[2];
	local[3] = sk->src_ip6[3];
	tell_bound((u8 *)local, sk->src_port);
	return 1;
}

#endif
