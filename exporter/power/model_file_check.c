/* SPDX-License-Identifier: Apache-2.0 */
/* What the members of a model file together must be. Pure. */
#include "power/model_file.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* -- where it comes from -- */

/* The calendar's: what comes back from it is the same text. */
static bool is_utc_time(const char *text)
{
    static const char format[] = "%Y-%m-%dT%H:%M:%SZ";
    struct tm tm = { 0 };
    char same[32];
    const char *end = strptime(text, format, &tm);
    if (!end || *end)
        return false;
    time_t seconds = timegm(&tm);
    return gmtime_r(&seconds, &tm) && strftime(same, sizeof(same), format, &tm) > 0 &&
           strcmp(same, text) == 0;
}

static bool is_sensor(const char *name)
{
    static const char *const sensors[] = { "powercap", "perf", "msr", "hwmon" };
    for (size_t i = 0; i < ARRAY_LEN(sensors); i++) {
        if (strcmp(name, sensors[i]) == 0)
            return true;
    }
    return false;
}

#define MEMORY_LEAST_GB 0.1

static int check_origin(const struct model_file *m, struct err *err)
{
    if (!is_utc_time(m->date)) {
        return err_set(err, -EBADMSG,
                       "created_at is \"%s\", which is no time: it is UTC as "
                       "2026-11-22T19:40:00Z",
                       m->date);
    }
    if (!is_sensor(m->source)) {
        return err_set(err, -EBADMSG,
                       "source is \"%s\", which is no sensor: powercap, perf, msr or hwmon",
                       m->source);
    }
    if (m->sockets > m->threads) {
        return err_set(err, -EBADMSG, "machine.sockets is %u, more than its %u threads", m->sockets,
                       m->threads);
    }
    if (m->memory_gb > 0 && m->memory_gb < MEMORY_LEAST_GB) {
        return err_set(err, -EBADMSG,
                       "machine.memory_gb is %g, which no machine has: it is 0 where it is not "
                       "known, else at least %g",
                       m->memory_gb, MEMORY_LEAST_GB);
    }
    return 0;
}

/* -- each point -- */

static int check_dram(const struct model_file *m, size_t i, struct err *err)
{
    bool watts = m->point[i].dram_watts >= 0;
    bool stddev = m->point[i].dram_stddev >= 0;
    if (watts != stddev) {
        return err_set(err, -EBADMSG, "points[%zu].%s is missing beside its %s", i,
                       watts ? "dram_stddev" : "dram_watts", watts ? "dram_watts" : "dram_stddev");
    }
    if (watts != (m->point[0].dram_watts >= 0)) {
        return err_set(err, -EBADMSG, "points[%zu].dram_watts: either every point has it or none",
                       i);
    }
    return 0;
}

static int check_deviation(size_t i, const char *zone, double watts, double stddev, struct err *err)
{
    if (stddev <= fmax(watts, 0))
        return 0;
    return err_set(err, -EBADMSG,
                   "points[%zu].%s_stddev is %g W, more than the %g W that it is of: such readings "
                   "tell nothing; calibrate again with a longer --dwell",
                   i, zone, stddev, watts);
}

static int check_point(const struct model_file *m, size_t i, struct err *err)
{
    const struct model_point *p = &m->point[i];
    int code = check_dram(m, i, err);
    if (code == 0)
        code = check_deviation(i, "package", p->package_watts, p->package_stddev, err);
    if (code == 0)
        code = check_deviation(i, "dram", p->dram_watts, p->dram_stddev, err);
    if (code == 0 && i > 0 && p->load <= m->point[i - 1].load) {
        return err_set(err, -EBADMSG,
                       "points[%zu].load is %g after %g: the points are in order of their load", i,
                       p->load, m->point[i - 1].load);
    }
    return code;
}

/* -- all points, by the load that they had -- */

/* What two points may differ by and still be noise: this part of the watts, and so many of the two
   points' standard deviations; but a fall of a quarter is none, however much the readings scatter.
   Memory's watts follow the programs more than the load. */
#define FALL_RATIO         0.02
#define FALL_RATIO_DRAM    0.10
#define FALL_DEVIATIONS    2
#define FALL_RATIO_AT_MOST 0.25

/* A zone of a point. */
struct figure {
    const char *zone;
    double watts, stddev, ratio;
};

static struct figure package_of(const struct model_point *p)
{
    return (struct figure){ "package", p->package_watts, p->package_stddev, FALL_RATIO };
}

static struct figure dram_of(const struct model_point *p)
{
    return (struct figure){ "dram", p->dram_watts, p->dram_stddev, FALL_RATIO_DRAM };
}

