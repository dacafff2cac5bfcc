/* SPDX-License-Identifier: Apache-2.0 */
/* A zone's chain over scripted sources: this test has its own table of power sources, so that each
   can be made to fail, to stand still and to answer again. */
#include "power/chain.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

#define STEP_S 5

enum {
    GOLD,
    SILVER,
    GUESS,
    SERVER,
    LAST,
    RANKS
};

/* What each row does; joules is a count that goes on whether it is read or not. */
static struct script {
    int open_code, read_code;
    const char *reason;
    double joules;
    bool ready;
    unsigned opens, is_open;
} script[RANKS];

struct power_source {
    size_t rank;
    double base; /* count at which it began */
    double told;
    bool started;
};

static int scripted_open(size_t rank, struct power_source **ret, struct err *err)
{
    script[rank].opens++;
    if (script[rank].open_code < 0)
        return err_set(err, script[rank].open_code, "%s", script[rank].reason);
    struct power_source *s = mem_new(1, sizeof(*s));
    s->rank = rank;
    script[rank].is_open++;
    *ret = s;
    return 0;
}

static int scripted_read(struct power_source *s, const struct power_now *now,
                         struct power_reading *ret, struct err *err)
{
    const struct script *it = &script[s->rank];
    bool is_guess = s->rank >= GUESS;
    if (it->read_code == -ERANGE)
        s->base = it->joules - s->told; /* what it counted in between is lost */
    if (it->read_code < 0)
        return err_set(err, it->read_code, "row %zu says %d", s->rank, it->read_code);
    if (!s->started)
        s->base = it->joules;
    s->started = true;
    s->told = it->joules - s->base;
    *ret = (struct power_reading){ .taken_ns = now->taken_ns,
                                   .joules = s->told,
                                   .low = is_guess ? 0.5 : 1,
                                   .high = is_guess ? 2 : 1,
                                   .widest_low = is_guess ? 0.5 : 1,
                                   .widest_high = is_guess ? 2 : 1,
                                   .idle_watts = is_guess ? 3 : -1 };
    (void)snprintf(ret->path, sizeof(ret->path), "row %zu", s->rank);
    return 0;
}

static void scripted_close(struct power_source *s)
{
    script[s->rank].is_open--;
    free(s);
}

static const char *scripted_model(const struct power_source *s)
{
    return s->rank >= GUESS ? "scripted" : "";
}

static bool server_is_ready(const struct power_machine *m)
{
    (void)m;
    bool ready = script[SERVER].ready;
    script[SERVER].ready = false;
    return ready;
}

#define OPEN(row)                                                            \
 static int open_##row(const struct power_machine *m, enum energy_zone zone, \
                       struct power_source **ret, struct err *err)           \
 {                                                                           \
  (void)m, (void)zone;                                                       \
  return scripted_open(row, ret, err);                                       \
 }
OPEN(GOLD)
OPEN(SILVER)
OPEN(GUESS)
OPEN(SERVER)
OPEN(LAST)

#define READ_CLOSE .read = scripted_read, .close = scripted_close, .model_name = scripted_model
static const struct power_source_ops gold = { "gold", "measured", .open = open_GOLD, READ_CLOSE };
static const struct power_source_ops silver = { "silver", "measured", .open = open_SILVER,
                                                READ_CLOSE };
static const struct power_source_ops guess = { "guess", "estimated", .open = open_GUESS,
                                               READ_CLOSE };
static const struct power_source_ops server = { "server", "estimated", .open = open_SERVER,
                                                READ_CLOSE, .is_ready = server_is_ready };
static const struct power_source_ops last = { "guess", "estimated", .open = open_LAST, READ_CLOSE };

const struct power_source_ops *const power_sources[] = { &gold, &silver, &guess, &server, &last };
const size_t power_sources_count = ARRAY_LEN(power_sources);

static struct chain *chain;
static double second;
static const struct chain_range all = { .first = 0, .last = RANKS - 1 };

