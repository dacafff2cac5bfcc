/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/options.h"

#include "base/clock.h"
#include "base/number.h"
#include "base/opts.h"

#include <errno.h>
#include <string.h>

#define DWELL_MIN_NS  NS_PER_SEC /* five readings of the shortest kind */
#define DWELL_MAX_NS  (3600 * NS_PER_SEC)
#define SETTLE_MAX_NS (600 * NS_PER_SEC)
#define TDP_MAX_WATTS 10000

/* The command line as it was written. */
struct words {
    const char *step, *dwell, *settle, *tdp;
    struct calibrate_options o;
};

#define ROWS 16

static void make_table(struct words *w, struct opt table[ROWS])
{
    const struct opt rows[ROWS] = {
        { NULL, OPT_HEADING, NULL, NULL, "What is measured:" },
        { "step", OPT_TEXT, &w->step, "PERCENT", "load between two points (10)" },
        { "dwell", OPT_TEXT, &w->dwell, "DURATION", "how long each is measured (10s)" },
        { "settle", OPT_TEXT, &w->settle, "DURATION", "how long each is held before (2s)" },
        { "power.source", OPT_TEXT, &w->o.source, "NAME",
          "auto, powercap, perf, msr or hwmon: a sensor, never an estimate" },
        { "power.tdp-watts", OPT_TEXT, &w->tdp, "WATTS",
          "TDP of a socket, where the machine does not tell" },
        { NULL, OPT_HEADING, NULL, NULL, "What is written:" },
        { "output", OPT_TEXT, &w->o.output, "FILE", "kepler-model-CPU.json in this folder" },
        { "force", OPT_SWITCH, &w->o.force, NULL, "replace a file that is there already" },
        { "dry-run", OPT_SWITCH, &w->o.dry_run, NULL, "say what would be done, and how long" },
        { "root", OPT_TEXT, &w->o.paths.root, "DIR", "read a dump of a machine instead (tests)" },
        { "host.procfs", OPT_TEXT, &w->o.paths.procfs, "DIR", "where the host's /proc is mounted" },
        { "host.sysfs", OPT_TEXT, &w->o.paths.sysfs, "DIR", "where the host's /sys is mounted" },
        { "host.devfs", OPT_TEXT, &w->o.paths.devfs, "DIR", "where the host's /dev is mounted" },
        { NULL, OPT_HEADING, NULL, NULL, "Other:" },
        { "help", OPT_SWITCH, &w->o.help, NULL, "this list" },
    };
    memcpy(table, rows, sizeof(rows));
}

static int read_step(const char *text, unsigned *ret, struct err *err)
{
    uint64_t percent = 0;
    if (number_parse_u64(text, 10, &percent) < 0 || percent < 1 || percent > 100) {
        return err_set(err, -EINVAL, "--step is \"%s\": give whole percent, 1 to 100", text);
    }
    *ret = (unsigned)percent;
    return 0;
}

static int read_time(const char *name, const char *text, const uint64_t limit_ns[2],
                     uint64_t *ret_ns, struct err *err)
{
    uint64_t ns = 0;
    if (number_parse_duration_ns(text, &ns) < 0 || ns < limit_ns[0] || ns > limit_ns[1]) {
        return err_set(err, -EINVAL,
                       "--%s is \"%s\": give a duration from %llu s to %llu s, as 10s or 1m30s",
                       name, text, (unsigned long long)(limit_ns[0] / NS_PER_SEC),
                       (unsigned long long)(limit_ns[1] / NS_PER_SEC));
    }
    *ret_ns = ns;
    return 0;
}

static int read_tdp(const char *text, double *ret, struct err *err)
{
    double watts = 0;
    if (number_parse_double(text, &watts) < 0 || watts <= 0 || watts > TDP_MAX_WATTS) {
        return err_set(err, -EINVAL, "--power.tdp-watts is \"%s\": give the watts of one socket",
                       text);
    }
    *ret = watts;
    return 0;
}

static int read_values(struct words *w, struct err *err)
{
    int code = read_step(w->step, &w->o.step_percent, err);
    if (code == 0) {
        code = read_time("dwell", w->dwell, (const uint64_t[]){ DWELL_MIN_NS, DWELL_MAX_NS },
                         &w->o.dwell_ns, err);
    }
    if (code == 0) {
        code = read_time("settle", w->settle, (const uint64_t[]){ 0, SETTLE_MAX_NS },
                         &w->o.settle_ns, err);
    }
    if (code == 0 && w->tdp)
        code = read_tdp(w->tdp, &w->o.tdp_watts, err);
    if (code == 0 && w->o.output && !w->o.output[0])
        code = err_set(err, -EINVAL, "--output is empty: give the name of a file");
    return code;
}

int calibrate_options_read(int argc, char **argv, struct calibrate_options *ret, struct err *err)
{
    struct words w = { .step = "10", .dwell = "10s", .settle = "2s", .o = { .source = "auto" } };
    struct opt table[ROWS];
    int first = argc;
    make_table(&w, table);
    int code = opts_parse(table, ROWS, argc, argv, &first, err);
    if (code < 0)
        return code;
    if (first < argc) {
        return err_set(err, -EINVAL, "calibrate takes no operand, and \"%s\" is one", argv[first]);
    }
    code = w.o.help ? 0 : read_values(&w, err);
    if (code == 0)
        *ret = w.o;
    return code;
}

void calibrate_options_help(FILE *to)
{
    struct words w = { 0 };
    struct opt table[ROWS];
    make_table(&w, table);
    (void)fputs("Usage: kepler-exporter calibrate [OPTION]...\n\n"
                "Measures what this machine draws from rest to full load (all CPUs are loaded for "
                "some\nminutes) and writes it as a model file.\n\n",
                to);
    opts_help(to, table, ROWS);
}
