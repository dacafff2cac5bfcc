/* SPDX-License-Identifier: Apache-2.0 */
/* docs/metrics.md, from the table of metrics.c. */
#include "expose/metrics.h"

static const char head[] =
    "# Metrics\n"
    "\n"
    "<!-- Generated from the table in exporter/expose/metrics.c: `make docs`. -->\n"
    "\n"
    "`/metrics` answers in the Prometheus text format 0.0.4. Names, labels and units of `kepler_*`\n"
    "metrics are those of Kepler v0.11, so its dashboards' node and process panels work unchanged; the\n"
    "container, pod and VM families are not in this version. What Kepler does not have is marked by its\n"
    "labels and help. A family with nothing to say is absent, never zero: watts before the second\n"
    "sample, for one.\n"
    "\n"
    "- `zone` is `package`, `dram`, `core`, `uncore` or `psys`, sockets summed. Never add zones up:\n"
    "  core is inside package, psys contains package and dram.\n"
    "- `path` is where the reading comes from: a powercap folder, `perf:energy-pkg`, `msr:0x611`,\n"
    "  `hwmon:CHIP`, `model:TIER:NAME` (`model:E:any server CPU`), `model-server:NAME`.\n"
    "- Each zone has a source of its own, the best that answers: package may be measured while dram\n"
    "  is estimated. `kepler_node_cpu_power_meter` names them. Where the package is measured, another\n"
    "  zone is shown only if it is measured too; from then on it goes on, estimated if need be.\n"
    "- `state` is `running` or `terminated`; `type` is `regular` or `container`. `vm_id` is empty in\n"
    "  this version.\n"
    "- `scope` says what the watts of a zone are of: `package` (the processor), `memory`,\n"
    "  `platform`.\n"
    "- An ended process keeps its series, `terminated`, until a scrape has read it, if its energy\n"
    "  reached `monitor.minTerminatedEnergyThreshold` and it is among the top\n"
    "  `monitor.maxTerminated`; its energy is then part of `kepler_node_cpu_ended_joules_total`.\n"
    "- With `--process.top N` only the N processes that draw most have a series, and the rest is\n"
    "  summed in `kepler_node_cpu_unlisted_joules`.\n"
    "- HELP of every family marked *source* below ends with its source and, if that is an estimate,\n"
    "  its bounds, the widest at any load, zone by zone where they differ: `grep 'HELP.*estimated'`\n"
    "  finds them.\n"
    "- A zone whose source stopped answering, and that no other source has, has no watts; its joules\n"
    "  stay, with the `path` they were counted at.\n"
    "- A measured source may renew its counter less often than the exporter reads it: watts then stay\n"
    "  the last ones, and the next are those of the whole time between.\n"
    "- Values of processes have nine decimals at most (half a nanojoule off); all others read back\n"
    "  as the very number that the exporter holds.\n"
    "- Level: families of a level are left out when `--metrics` does not name it; without a level\n"
    "  they are always there.\n"
    "\n"
    "| name | type | level | labels | help |\n"
    "|---|---|---|---|---|\n";

static const char queries[] =
    "\n"
    "## Queries\n"
    "\n"
    "Is it measured? Quality and source beside the watts of each process:\n"
    "\n"
    "```promql\n"
    "kepler_process_cpu_watts\n"
    "  * on (node_name, zone) group_left (quality, source, model)\n"
    "    kepler_node_cpu_power_meter\n"
    "```\n"
    "\n"
    "Bounds of a process's watts, from those of its node (upper; `bound=\"low\"` for the lower):\n"
    "\n"
    "```promql\n"
    "kepler_process_cpu_watts\n"
    "  * on (node_name, zone) group_left ()\n"
    "    (kepler_node_cpu_watts_bound{bound=\"high\"} / ignoring (bound, path) "
    "group_left () kepler_node_cpu_watts)\n"
    "```\n"
    "\n"
    "Top 5 processes:\n"
    "\n"
    "```promql\n"
    "topk(5, sum by (node_name, pid, comm) (kepler_process_cpu_watts{zone=\"package\"}))\n"
    "```\n"
    "\n"
    "`rate()` cannot see a series that is born with all it will ever have. What short processes used\n"
    "(compilers, jobs), by name, is in their terminated series; the rest of it is in\n"
    "`kepler_node_cpu_ended_joules_total`, whose rate shows it as a whole:\n"
    "\n"
    "```promql\n"
    "topk(5, sum by (comm) (max_over_time(kepler_process_cpu_joules_total{zone=\"package\", "
    "state=\"terminated\"}[5m])))\n"
    "rate(kepler_node_cpu_ended_joules_total{zone=\"package\"}[1m])\n"
    "```\n"
    "\n"
    "Conservation: every joule of the node is idle, unattributed, ended, unlisted or a process's;\n"
    "the difference over the whole is below 1e-9, as processes are printed to nine decimals "
    "(`kepler_node_cpu_conservation_error_ratio` is the exporter's own figure):\n"
    "\n"
    "```promql\n"
    "1 - (\n"
    "    sum by (node_name, zone) (kepler_process_cpu_joules_total)\n"
    "  + sum by (node_name, zone) (kepler_node_cpu_idle_joules_total)\n"
    "  + sum by (node_name, zone) (kepler_node_cpu_unattributed_joules_total)\n"
    "  + sum by (node_name, zone) (kepler_node_cpu_ended_joules_total)\n"
    "  + sum by (node_name, zone) (kepler_node_cpu_unlisted_joules)\n"
    ") / sum by (node_name, zone) (kepler_node_cpu_joules_total)\n"
    "```\n"
    "\n"
    "Is the accounting exact here, and is anything ignored or rejected?\n"
    "\n"
    "```promql\n"
    "kepler_exporter_accounting{accounting=\"proc\"} == 1\n"
    "kepler_exporter_config_ignored == 1\n"
    "rate(kepler_exporter_rejected_readings_total[5m]) > 0\n"
    "```\n";

static const char *level_word(unsigned level)
{
    static const struct {
        unsigned level;
        const char *word;
    } rows[] = {
        { LEVEL_NODE, "node" }, { LEVEL_PROCESS, "process" }, { LEVEL_CONTAINER, "container" },
        { LEVEL_VM, "vm" },     { LEVEL_POD, "pod" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].level == level)
            return rows[i].word;
    }
    return "";
}

void metrics_render_markdown(struct buf *to)
{
    buf_str(to, head);
    for (size_t i = 0; i < metrics_count; i++) {
        const struct metric *m = &metrics_table[i];
        buf_printf(to, "| `%s` | %s | %s | %s%s%s | %s%s |\n", m->name,
                   m->type == METRIC_COUNTER ? "counter" : "gauge", level_word(m->level),
                   m->labels[0] ? "`" : "", m->labels, m->labels[0] ? "`" : "", m->help,
                   m->names_source ? " (*source*)" : "");
    }
    buf_str(to, queries);
}
