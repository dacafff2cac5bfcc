/* SPDX-License-Identifier: Apache-2.0 */
/* Who fills in the families of metrics.c. Each adds its lines, or none where there is nothing to
   say: absent, never zero. */
#ifndef EXPOSE_EMIT_H
#define EXPOSE_EMIT_H

#include "expose/metrics.h"

typedef void emit_fn(struct buf *to, const struct metric *m, const struct snapshot *s);

/* emit_node.c */
emit_fn emit_node_joules, emit_node_active_joules, emit_node_idle_joules, emit_node_watts,
    emit_node_active_watts, emit_node_idle_watts, emit_usage_ratio, emit_cpu_info, emit_power_meter,
    emit_watts_bound, emit_unattributed_joules, emit_unattributed_watts, emit_ended_joules,
    emit_unlisted_joules, emit_conservation_error, emit_coverage;

/* emit_process.c */
emit_fn emit_process_joules, emit_process_watts, emit_process_seconds;

/* emit_self.c */
emit_fn emit_build_info, emit_accounting, emit_refresh_duration, emit_refreshes, emit_lost_exits,
    emit_rejected, emit_source_changes, emit_config_ignored, emit_self_cpu, emit_self_resident,
    emit_self_virtual, emit_self_start, emit_self_fds;

#endif