static int setup(void **state)
{
    (void)state;
    memset(script, 0, sizeof(script));
    script[SERVER].open_code = -EAGAIN;
    script[SERVER].reason = "";
    chain = NULL;
    second = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    chain_close(chain);
    for (size_t i = 0; i < RANKS; i++)
        assert_int_equal(script[i].is_open, 0);
    return 0;
}

static void open_as(struct chain_range range)
{
    struct err err = { 0 };
    if (chain_open(NULL, ZONE_PACKAGE, range, &chain, &err) < 0)
        fail_msg("%s", err.text);
}

static void break_row(size_t rank, int code)
{
    script[rank].open_code = code;
    script[rank].read_code = code;
    script[rank].reason = "it is broken";
}

/* @seconds later, in which every row counted @watts, the guesses twice that. */
static struct chain_reading after(double seconds, double watts)
{
    struct chain_reading r = { 0 };
    second += seconds;
    for (size_t i = 0; i < RANKS; i++)
        script[i].joules += watts * seconds * (i >= GUESS ? 2 : 1);
    const struct power_now now = { (uint64_t)((1000 + second) * (double)NS_PER_SEC), 0.5, 0, 1 };
    chain_read(chain, &now, chain_ready_ranks(NULL), &r);
    return r;
}

static struct chain_reading step(void)
{
    return after(STEP_S, 100);
}

static struct chain_reading steps(int n)
{
    struct chain_reading r = { 0 };
    for (int i = 0; i < n; i++)
        r = step();
    return r;
}

static void assert_says(const struct chain_reading *r, const char *part)
{
    if (!strstr(r->event, part))
        fail_msg("\"%s\" does not say \"%s\"", r->event, part);
}

/* -- opening -- */