static double noise_watts(const struct figure *a, const struct figure *b)
{
    return a->ratio * a->watts + FALL_DEVIATIONS * hypot(a->stddev, b->stddev);
}

static int check_fall(const struct model_point *before, const struct model_point *p,
                      struct figure (*of)(const struct model_point *), struct err *err)
{
    const struct figure high = of(before);
    const struct figure low = of(p);
    double fall = high.watts - low.watts;
    if (fall <= fmin(noise_watts(&high, &low), FALL_RATIO_AT_MOST * high.watts))
        return 0;
    return err_set(err, -EBADMSG,
                   "%s_watts is %.4g W at load %g (really %.1f %%), below the %.4g W of load %g "
                   "(really %.1f %%) by more than their noise: more load cannot draw less; "
                   "calibrate again on a machine that does nothing else",
                   low.zone, low.watts, p->load, 100 * p->usage_ratio, high.watts, before->load,
                   100 * before->usage_ratio);
}

static int check_falls(const struct model_point *point, size_t n, struct err *err)
{
    int code = 0;
    for (size_t i = 1; i < n && code == 0; i++) {
        for (size_t k = 0; k < i && code == 0; k++) {
            code = check_fall(&point[k], &point[i], package_of, err);
            if (code == 0 && point[0].dram_watts >= 0)
                code = check_fall(&point[k], &point[i], dram_of, err);
        }
    }
    return code;
}

static int check_span(const struct model_point *first, const struct model_point *last,
                      struct err *err)
{
    if (first->usage_ratio > MODEL_USAGE_FIRST_MAX) {
        return err_set(err, -EBADMSG,
                       "at the lowest load the CPUs were busy for %.1f %% of the time, where %.0f "
                       "%% are the most: something else kept the CPUs busy; stop it and calibrate "
                       "again",
                       100 * first->usage_ratio, 100 * MODEL_USAGE_FIRST_MAX);
    }
    if (last->usage_ratio < MODEL_USAGE_LAST_MIN) {
        return err_set(err, -EBADMSG,
                       "at the highest load the CPUs were busy for %.1f %% of the time only, where "
                       "%.0f %% are the least: the load was held back (a CPU limit of its control "
                       "group, or CPUs that it may not use); calibrate again without it",
                       100 * last->usage_ratio, 100 * MODEL_USAGE_LAST_MIN);
    }
    return 0;
}

static int check_rise(const struct model_point *first, const struct model_point *last,
                      struct err *err)
{
    const struct figure idle = package_of(first);
    const struct figure full = package_of(last);
    if (full.watts - idle.watts <= noise_watts(&idle, &full)) {
        return err_set(
            err, -EBADMSG,
            "full load draws %.4g W and rest %.4g W, no more than noise apart: such a sensor "
            "does not see the processor",
            full.watts, idle.watts);
    }
    return 0;
}

/* Fewer watts first of two at the same load, so that their order in the file does not matter. */
static bool is_before(const struct model_point *a, const struct model_point *b)
{
    if (a->usage_ratio != b->usage_ratio)
        return a->usage_ratio < b->usage_ratio;
    return a->package_watts < b->package_watts;
}

void model_file_by_usage(const struct model_file *file, struct model_point ret[MODEL_POINTS_MAX])
{
    for (size_t i = 0; i < file->points; i++) {
        size_t at = i;
        for (; at > 0 && is_before(&file->point[i], &ret[at - 1]); at--)
            ret[at] = ret[at - 1];
        ret[at] = file->point[i];
    }
}

static int check_loads(const struct model_file *m, struct err *err)
{
    double first = m->point[0].load;
    double last = m->points > 0 ? m->point[m->points - 1].load : 0;
    if (first == 0 && last == 1)
        return 0;
    return err_set(err, -EBADMSG,
                   "the points go from load %g to %g: both ends, 0 and 1, are needed", first, last);
}

int model_file_check(const struct model_file *file, struct err *err)
{
    struct model_point point[MODEL_POINTS_MAX] = { { 0 } };
    int code = check_origin(file, err);
    for (size_t i = 0; code == 0 && i < file->points; i++)
        code = check_point(file, i, err);
    if (code == 0)
        code = check_loads(file, err);
    if (code < 0)
        return code;
    model_file_by_usage(file, point);
    const struct model_point *last = &point[file->points - 1];
    code = check_span(&point[0], last, err); /* before what comes of it: watts that make no sense */
    if (code == 0)
        code = check_falls(point, file->points, err);
    return code < 0 ? code : check_rise(&point[0], last, err);
}
