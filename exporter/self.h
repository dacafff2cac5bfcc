/* SPDX-License-Identifier: Apache-2.0 */
/* What the exporter itself uses: the process_* metrics that every exporter has. */
#ifndef EXPORTER_SELF_H
#define EXPORTER_SELF_H

#include "base/rootfs.h"
#include "expose/snapshot.h"

/* From /proc/self of @own, this very process's view; a field that cannot be read is < 0. */
void self_read(const struct rootfs *own, struct self_usage *ret);

/* Pure: field 22 of a /proc/PID/stat (start, clock ticks after boot), 0 if it is not there. The
   command's name may hold blanks and parentheses. */
uint64_t self_parse_start_ticks(const char *stat);

#endif