static void which_is_opened(void **state)
{
    static const struct {
        const char *why;
        struct chain_range range;
        int gold, silver, guess, server;
        const char *name; /* NULL: none */
        const char *says;
    } rows[] = {
        { "the best", { 0, 4, NULL, false, 0 }, 0, 0, 0, 0, "gold", "" },
        { "the next best, and why not the best",
          { 0, 4, NULL, false, 0 },
          -EACCES,
          0,
          0,
          0,
          "silver",
          "gold cannot be used: it is broken" },
        { "an estimate",
          { 0, 4, NULL, false, 0 },
          -ENOENT,
          -ENOENT,
          0,
          0,
          "guess",
          "gold cannot be used: it is broken; silver cannot be used: it is broken" },
        { "only a measured one",
          { 0, 4, NULL, true, 0 },
          -ENOENT,
          -ENOENT,
          0,
          0,
          NULL,
          "silver cannot be used" },
        { "from a rank on", { 1, 4, NULL, false, 0 }, 0, 0, 0, 0, "silver", "" },
        { "begun with a worse one, as the findings say",
          { 0, 4, NULL, false, 1 },
          0,
          0,
          0,
          0,
          "silver",
          "" },
        { "begun with one that cannot be opened, nor those below it",
          { 0, 1, NULL, false, 1 },
          0,
          -ENOENT,
          0,
          0,
          "gold",
          "silver cannot be used" },
        { "up to a rank",
          { 0, 1, NULL, false, 0 },
          -ENOENT,
          -ENOENT,
          0,
          0,
          NULL,
          "silver cannot be used" },
        { "of one name, both rows: what the first lacks is no news",
          { 2, 4, "guess", false, 0 },
          0,
          0,
          -ENOENT,
          0,
          "guess",
          "" },
        { "of a name that is not configured",
          { 3, 4, "server", false, 0 },
          0,
          0,
          0,
          -ENOENT,
          NULL,
          "not configured" },
        { "of a name whose owner has not answered yet: what can be told meanwhile",
          { 3, 4, "server", false, 0 },
          0,
          0,
          0,
          -EAGAIN,
          "guess",
          "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        setup(NULL);
        const int codes[] = { rows[i].gold, rows[i].silver, rows[i].guess };
        for (size_t k = 0; k < ARRAY_LEN(codes); k++)
            break_row(k, codes[k]);
        script[SERVER].open_code = rows[i].server;
        int code = chain_open(NULL, ZONE_DRAM, rows[i].range, &chain, &err);
        if ((code == 0) != (rows[i].name != NULL))
            fail_msg("%s: %d %s", rows[i].why, code, err.text);
        const char *said = code == 0 ? chain_why(chain) : err.text;
        if (!strstr(said, rows[i].says) || (code == 0 && !rows[i].says[0] && said[0]))
            fail_msg("%s: says \"%s\"", rows[i].why, said);
        if (code == 0)
            assert_string_equal(chain_source(chain)->name, rows[i].name);
        chain_close(chain);
        chain = NULL;
    }
}

/* -- in use -- */

static void joules_of_each_interval(void **state)
{
    (void)state;
    open_as(all);
    struct chain_reading r = step();
    assert_false(r.fresh);
    assert_string_equal(r.ops->name, "gold");
    assert_string_equal(r.source.path, "row 0");
    r = step();
    assert_true(r.fresh && !r.rejected && !r.changed && !r.lost);
    assert_near(r.joules, 500, 1e-9, "100 W for 5 s");
    assert_true(r.elapsed_ns == STEP_S * NS_PER_SEC);
    assert_near(r.usage_ratio, 0.5, 1e-12, "of the interval");
    assert_near(r.low, 1, 0, "measured");
    assert_true(r.idle_watts < 0);
    r = after(86400, 0.01);
    assert_near(r.joules / ((double)r.elapsed_ns / 1e9), 0.01, 1e-9, "a suspend is no spike");
    assert_string_equal(r.event, "");
    r = after(0, 100);
    assert_false(r.fresh); /* the same instant again */
    assert_near(after(1, 100).joules, 100, 1e-9, "and nothing lost");
}

static void a_reading_without_news_is_no_bad_one(void **state)
{
    (void)state;
    open_as(all);
    (void)steps(2);
    script[GOLD].read_code = -EAGAIN;
    for (int i = 0; i < 2 * CHAIN_STRIKES; i++) {
        struct chain_reading r = after(0.1, 100);
        assert_false(r.fresh || r.rejected || r.changed || r.lost);
        assert_string_equal(r.event, "");
    }
    assert_int_equal(script[SILVER].opens, 0); /* a slow counter needs no stand-by */
    script[GOLD].read_code = 0;
    struct chain_reading r = after(0.4, 100);
    assert_near(r.joules, 100, 1e-9, "all of the second");
    assert_true(r.elapsed_ns == NS_PER_SEC);
}

static void three_bad_readings_in_a_row(void **state)
{
    (void)state;
    open_as(all);
    (void)steps(2);
    script[GOLD].read_code = -EIO;
    struct chain_reading r = step();
    assert_true(r.rejected && !r.fresh && !r.changed);
    assert_says(&r, "gold: bad reading, 1 in a row (the next source is taken after 3): row 0 says");
    assert_int_equal(script[SILVER].is_open, 1); /* it counts along from now on */
    r = step();
    assert_says(&r, "2 in a row");
    r = step();
    assert_true(r.rejected && r.changed && r.fresh);
    assert_says(&r, "gold stopped answering, so power comes from silver (measured) from now on");
    assert_string_equal(r.ops->name, "silver");
    assert_near(r.joules, 1000, 1e-9, "the two intervals that it stood by");
    assert_true(r.elapsed_ns == 2 * STEP_S * NS_PER_SEC);
    assert_int_equal(script[GOLD].is_open, 0);
    r = step();
    assert_near(r.joules, 500, 1e-9, "and so on");
}

static void bad_ones_apart_lose_nothing(void **state)
{
    double joules = 0;
    (void)state;
    open_as(all);
    (void)step();
    for (int i = 0; i < 5; i++) {
        script[GOLD].read_code = -EIO;
        (void)steps(CHAIN_STRIKES - 1);
        script[GOLD].read_code = 0;
        struct chain_reading r = step();
        assert_true(r.fresh && !r.changed);
        joules += r.joules;
        assert_int_equal(script[SILVER].is_open, 0);
    }
    assert_near(joules, 5 * CHAIN_STRIKES * 500, 1e-9, "all of it");
}

static void a_jump_costs_its_interval_only(void **state)
{
    (void)state;
    open_as(all);
    (void)steps(2);
    script[GOLD].read_code = -ERANGE;
    assert_true(step().rejected);
    script[GOLD].read_code = 0;
    struct chain_reading r = step();
    assert_near(r.joules, 500, 1e-9, "no spike");
    assert_true(r.elapsed_ns == STEP_S * NS_PER_SEC);
}

static void a_stand_by_that_fails_is_replaced(void **state)
{
    (void)state;
    open_as(all);
    (void)steps(2);
    script[GOLD].read_code = -EIO;
    (void)step();
    break_row(SILVER, -EIO);
    struct chain_reading r = steps(2);
    assert_string_equal(r.ops->name, "guess");
    assert_near(r.joules, 1000, 1e-9, "200 W since the second bad reading");
    assert_near(r.high, 2, 0, "its bounds");
    assert_near(r.idle_watts, 3, 0, "its P(0)");
    assert_string_equal(r.model, "scripted");
}

/* A counter that stands still gives no news ten times, and three bad readings: all that time is the
   stand-by's, but the first interval. */
static void what_stands_still_has_a_stand_by(void **state)
{
    (void)state;
    open_as(all);
    (void)steps(2);
    script[GOLD].read_code = -EAGAIN;
    (void)steps(9);
    assert_int_equal(script[SILVER].is_open, 1);
    script[GOLD].read_code = -ENODATA;
    struct chain_reading r = steps(CHAIN_STRIKES);
    assert_true(r.changed);
    assert_near(r.joules, 11 * 500, 1e-9, "of 12 intervals");
}

/* -- nothing else -- */

static void the_only_one_is_lost_and_comes_back(void **state)
{
    (void)state;
    open_as((struct chain_range){ .last = GOLD });
    (void)steps(2);
    break_row(GOLD, -EIO);
    struct chain_reading r = steps(CHAIN_STRIKES - 1);
    assert_false(r.lost);
    r = step();
    assert_true(r.lost && r.rejected && !r.changed);
    assert_says(&r, "gold stopped answering and nothing can stand in, so there are no watts");
    for (int i = 0; i < 40; i++) {
        r = step();
        assert_true(r.lost && !r.rejected);
        assert_string_equal(r.event, ""); /* said once */
    }
    break_row(GOLD, 0);
    r = step();
    assert_true(r.fresh && !r.lost);
    assert_says(&r, "gold (measured) answers again");
    assert_near(r.joules / ((double)r.elapsed_ns / 1e9), 100, 1e-9, "no spike");
}

/* As an event of perf whose CPU went away: the open one never answers again. */
static void the_only_one_is_opened_anew(void **state)
{
    (void)state;
    open_as((struct chain_range){ .last = GOLD });
    (void)steps(2);
    script[GOLD].read_code = -EIO;
    script[GOLD].open_code = -EIO;
    (void)steps(CHAIN_STRIKES + 1);
    unsigned opens = script[GOLD].opens;
    script[GOLD].open_code = 0;
    (void)steps(2 * 60 / STEP_S);
    assert_true(script[GOLD].opens > opens && script[GOLD].opens < opens + 4); /* now and then */
}

static void another_that_comes_later_ends_the_loss(void **state)
{
    (void)state;
    break_row(SILVER, -ENOENT);
    break_row(GUESS, -ENOENT);
    break_row(LAST, -ENOENT);
    open_as(all);
    (void)steps(2);
    break_row(GOLD, -EIO);
    assert_true(steps(CHAIN_STRIKES).lost);
    break_row(LAST, 0);
    struct chain_reading r = { 0 };
    for (int i = 0; i < 2 * 60 / STEP_S && !r.changed; i++)
        r = step();
    assert_true(r.changed);
    assert_says(&r,
                "power comes from guess scripted (estimated, true value within x0.50 .. x2.00)");
    r = step();
    assert_true(r.fresh && !r.lost);
    assert_near(r.joules, 1000, 1e-9, "200 W");
}

/* -- better ones -- */

static void a_named_one_is_waited_for(void **state)
{
    (void)state;
    break_row(SERVER, -EAGAIN);
    const struct chain_range named = { SERVER, LAST, "server", false, 0 };
    open_as(named);
    struct chain_reading r = steps(2);
    assert_string_equal(r.ops->name, "guess");
    break_row(SERVER, 0);
    script[SERVER].ready = true;
    r = step();
    r = step();
    assert_true(r.changed);
    assert_string_equal(r.ops->name, "server");
    break_row(SERVER, -EIO);
    r = steps(CHAIN_STRIKES);
    assert_string_equal(r.ops->name, "guess"); /* loudly, and never nothing */
}

static void a_better_one_comes_back_when_it_counts(void **state)
{
    (void)state;
    break_row(GOLD, -ENOENT);
    open_as(all);
    struct chain_reading r = step();
    assert_string_equal(r.ops->name, "silver");
    break_row(GOLD, 0);
    r = steps(60 / STEP_S); /* asked after a minute: where it stands */
    assert_string_equal(r.ops->name, "silver");
    assert_int_equal(script[GOLD].is_open, 1);
    r = step();
    assert_true(r.changed && r.fresh);
    assert_near(r.joules, 500, 1e-9, "silver's last interval");
    assert_says(&r, "gold (measured) answers again: power comes from it from now on, no longer "
                    "from silver");
    r = step();
    assert_string_equal(r.ops->name, "gold");
    assert_near(r.joules, 500, 1e-9, "no interval twice, none left out");
}

static void one_that_does_not_count_is_not_taken(void **state)
{
    (void)state;
    break_row(GOLD, -ENOENT);
    open_as(all);
    (void)step();
    break_row(GOLD, 0);
    for (int i = 0; i < 40; i++) {
        double joules = script[GOLD].joules;
        struct chain_reading r = step();
        script[GOLD].joules = joules;
        assert_string_equal(r.ops->name, "silver");
    }
}

/* Gold opens and never counts, which must not keep silver from its turn. */
static void trials_go_round(void **state)
{
    static const int says[] = { 0, -EAGAIN, -ENODATA };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(says); i++) {
        struct chain_reading r = { 0 };
        break_row(GOLD, -ENOENT);
        break_row(SILVER, -ENOENT);
        open_as(all);
        (void)step();
        break_row(GOLD, 0);
        break_row(SILVER, 0);
        for (int k = 0; k < 5 * 60 / STEP_S; k++) {
            double joules = script[GOLD].joules;
            r = step();
            script[GOLD].joules = joules;
            script[GOLD].read_code = script[GOLD].is_open ? says[i] : 0;
            assert_string_not_equal(r.ops->name, "gold");
        }
        assert_string_equal(r.ops->name, "silver");
        chain_close(chain);
        chain = NULL;
    }
}

