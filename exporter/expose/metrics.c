/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/metrics.h"

#include "expose/emit.h"
#include "expose/listing.h"
#include "expose/origin.h"
#include "expose/text.h"

#define NODE_ZONE "node_name, path, zone"
#define PROCESS   "comm, container_id, exe, node_name, pid, type, vm_id"
#define COUNTER   METRIC_COUNTER
#define GAUGE     METRIC_GAUGE

const struct metric metrics_table[] = {
    { "kepler_build_info", GAUGE, 0, false,
      "A metric with a constant '1' value labeled with version information",
      "arch, branch, goversion, revision, version", emit_build_info },

    { "kepler_node_cpu_joules_total", COUNTER, LEVEL_NODE, true,
      "Energy consumption of cpu at node level in joules", NODE_ZONE, emit_node_joules },
    { "kepler_node_cpu_watts", GAUGE, LEVEL_NODE, true,
      "Power consumption of cpu at node level in watts", NODE_ZONE, emit_node_watts },
    { "kepler_node_cpu_active_joules_total", COUNTER, LEVEL_NODE, true,
      "Energy consumption of cpu in active state at node level in joules", NODE_ZONE,
      emit_node_active_joules },
    { "kepler_node_cpu_active_watts", GAUGE, LEVEL_NODE, true,
      "Power consumption of cpu in active state at node level in watts", NODE_ZONE,
      emit_node_active_watts },
    { "kepler_node_cpu_idle_joules_total", COUNTER, LEVEL_NODE, true,
      "Energy consumption of cpu in idle state at node level in joules", NODE_ZONE,
      emit_node_idle_joules },
    { "kepler_node_cpu_idle_watts", GAUGE, LEVEL_NODE, true,
      "Power consumption of cpu in idle state at node level in watts", NODE_ZONE,
      emit_node_idle_watts },
    { "kepler_node_cpu_usage_ratio", GAUGE, LEVEL_NODE, false,
      "CPU usage ratio of a node (value between 0.0 and 1.0), from the run time of all tasks",
      "node_name", emit_usage_ratio },
    { "kepler_node_cpu_info", GAUGE, LEVEL_NODE, false, "CPU information from procfs",
      "core_id, model_name, physical_id, processor, vendor_id", emit_cpu_info },
    { "kepler_node_cpu_power_meter", GAUGE, LEVEL_NODE, false,
      "Where the watts of a zone come from, always 1: quality is measured or estimated",
      "model, node_name, quality, scope, source, zone", emit_power_meter },
    { "kepler_node_cpu_watts_bound", GAUGE, LEVEL_NODE, true,
      "Power between which the true value lies, in watts; both are the reading where it is measured",
      "bound, node_name, zone", emit_watts_bound },
    { "kepler_node_cpu_unattributed_joules_total", COUNTER, LEVEL_NODE, true,
      "Active energy that is no process's, in joules: interrupts and lost exit records",
      "node_name, zone", emit_unattributed_joules },
    { "kepler_node_cpu_unattributed_watts", GAUGE, LEVEL_NODE, true,
      "Active power that is no process's, in watts", "node_name, zone", emit_unattributed_watts },
    { "kepler_node_cpu_ended_joules_total", COUNTER, LEVEL_NODE, true,
      "Energy of ended processes that have no series of their own (any more), in joules",
      "node_name, zone", emit_ended_joules },
    { "kepler_node_cpu_unlisted_joules", GAUGE, LEVEL_NODE, true,
      "Energy of known processes without a series, in joules: left out by --process.top or --metrics",
      "node_name, zone", emit_unlisted_joules },
    { "kepler_node_cpu_conservation_error_ratio", GAUGE, LEVEL_NODE, false,
      "Node energy minus the sum of its parts, over node energy, largest of the zones", "node_name",
      emit_conservation_error },
    { "kepler_node_cpu_accounting_coverage_ratio", GAUGE, LEVEL_NODE, false,
      "CPU time of all tasks over what an independent counter saw, last minute",
      "node_name, reference", emit_coverage },

    { "kepler_process_cpu_joules_total", COUNTER, LEVEL_PROCESS, true,
      "Energy consumption of cpu at process level in joules",
      "comm, container_id, exe, node_name, pid, state, type, vm_id, zone", emit_process_joules },
    { "kepler_process_cpu_watts", GAUGE, LEVEL_PROCESS, true,
      "Power consumption of cpu at process level in watts",
      "comm, container_id, exe, node_name, pid, state, type, vm_id, zone", emit_process_watts },
    { "kepler_process_cpu_seconds_total", COUNTER, LEVEL_PROCESS, false,
      "Total user and system time of cpu at process level in seconds", PROCESS,
      emit_process_seconds },

    { "kepler_exporter_accounting", GAUGE, 0, false,
      "How run time is accounted, always 1: ebpf (exact) or proc (misses what lives shorter than "
      "an interval)",
      "accounting", emit_accounting },
    { "kepler_exporter_refresh_duration_seconds", GAUGE, 0, false,
      "Time that the last refresh took, in seconds", "", emit_refresh_duration },
    { "kepler_exporter_refreshes_total", COUNTER, 0, false, "Refreshes since start", "",
      emit_refreshes },
    { "kepler_exporter_lost_exits_total", COUNTER, 0, false,
      "Ended processes whose record found no room; their energy is unattributed", "",
      emit_lost_exits },
    { "kepler_exporter_rejected_readings_total", COUNTER, 0, false,
      "Power readings that could not be true or could not be had", "", emit_rejected },
    { "kepler_exporter_source_changes_total", COUNTER, 0, false,
      "Changes of the power source since start", "", emit_source_changes },
    { "kepler_exporter_config_ignored", GAUGE, 0, false,
      "Configuration keys that are set and ignored on purpose, always 1", "key",
      emit_config_ignored },

    { "process_cpu_seconds_total", COUNTER, 0, false,
      "Total user and system CPU time spent in seconds", "", emit_self_cpu },
    { "process_resident_memory_bytes", GAUGE, 0, false, "Resident memory size in bytes", "",
      emit_self_resident },
    { "process_virtual_memory_bytes", GAUGE, 0, false, "Virtual memory size in bytes", "",
      emit_self_virtual },
    { "process_start_time_seconds", GAUGE, 0, false,
      "Start time of the process since unix epoch in seconds", "", emit_self_start },
    { "process_open_fds", GAUGE, 0, false, "Number of open file descriptors", "", emit_self_fds },
};
const size_t metrics_count = ARRAY_LEN(metrics_table);

