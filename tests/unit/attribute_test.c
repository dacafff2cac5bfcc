/* SPDX-License-Identifier: Apache-2.0 */
#include "attribute/attribute.h"

#include "base/compiler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

#define SECOND UINT64_C(1000000000)
#define MANY   8

/* A machine of @n processes, its list and what was forgotten. */
struct world {
    struct process p[MANY];
    struct process *list[MANY];
    struct sample sample;
    struct meter_reading meter;
    struct attribution a;
    uint32_t forgotten[MANY];
    size_t n_forgotten;
};

static void world_make(struct world *w, size_t n)
{
    memset(w, 0, sizeof(*w));
    for (size_t i = 0; i < n; i++) {
        w->p[i].pid = (uint32_t)(100 + i);
        w->p[i].start_ns = i + 1;
        w->list[i] = &w->p[i];
    }
    w->sample.process = w->list;
    w->sample.processes = n;
    w->sample.cpus = 2;
    w->sample.elapsed_ns = SECOND;
    w->meter.fresh = true;
    w->meter.elapsed_ns = SECOND;
    attribution_init(&w->a, 500, 10, false);
}

static void set_zone(struct world *w, enum energy_zone z, double joules, double idle)
{
    w->meter.zone[z].present = true;
    w->meter.zone[z].delta_joules = joules;
    w->meter.zone[z].delta_idle_joules = idle;
    w->meter.zone[z].watts = joules / ((double)w->meter.elapsed_ns / (double)SECOND);
}

static void remember(struct process *p, void *arg)
{
    struct world *w = arg;
    w->forgotten[w->n_forgotten++] = p->pid;
    for (size_t i = 0; i < w->sample.processes; i++)
        assert_ptr_not_equal(w->sample.process[i], p); /* the list let go of it before */
}

static void retire(struct world *w, bool shown)
{
    w->n_forgotten = 0;
    attribution_retire(&w->a, &w->sample, shown, remember, w);
}