/* On trial, it has no news at first; then the one in use fails: it steps in, for the time that
   the other has not told. */
static void on_trial_it_steps_in_for_what_is_not_told(void **state)
{
    (void)state;
    break_row(GOLD, -ENOENT);
    open_as(all);
    (void)step();
    break_row(GOLD, 0);
    (void)steps(60 / STEP_S);
    script[GOLD].read_code = -EAGAIN;
    struct chain_reading r = step();
    assert_near(r.joules, 500, 1e-9, "silver's");
    script[GOLD].read_code = 0;
    script[SILVER].read_code = -EIO;
    r = step();
    assert_string_equal(r.ops->name, "gold");
    assert_true(r.fresh && r.changed);
    assert_near(r.joules, 500, 1e-9, "half of what it counted: silver has told the rest");
    assert_true(r.elapsed_ns == STEP_S * NS_PER_SEC);
}

static void one_that_is_ready_is_tried_at_once(void **state)
{
    (void)state;
    break_row(GOLD, -ENOENT);
    break_row(SILVER, -ENOENT);
    break_row(GUESS, -ENOENT);
    open_as(all);
    (void)steps(2);
    script[SERVER].open_code = 0;
    (void)step();
    assert_int_equal(script[SERVER].is_open, 0); /* it has not said so */
    script[SERVER].ready = true;
    struct chain_reading r = step();
    assert_int_equal(script[SERVER].is_open, 1);
    r = step();
    assert_string_equal(r.ops->name, "server");
    assert_true(r.fresh && r.changed);
    assert_near(step().joules, 1000, 1e-9, "no gap");
}

