/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/plan.h"

#include "base/clock.h"
#include "power/watt.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

void plan_make(unsigned step_percent, uint64_t settle_ns, uint64_t dwell_ns, struct plan *ret)
{
    struct plan p = { .settle_ns = settle_ns, .dwell_ns = dwell_ns };
    for (unsigned percent = 0; percent < 100; percent += step_percent)
        p.load[p.steps++] = percent / 100.0;
    p.load[p.steps++] = 1;
    p.reading_ns = dwell_ns / DWELL_READINGS;
    if (p.reading_ns < READING_MIN_NS)
        p.reading_ns = READING_MIN_NS;
    if (p.reading_ns > READING_MAX_NS)
        p.reading_ns = READING_MAX_NS;
    *ret = p;
}

uint64_t plan_total_ns(const struct plan *p)
{
    return p->steps * (p->settle_ns + p->dwell_ns);
}

uint64_t plan_next_reading_ns(const struct plan *p, uint64_t begin_ns, uint64_t now_ns)
{
    uint64_t past_ns = now_ns - begin_ns + p->reading_ns / 2;
    return begin_ns + (past_ns / p->reading_ns + 1) * p->reading_ns;
}

void plan_say_time(uint64_t ns, char *ret, size_t size)
{
    uint64_t seconds = (ns + NS_PER_SEC - 1) / NS_PER_SEC;
    unsigned long hours = seconds / 3600;
    unsigned long minutes = seconds / 60 % 60;
    unsigned long rest = seconds % 60;
    if (hours > 0) {
        (void)snprintf(ret, size, "%lu h %lu min", hours, minutes);
    } else if (minutes > 0) {
        (void)snprintf(ret, size, "%lu min %lu s", minutes, rest);
    } else {
        (void)snprintf(ret, size, "%lu s", rest);
    }
}

/* Words of a CPU's name that tell nothing of it. */
static bool is_filler(const char *word, size_t len)
{
    static const char *const fillers[] = { "R", "TM", "CPU", "Processor" };
    for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
        if (strlen(fillers[i]) == len && strncasecmp(word, fillers[i], len) == 0)
            return true;
    }
    return false;
}

void plan_file_name(const char *cpu_model, char *ret, size_t size)
{
    char name[96] = "";
    size_t used = 0;
    while (*cpu_model && *cpu_model != '@') {
        size_t len = 0;
        while (isalnum((unsigned char)cpu_model[len]))
            len++;
        if (len > 0 && !is_filler(cpu_model, len) && used + len + 2 < sizeof(name)) {
            name[used++] = '-';
            memcpy(name + used, cpu_model, len);
            used += len;
            name[used] = '\0';
        }
        cpu_model += len ? len : 1;
    }
    (void)snprintf(ret, size, "kepler-model%s.json", name[0] ? name : "-cpu");
}

/* -- duty cycle -- */

struct duty_window duty_at(uint64_t now_ns, size_t nth, size_t threads, double load)
{
    uint64_t phase_ns = DUTY_PERIOD_NS * nth / threads;
    uint64_t begin_ns = now_ns - (now_ns + DUTY_PERIOD_NS - phase_ns) % DUTY_PERIOD_NS;
    return (struct duty_window){
        .busy_until_ns = begin_ns + (uint64_t)llround(load * (double)DUTY_PERIOD_NS),
        .next_ns = begin_ns + DUTY_PERIOD_NS,
    };
}

/* -- readings of one step -- */

/* West's weighted form of Welford's running variance (Comm. ACM 22, 1979). */
void spread_add(struct spread *s, double joules, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / (double)NS_PER_SEC;
    if (!(seconds > 0))
        return;
    double watts = joules / seconds;
    s->n++;
    s->seconds += seconds;
    s->joules += joules;
    double off = watts - s->mean;
    s->mean += off * seconds / s->seconds;
    s->squares += seconds * off * (watts - s->mean);
}

double spread_watts(const struct spread *s)
{
    return s->seconds > 0 ? s->joules / s->seconds : 0;
}

double spread_stddev(const struct spread *s)
{
    if (s->n < 2)
        return 0;
    double n = (double)s->n;
    return sqrt(fmax(0, s->squares / s->seconds * n / (n - 1)));
}

/* -- result -- */

void plan_residuals(struct model_file *m)
{
    double idle = m->point[0].package_watts;
    double full = m->point[m->points - 1].package_watts;
    m->residual_mean_ratio = 0;
    m->residual_max_ratio = 0;
    for (size_t i = 0; i < m->points; i++) {
        const struct model_point *p = &m->point[i];
        double shape = watt_interpolate(cpu_power_shape, p->usage_ratio);
        double off = fabs((idle + (full - idle) * shape) / p->package_watts - 1);
        m->residual_mean_ratio += off / (double)m->points;
        m->residual_max_ratio = fmax(m->residual_max_ratio, off);
    }
}
