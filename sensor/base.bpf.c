// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * The kernel sensor's base object: tp_btf programs and tracepoints, which every kernel from 5.8 with BTF takes.
 * Each part is a file of its own; they share the ring, the settings and the scratch memory of common.h.
 */
#include "common.h"
#include "path.h"
#include "process.h"
#include "network.h"
#include "files.h"
#include "privileges.h"

char LICENSE[] SEC("license") = "GPL";
