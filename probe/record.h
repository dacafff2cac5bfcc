/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROBE_RECORD_H
#define PROBE_RECORD_H

#include "base/compiler.h"
#include "base/err.h"
#include "check/check.h"

/*
 * Writes what the checks have read as a dump that --root takes: files of /proc, /sys, /dev, /boot
 * and /lib/modules cut down to the lines that are asked for, energy registers as text files, the
 * answers of acts, and the second energy readings under .probe/later. Never a serial number, an
 * instance id, a host name, an address, or a kernel address. @dir is made, or has to be empty.
 */
MUST_USE int record_write(const struct probe *p, const char *dir, struct err *err);

#endif