static void a_worse_one_that_is_ready_is_not_asked(void **state)
{
    (void)state;
    open_as(all);
    (void)steps(2);
    script[SERVER].open_code = 0;
    script[SERVER].ready = true;
    (void)steps(2);
    assert_int_equal(script[SERVER].opens, 0);
}

static void a_name_is_kept_to(void **state)
{
    (void)state;
    break_row(GUESS, -ENOENT);
    open_as((struct chain_range){ .first = GUESS, .last = RANKS - 1, .only = "guess" });
    (void)step();
    script[SERVER].open_code = 0;
    script[SERVER].ready = true;
    for (int i = 0; i < 40; i++)
        assert_ptr_equal(step().ops, &last);
    assert_int_equal(script[GOLD].opens + script[SILVER].opens + script[SERVER].opens, 0);
    assert_true(script[GUESS].opens > 1); /* the better row of the name */
}

/* Named by a person: it is come back to, and nothing else is; but no figure is left to freeze. */
static void a_name_is_no_reason_to_freeze(void **state)
{
    (void)state;
    open_as((struct chain_range){ .first = SILVER, .last = RANKS - 1, .only = "silver" });
    (void)steps(2);
    break_row(SILVER, -EIO);
    struct chain_reading r = steps(CHAIN_STRIKES);
    assert_true(r.changed && r.fresh);
    assert_string_equal(r.ops->name, "guess");
    (void)steps(2 * 60 / STEP_S);
    break_row(SILVER, 0);
    r = steps(60 / STEP_S + 2);
    assert_string_equal(r.ops->name, "silver");
    assert_int_equal(script[GOLD].opens, 0);
}