static void shares_follow_run_time(void **state)
{
    static const struct {
        const char *why;
        uint64_t pending[3], irq_ns, lost_ns;
        double joules, idle;
        double want[3], unattributed;
    } rows[] = {
        { "two thirds to who ran twice as long", { 200, 100, 0 }, 0, 0, 30, 0, { 20, 10, 0 }, 0 },
        { "idle joules are nobody's share", { 100, 100, 0 }, 0, 0, 30, 10, { 10, 10, 0 }, 0 },
        { "irq takes its part", { 100, 0, 0 }, 300, 0, 40, 0, { 10, 0, 0 }, 30 },
        { "so do lost exits", { 100, 0, 0 }, 0, 100, 40, 0, { 20, 0, 0 }, 20 },
        { "nothing ran: what is active is nobody's", { 0 }, 0, 0, 12, 2, { 0 }, 10 },
        { "idle above the whole is cut", { 100, 0, 0 }, 0, 0, 5, 9, { 0 }, 0 },
        { "no joules, no shares", { 100, 0, 0 }, 0, 0, 0, 0, { 0 }, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_make(&w, 3);
        for (size_t k = 0; k < 3; k++)
            w.p[k].pending_ns = rows[i].pending[k];
        w.sample.irq_ns = rows[i].irq_ns;
        w.sample.lost_ns = rows[i].lost_ns;
        w.meter.elapsed_ns = 2 * SECOND;
        set_zone(&w, ZONE_PACKAGE, rows[i].joules, rows[i].idle);
        attribution_apply(&w.a, &w.sample, &w.meter);
        for (size_t k = 0; k < 3; k++) {
            assert_close(w.p[k].joules[ZONE_PACKAGE], rows[i].want[k], rows[i].why);
            assert_close(w.p[k].watts[ZONE_PACKAGE], rows[i].want[k] / 2, rows[i].why);
            assert_int_equal(w.p[k].pending_ns, 0);
        }
        assert_close(w.a.unattributed_joules[ZONE_PACKAGE], rows[i].unattributed, rows[i].why);
        assert_close(w.a.node_joules[ZONE_PACKAGE], rows[i].joules, rows[i].why);
        assert_close(w.a.idle_joules[ZONE_PACKAGE] + w.a.active_joules[ZONE_PACKAGE],
                     rows[i].joules, rows[i].why);
        assert_true(attribution_error_ratio(&w.a, &w.sample) < 1e-12);
    }
}

static void kepler_rule_splits_by_usage(void **state)
{
    static const struct {
        const char *why;
        double usage, active;
    } rows[] = {
        { "a quarter busy, a quarter active", 0.25, 10 },
        { "never more than all", 1.7, 40 },
        { "never below none", -0.1, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_make(&w, 1);
        w.a.idle_by_ratio = true;
        w.p[0].pending_ns = 5;
        w.sample.usage_ratio = rows[i].usage;
        set_zone(&w, ZONE_PACKAGE, 40, 33);
        attribution_apply(&w.a, &w.sample, &w.meter);
        assert_close(w.a.active_joules[ZONE_PACKAGE], rows[i].active, rows[i].why);
        assert_close(w.a.active_watts[ZONE_PACKAGE], rows[i].active, rows[i].why);
        assert_close(w.a.idle_watts[ZONE_PACKAGE], 40 - rows[i].active, rows[i].why);
    }
}

static void reading_that_is_not_fresh_defers(void **state)
{
    struct world w;
    (void)state;
    world_make(&w, 2);
    w.a.idle_by_ratio = true;
    w.p[0].pending_ns = 100;
    w.p[0].watts[ZONE_PACKAGE] = 7;
    w.sample.irq_ns = 50;
    w.sample.lost_ns = 10;
    w.sample.usage_ratio = 1;
    w.meter.fresh = false;
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_int_equal(w.p[0].pending_ns, 100);
    assert_close(w.p[0].watts[ZONE_PACKAGE], 7, "watts stay the last ones");
    assert_close(w.a.node_joules[ZONE_PACKAGE], 0, "no joules yet");

    w.meter.fresh = true;
    w.meter.elapsed_ns = 2 * SECOND;
    w.sample.irq_ns = 30;
    w.sample.lost_ns = 10;
    w.sample.usage_ratio = 0;
    w.p[1].pending_ns = 200;
    set_zone(&w, ZONE_PACKAGE, 80, 0);
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.a.active_joules[ZONE_PACKAGE], 40, "usage is of both refreshes");
    assert_close(w.p[0].joules[ZONE_PACKAGE], 10, "run time of both");
    assert_close(w.p[1].joules[ZONE_PACKAGE], 20, "of the second");
    assert_close(w.a.unattributed_joules[ZONE_PACKAGE], 10, "irq and lost of both");
    assert_int_equal(w.a.deferred_irq_ns + w.a.deferred_lost_ns + w.a.deferred_elapsed_ns, 0);
}

static void zone_that_goes_away_keeps_joules_not_watts(void **state)
{
    struct world w;
    (void)state;
    world_make(&w, 1);
    w.p[0].pending_ns = 1;
    set_zone(&w, ZONE_DRAM, 4, 1);
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.p[0].watts[ZONE_DRAM], 3, "dram");
    w.meter.zone[ZONE_DRAM] = (struct meter_zone){ .delta_joules = 2, .delta_idle_joules = 1 };
    w.p[0].pending_ns = 1;
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.p[0].joules[ZONE_DRAM], 4, "joules stay, with those that waited when it went");
    assert_close(w.a.node_joules[ZONE_DRAM], 6, "node joules stay");
    assert_close(w.p[0].watts[ZONE_DRAM], 0, "watts go");
    assert_close(w.a.idle_watts[ZONE_DRAM], 0, "idle watts go");
}