/* " (source powercap, measured)" */
static void add_source(struct buf *to, const struct meter_reading *r)
{
    size_t start = to->len;
    buf_str(to, " (");
    size_t before = to->len;
    origin_text(to, r);
    if (to->len > before) {
        buf_char(to, ')');
    } else if (to->data) { /* no zone, no source */
        to->len = start;
        to->data[start] = '\0';
    }
}

static void render_family(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    size_t start = to->len;
    AUTO_BUF help;
    buf_init(&help, 8192);
    buf_str(&help, m->help);
    if (m->names_source)
        add_source(&help, s->meter);
    buf_printf(to, "# HELP %s ", m->name);
    text_help(to, buf_text(&help));
    buf_printf(to, "\n# TYPE %s %s\n", m->name, m->type == METRIC_COUNTER ? "counter" : "gauge");
    size_t after_head = to->len;
    m->emit(to, m, s);
    if (to->len == after_head && to->data) { /* nothing to say: no head either */
        to->len = start;
        to->data[start] = '\0';
    }
}

void metrics_render_text(struct buf *to, const struct snapshot *s)
{
    struct listing listing;
    struct snapshot whole = *s;
    listing_make(&listing, s);
    whole.listing = &listing;
    for (size_t i = 0; i < metrics_count; i++) {
        const struct metric *m = &metrics_table[i];
        if (m->level == 0 || (m->level & s->levels))
            render_family(to, m, &whole);
    }
    listing_done(&listing);
}