/* What the findings chose was the best at that time only. */
static void a_better_one_than_the_beginning_is_taken(void **state)
{
    (void)state;
    open_as((struct chain_range){ .last = RANKS - 1, .begin = GUESS });
    struct chain_reading r = step();
    assert_string_equal(r.ops->name, "guess");
    r = steps(60 / STEP_S + 2);
    assert_string_equal(r.ops->name, "gold");
}

static void a_source_that_is_dead_elsewhere_is_not_believed(void **state)
{
    (void)state;
    open_as(all);
    (void)steps(2);
    chain_distrust(chain);
    struct chain_reading r = step();
    assert_true(r.changed && r.rejected);
    assert_string_equal(r.ops->name, "silver");
    assert_says(&r, "the package of the same source was found dead");
    r = step();
    assert_true(r.fresh);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(which_is_opened),
        ROW(joules_of_each_interval),
        ROW(a_reading_without_news_is_no_bad_one),
        ROW(a_named_one_is_waited_for),
        ROW(a_better_one_than_the_beginning_is_taken),
        ROW(a_source_that_is_dead_elsewhere_is_not_believed),
        ROW(three_bad_readings_in_a_row),
        ROW(bad_ones_apart_lose_nothing),
        ROW(a_jump_costs_its_interval_only),
        ROW(a_stand_by_that_fails_is_replaced),
        ROW(what_stands_still_has_a_stand_by),
        ROW(the_only_one_is_lost_and_comes_back),
        ROW(the_only_one_is_opened_anew),
        ROW(another_that_comes_later_ends_the_loss),
        ROW(a_better_one_comes_back_when_it_counts),
        ROW(one_that_does_not_count_is_not_taken),
        ROW(trials_go_round),
        ROW(on_trial_it_steps_in_for_what_is_not_told),
        ROW(one_that_is_ready_is_tried_at_once),
        ROW(a_worse_one_that_is_ready_is_not_asked),
        ROW(a_name_is_kept_to),
        ROW(a_name_is_no_reason_to_freeze),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