/* The leading zone is read each second; dram had nothing for a while, then all of it at once. */
static void a_zones_watts_are_of_its_own_interval(void **state)
{
    struct world w;
    (void)state;
    world_make(&w, 2);
    w.p[0].pending_ns = 300;
    w.p[1].pending_ns = 100;
    set_zone(&w, ZONE_PACKAGE, 40, 0);
    set_zone(&w, ZONE_DRAM, 8, 4);
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.p[0].watts[ZONE_DRAM], 3, "three quarters of what is active");

    w.p[0].pending_ns = w.p[1].pending_ns = 100;
    set_zone(&w, ZONE_PACKAGE, 20, 0);
    w.meter.zone[ZONE_DRAM].delta_joules = w.meter.zone[ZONE_DRAM].delta_idle_joules = 0;
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.p[0].watts[ZONE_PACKAGE], 10, "package goes on");
    assert_close(w.p[0].watts[ZONE_DRAM], 3, "dram: the last ones");
    assert_close(w.a.idle_watts[ZONE_DRAM], 4, "dram: the last ones");
    assert_close(w.a.active_watts[ZONE_DRAM], 4, "dram: the last ones");
    assert_close(w.a.node_joules[ZONE_DRAM], 8, "no joules yet");

    w.p[0].pending_ns = w.p[1].pending_ns = 100;
    set_zone(&w, ZONE_DRAM, 12, 8);
    w.meter.zone[ZONE_DRAM].watts = 6; /* over two seconds */
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.a.idle_watts[ZONE_DRAM], 4, "8 J in 2 s");
    assert_close(w.a.active_watts[ZONE_DRAM], 2, "4 J in 2 s");
    assert_close(w.p[0].watts[ZONE_DRAM], 1, "half of it");
    assert_close(w.p[0].joules[ZONE_DRAM], 3 + 2, "joules are whole");
    assert_true(attribution_error_ratio(&w.a, &w.sample) < 1e-12);
}

static void a_zone_at_rest_has_no_watts(void **state)
{
    struct world w;
    (void)state;
    world_make(&w, 1);
    w.p[0].pending_ns = 100;
    set_zone(&w, ZONE_PACKAGE, 40, 0);
    set_zone(&w, ZONE_UNCORE, 8, 0);
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.p[0].watts[ZONE_UNCORE], 8, "busy");
    w.p[0].pending_ns = 100;
    set_zone(&w, ZONE_UNCORE, 0, 0);
    attribution_apply(&w.a, &w.sample, &w.meter);
    assert_close(w.p[0].watts[ZONE_UNCORE], 0, "read, and it used nothing");
    assert_close(w.a.active_watts[ZONE_UNCORE], 0, "read, and it used nothing");
}

/* Pids 100.. with @joules each, all ended. */
static void world_of_ended(struct world *w, const double *joules, size_t n)
{
    world_make(w, n);
    for (size_t i = 0; i < n; i++) {
        w->p[i].state = PROCESS_ENDED;
        w->p[i].joules[ZONE_PACKAGE] = joules[i];
        w->a.node_joules[ZONE_PACKAGE] += joules[i];
    }
    w->a.present[ZONE_PACKAGE] = true;
}

static void retire_keeps_the_top_over_the_threshold(void **state)
{
    static const double joules[] = { 5, 50, 20, 30 };
    static const struct {
        const char *why;
        int64_t max;
        double threshold;
        size_t left;
        uint32_t first_left;
        double ended;
    } rows[] = {
        { "over 10 J", 500, 10, 3, 101, 5 },
        { "the top two", 2, 10, 2, 101, 25 },
        { "as much as the threshold is enough", 500, 20, 3, 101, 5 },
        { "none wanted", 0, 0, 0, 0, 105 },
        { "all wanted, no threshold", -1, 0, 4, 100, 0 },
        { "threshold 0, the top one", 1, 0, 1, 101, 55 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_of_ended(&w, joules, 4);
        w.a.max_terminated = rows[i].max;
        w.a.threshold_joules = rows[i].threshold;
        retire(&w, false);
        assert_close(w.a.ended_joules[ZONE_PACKAGE], rows[i].ended, rows[i].why);
        if (w.sample.processes != rows[i].left || w.n_forgotten != 4 - rows[i].left)
            fail_msg("%s: %zu left, %zu forgotten", rows[i].why, w.sample.processes, w.n_forgotten);
        if (rows[i].left)
            assert_int_equal(w.sample.process[0]->pid, rows[i].first_left);
        assert_true(attribution_error_ratio(&w.a, &w.sample) < 1e-12);
    }
}

static void retire_forgets_a_series_once_a_scrape_has_read_it(void **state)
{
    static const double joules[] = { 50, 20 };
    struct world w;
    (void)state;
    world_of_ended(&w, joules, 2);
    w.p[1].state = PROCESS_RUNNING;
    retire(&w, true); /* a scrape read the snapshot before it ended: not shown yet */
    assert_int_equal(w.sample.processes, 2);
    retire(&w, false); /* nobody came */
    assert_int_equal(w.sample.processes, 2);
    w.p[1].state = PROCESS_ENDED; /* ends as the first one is shown */
    retire(&w, true);
    assert_int_equal(w.n_forgotten, 1);
    assert_int_equal(w.forgotten[0], 100);
    assert_int_equal(w.sample.processes, 1);
    retire(&w, true);
    assert_int_equal(w.forgotten[0], 101);
    assert_int_equal(w.sample.processes, 0);
    assert_close(w.a.ended_joules[ZONE_PACKAGE], 70, "all is in ended");
    assert_true(attribution_error_ratio(&w.a, &w.sample) < 1e-12);
}

static void retire_leaves_what_is_not_final(void **state)
{
    static const double joules[] = { 1, 1, 1 };
    struct world w;
    (void)state;
    world_of_ended(&w, joules, 3);
    w.p[0].state = PROCESS_RUNNING;
    w.p[1].state = PROCESS_LEFT;
    w.p[2].pending_ns = 1; /* waits for a power reading */
    retire(&w, true);
    assert_int_equal(w.n_forgotten, 0);
    w.p[2].pending_ns = 0;
    retire(&w, true);
    assert_int_equal(w.n_forgotten, 1);
    assert_int_equal(w.forgotten[0], 102);
}

static void retire_lets_go_of_a_pid_that_was_taken_again(void **state)
{
    static const struct {
        const char *why;
        enum process_state newer;
        uint64_t older_start, newer_start;
        uint32_t forgotten_index;
    } rows[] = {
        { "its pid runs again", PROCESS_RUNNING, 1, 2, 0 },
        { "both ended, the older goes", PROCESS_ENDED, 1, 2, 0 },
        { "whatever the order of the list", PROCESS_ENDED, 9, 2, 1 },
    };
    static const double joules[] = { 50, 60 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_of_ended(&w, joules, 2);
        w.p[0].pid = w.p[1].pid = 7;
        w.p[0].start_ns = rows[i].older_start;
        w.p[1].start_ns = rows[i].newer_start;
        w.p[1].state = rows[i].newer;
        retire(&w, false);
        if (w.n_forgotten != 1)
            fail_msg("%s: %zu forgotten", rows[i].why, w.n_forgotten);
        assert_close(w.a.ended_joules[ZONE_PACKAGE], joules[rows[i].forgotten_index], rows[i].why);
        assert_true(attribution_error_ratio(&w.a, &w.sample) < 1e-12);
    }
}

static void without_a_package_zone_the_first_one_ranks(void **state)
{
    struct world w;
    (void)state;
    world_make(&w, 1);
    w.p[0].state = PROCESS_ENDED;
    w.p[0].joules[ZONE_CORE] = 11;
    w.a.present[ZONE_CORE] = true;
    retire(&w, false);
    assert_int_equal(w.n_forgotten, 0);
    assert_true(w.p[0].has_ended_series);
}

/* A day of refreshes with processes that come and go, readings that fail and a zone that leaves. */
static void conservation_holds_over_a_long_time(void **state)
{
    struct world w;
    unsigned seed = 12345;
    (void)state;
    world_make(&w, MANY);
    w.a.threshold_joules = 3;
    w.a.max_terminated = 2;
    for (int round = 0; round < 17280; round++) {
        for (size_t i = 0; i < w.sample.processes; i++) {
            seed = seed * 1103515245u + 12345u;
            struct process *p = w.sample.process[i];
            p->pending_ns = p->state == PROCESS_ENDED ? p->pending_ns : seed >> 4;
            if (seed % 97 == 0)
                p->state = PROCESS_ENDED;
        }
        w.sample.irq_ns = seed % 1000000;
        w.sample.lost_ns = seed % 7 ? 0 : 5000000;
        w.sample.usage_ratio = (seed % 100) / 100.0;
        w.meter.fresh = seed % 11 != 0;
        set_zone(&w, ZONE_PACKAGE, 100 + seed % 400, 90);
        set_zone(&w, ZONE_DRAM, 10 + 1e-7 * (seed % 333), 3.3);
        w.meter.zone[ZONE_DRAM].present = seed % 5 != 0;
        attribution_apply(&w.a, &w.sample, &w.meter);
        retire(&w, round % 3 == 0);
        for (size_t i = 0; i < w.n_forgotten; i++) { /* another one is born in its place */
            struct process *p = &w.p[w.forgotten[i] - 100];
            *p = (struct process){ .pid = w.forgotten[i], .start_ns = (uint64_t)round + 100 };
            w.sample.process[w.sample.processes++] = p;
        }
        if (attribution_error_ratio(&w.a, &w.sample) > 1e-9)
            fail_msg("round %d: %g", round, attribution_error_ratio(&w.a, &w.sample));
    }
    assert_true(w.a.ended_joules[ZONE_PACKAGE] > 0);
    assert_true(w.a.unattributed_joules[ZONE_DRAM] > 0);
}

static void error_ratio_sees_what_is_missing(void **state)
{
    struct world w;
    (void)state;
    world_make(&w, 1);
    w.a.node_joules[ZONE_PACKAGE] = 100;
    w.a.idle_joules[ZONE_PACKAGE] = 50;
    w.p[0].joules[ZONE_PACKAGE] = 40;
    assert_close(attribution_error_ratio(&w.a, &w.sample), 0.1, "a tenth");
    w.p[0].joules[ZONE_PACKAGE] = 60;
    assert_close(attribution_error_ratio(&w.a, &w.sample), 0.1, "too much counts too");
    w.a.node_joules[ZONE_PACKAGE] = 0;
    assert_close(attribution_error_ratio(&w.a, &w.sample), 0, "no energy, no error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_follow_run_time),
        cmocka_unit_test(kepler_rule_splits_by_usage),
        cmocka_unit_test(reading_that_is_not_fresh_defers),
        cmocka_unit_test(zone_that_goes_away_keeps_joules_not_watts),
        cmocka_unit_test(a_zones_watts_are_of_its_own_interval),
        cmocka_unit_test(a_zone_at_rest_has_no_watts),
        cmocka_unit_test(retire_keeps_the_top_over_the_threshold),
        cmocka_unit_test(retire_forgets_a_series_once_a_scrape_has_read_it),
        cmocka_unit_test(retire_leaves_what_is_not_final),
        cmocka_unit_test(retire_lets_go_of_a_pid_that_was_taken_again),
        cmocka_unit_test(without_a_package_zone_the_first_one_ranks),
        cmocka_unit_test(conservation_holds_over_a_long_time),
        cmocka_unit_test(error_ratio_sees_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
