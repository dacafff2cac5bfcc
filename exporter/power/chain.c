/* SPDX-License-Identifier: Apache-2.0 */
#include "power/chain.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>

/* After so many readings a source better than the one in use is tried again: 60 s at the usual
   interval. */
#define RETRY_READINGS 12

/* A counter that stands still for this long gets a stand-by before it is called bad, so that an
   estimate has the time of it; a slow one, which renews once a second, gets none. */
#define STILL_STAND_BY_NS (3 * NS_PER_SEC)

#define CHAIN_RANKS_MAX   16
#define DESCRIPTION_SIZE  200 /* a source with its model, quality and bounds */

/* A source that is open; ops NULL: there is none. */
struct slot {
    const struct power_source_ops *ops;
    struct power_source *source;
    size_t rank;                 /* in chain.order */
    bool started;                /* the two below are readings */
    struct power_reading booked; /* up to here its joules were told */
    struct power_reading latest; /* the last good one */
    double busy_ns;              /* usage x time awake since `booked` */
    uint64_t tried_ns;           /* of the last attempt to read it */
    uint64_t asleep_ns;          /* at it */
};

struct chain {
    const struct power_machine *machine;
    enum energy_zone zone;
    struct chain_range range;
    const struct power_source_ops *order[CHAIN_RANKS_MAX]; /* best first */
    size_t ranks;
    size_t wanted;       /* so many of them may be begun with, and come back to */
    struct slot current; /* always open */
    struct slot other;   /* a better one on trial, or a stand-by while the current one is bad */
    unsigned strikes;    /* bad readings of the current one in a row */
    bool is_distrusted;  /* the current one, whatever it reads */
    uint64_t read_ns;    /* of the last reading; 0 none */
    unsigned unsearched; /* readings since better sources were last tried */
    unsigned ready;      /* rows that say so at this reading */
    size_t next_trial;   /* rank: one that opens but never counts must not keep others from it */
    char why[1200];      /* better ones could not be opened at first */
};

/* -- one open source -- */

static int slot_open(struct slot *slot, const struct chain *c, size_t rank, struct err *err)
{
    struct slot s = { .ops = c->order[rank], .rank = rank };
    int code = s.ops->open(c->machine, c->zone, &s.source, err);
    if (code < 0)
        return code;
    *slot = s;
    return 0;
}

static void slot_close(struct slot *slot)
{
    if (slot->ops)
        slot->ops->close(slot->source);
    *slot = (struct slot){ 0 };
}

static void slot_book(struct slot *s)
{
    s->booked = s->latest;
    s->busy_ns = 0;
}

/* Gives up what it counted up to @until_ns, which another source has told: its part by time. */
static void slot_skip(struct slot *s, uint64_t until_ns)
{
    if (until_ns <= s->booked.taken_ns)
        return;
    if (until_ns >= s->latest.taken_ns) {
        slot_book(s);
        return;
    }
    double part = (double)(until_ns - s->booked.taken_ns) /
                  (double)(s->latest.taken_ns - s->booked.taken_ns);
    s->booked.joules += part * (s->latest.joules - s->booked.joules);
    s->booked.taken_ns = until_ns;
    s->busy_ns *= 1 - part;
}

/* 0: there are new joules; -EAGAIN: none yet, or they are counted from now on; else a bad reading.
 */
static int slot_read(struct slot *s, const struct power_now *now, struct err *err)
{
    struct power_reading reading;
    if (s->started)
        s->busy_ns += now->usage_ratio * (double)power_awake_ns(now, s->tried_ns, s->asleep_ns);
    s->tried_ns = now->taken_ns;
    s->asleep_ns = now->asleep_ns;

    int code = s->ops->read(s->source, now, &reading, err);
    if (code == -ERANGE && s->started) {
        s->latest.taken_ns = now->taken_ns; /* the source begins anew from here */
        slot_book(s);
    }
    if (code < 0)
        return code;
    s->latest = reading;
    if (s->started)
        return 0;
    s->started = true;
    slot_book(s);
    return -EAGAIN;
}

/* It has used energy since it was booked, and has just said so. */
static bool slot_advanced(const struct slot *s)
{
    return s->started && s->latest.taken_ns == s->tried_ns && s->latest.joules > s->booked.joules;
}

/* -- what is said -- */

PRINTF_LIKE(2, 3) static void say(struct chain_reading *r, const char *format, ...)
{
    size_t len = strlen(r->event);
    va_list args;
    if (len > 0 && len + 3 < sizeof(r->event)) {
        memcpy(r->event + len, "; ", 3);
        len += 2;
    }
    va_start(args, format);
    (void)vsnprintf(r->event + len, sizeof(r->event) - len, format, args);
    va_end(args);
}

/* "msr (measured)", "model E:any server CPU (estimated, true value within x0.36 .. x3.51)" */
static void slot_describe(const struct slot *s, char *ret, size_t size)
{
    const char *model = s->ops->model_name(s->source);
    char bounds[64] = "";
    if (s->latest.widest_high > s->latest.widest_low) {
        (void)snprintf(bounds, sizeof(bounds), ", true value within x%.2f .. x%.2f",
                       s->latest.widest_low, s->latest.widest_high);
    }
    (void)snprintf(ret, size, "%s%s%s (%s%s)", s->ops->name, *model ? " " : "", model,
                   s->ops->quality, bounds);
}

/* -- which sources may be used -- */

/* To begin with, or to come back to; what stands in may be any below the one in use. */
static bool is_allowed(const struct chain *c, size_t rank)
{
    return rank < c->wanted || rank > c->current.rank;
}

static void add_rows(struct chain *c, size_t first, bool is_named)
{
    for (size_t i = first; i <= c->range.last && i < power_sources_count; i++) {
        bool has_name = c->range.only && strcmp(power_sources[i]->name, c->range.only) == 0;
        if (has_name == is_named && c->ranks < CHAIN_RANKS_MAX)
            c->order[c->ranks++] = power_sources[i];
    }
}

/* One that is named comes first, and what is below it may stand in; for one that has to be waited
   for, all estimates. */
static void put_in_order(struct chain *c)
{
    if (!c->range.only) {
        add_rows(c, c->range.first, false);
        c->wanted = c->ranks;
        return;
    }
    add_rows(c, c->range.first, true);
    c->wanted = c->ranks;
    size_t below = c->range.first;
    while (c->wanted > 0 && c->order[0]->is_ready && below > 0 &&
           strcmp(power_sources[below - 1]->quality, c->order[0]->quality) == 0)
        below--;
    add_rows(c, below, false);
}

/* Opens the first source of ranks @from .. @to - 1 that gives a first reading. */
static void open_other(struct chain *c, size_t from, size_t to, const struct power_now *now)
{
    struct err unused;
    for (size_t rank = from; rank < to && !c->other.ops; rank++) {
        if (!is_allowed(c, rank) || slot_open(&c->other, c, rank, &unused) < 0)
            continue;
        if (slot_read(&c->other, now, &unused) != -EAGAIN)
            slot_close(&c->other);
    }
}

static void stand_by(struct chain *c, const struct power_now *now)
{
    if (!c->other.ops)
        open_other(c, c->current.rank + 1, c->ranks, now);
}

/* chain_ready_ranks() has told so of its row. */
static bool is_ready(const struct chain *c, size_t rank)
{
    for (size_t i = 0; i < power_sources_count; i++) {
        if (power_sources[i] == c->order[rank])
            return (c->ready & 1U << i) != 0;
    }
    return false;
}

/* Ranks up to @end - 1 are tried again, now and then, or those that say that they are ready. */
static void search(struct chain *c, size_t end, const struct power_now *now)
{
    bool is_due = c->unsearched >= RETRY_READINGS;
    if (is_due && c->other.ops && c->other.rank < c->current.rank)
        slot_close(&c->other); /* it has had its trial */
    if (c->other.ops)
        return;
    if (is_due) {
        c->unsearched = 0;
        open_other(c, c->next_trial, end, now);
        open_other(c, 0, c->next_trial < end ? c->next_trial : end, now);
        c->next_trial = c->other.ops ? c->other.rank + 1 : 0;
        return;
    }
    for (size_t rank = 0; rank < end; rank++) {
        if (is_ready(c, rank))
            open_other(c, rank, rank + 1, now);
    }
}

unsigned chain_ready_ranks(const struct power_machine *m)
{
    unsigned ready = 0;
    for (size_t rank = 0; rank < power_sources_count; rank++) {
        const struct power_source_ops *ops = power_sources[rank];
        if (ops->is_ready && ops->is_ready(m))
            ready |= 1U << rank;
    }
    return ready;
}

/* -- the reading -- */

/* All that the current source has counted since it was last booked becomes the reading. */
static void book(struct chain *c, struct chain_reading *ret)
{
    struct slot *s = &c->current;
    if (s->latest.taken_ns <= s->booked.taken_ns)
        return;
    ret->fresh = true;
    ret->elapsed_ns = s->latest.taken_ns - s->booked.taken_ns;
    ret->joules = s->latest.joules - s->booked.joules;
    if (ret->joules < 0)
        ret->joules = 0;
    ret->usage_ratio = s->busy_ns / (double)ret->elapsed_ns;
    ret->low = s->latest.low;
    ret->high = s->latest.high;
    ret->idle_watts = s->latest.idle_watts;
    slot_book(s);
}

static void adopt_other(struct chain *c, struct chain_reading *ret)
{
    slot_skip(&c->other, c->current.booked.taken_ns);
    slot_close(&c->current);
    c->current = c->other;
    c->other = (struct slot){ 0 };
    c->strikes = 0;
    c->unsearched = 0;
    c->is_distrusted = false;
    ret->changed = true;
}

void chain_distrust(struct chain *c)
{
    c->is_distrusted = true;
    c->strikes = CHAIN_STRIKES - 1;
}

static void on_good(struct chain *c, const struct power_now *now, struct chain_reading *ret)
{
    char name[DESCRIPTION_SIZE];
    slot_describe(&c->current, name, sizeof(name));
    if (c->strikes >= CHAIN_STRIKES)
        say(ret, "%s answers again", name);
    c->strikes = 0;
    book(c, ret);
    if (c->other.ops && c->other.rank >= c->current.rank)
        slot_close(&c->other); /* no longer needed to stand by */
    if (c->other.ops && slot_advanced(&c->other)) {
        slot_describe(&c->other, name, sizeof(name));
        say(ret, "%s answers again: power comes from it from now on, no longer from %s", name,
            c->current.ops->name);
        adopt_other(c, ret);
    }
    search(c, c->current.rank, now);
}

/* Nothing new, and nothing bad. */
static void on_still(struct chain *c, const struct power_now *now)
{
    const struct slot *s = &c->current;
    if (s->started && now->taken_ns - s->latest.taken_ns >= STILL_STAND_BY_NS)
        stand_by(c, now);
    search(c, s->rank, now);
}

static void say_bad(const struct chain *c, const struct err *err, struct chain_reading *ret)
{
    if (c->strikes < CHAIN_STRIKES) {
        say(ret, "%s: bad reading, %u in a row (the next source is taken after %d): %s",
            c->current.ops->name, c->strikes, CHAIN_STRIKES, err->text);
    } else if (c->strikes == CHAIN_STRIKES) {
        say(ret,
            "%s stopped answering and nothing can stand in, so there are no watts until it "
            "answers again: %s",
            c->current.ops->name, err->text);
    }
}

static void on_bad(struct chain *c, const struct power_now *now, const struct err *err,
                   struct chain_reading *ret)
{
    char name[DESCRIPTION_SIZE];
    c->strikes++;
    ret->rejected = c->strikes <= CHAIN_STRIKES; /* of one that is lost nothing more is expected */
    bool is_better = c->other.ops && c->other.rank <= c->current.rank;
    if (is_better && !slot_advanced(&c->other)) {
        slot_close(&c->other); /* nothing to stand by with */
        is_better = false;
    }
    /* From the first bad reading on the next source counts along, so that the time until it is
       trusted alone is not lost. */
    if (c->strikes <= CHAIN_STRIKES)
        stand_by(c, now);
    if (!c->other.ops || (c->strikes < CHAIN_STRIKES && !is_better)) {
        say_bad(c, err, ret);
        if (c->strikes > CHAIN_STRIKES) /* the one that is lost may only need to be opened anew */
            search(c, c->ranks, now);
        return;
    }
    slot_describe(&c->other, name, sizeof(name));
    if (c->strikes <= CHAIN_STRIKES) {
        say(ret, "%s stopped answering, so power comes from %s from now on: %s",
            c->current.ops->name, name, err->text);
    } else {
        say(ret, "power comes from %s from now on", name);
    }
    adopt_other(c, ret);
    book(c, ret);
}

void chain_read(struct chain *c, const struct power_now *now, unsigned ready,
                struct chain_reading *ret)
{
    struct err err = { 0 };
    c->ready = ready;
    *ret = (struct chain_reading){ 0 };
    if (now->taken_ns > c->read_ns) {
        c->unsearched += c->read_ns > 0;
        c->read_ns = now->taken_ns;
        if (c->other.ops) {
            int code = slot_read(&c->other, now, &err);
            if (code < 0 && code != -EAGAIN)
                slot_close(&c->other);
        }
        int code = slot_read(&c->current, now, &err);
        if (c->is_distrusted && code == 0) {
            code = err_set(&err, -ENODATA,
                           "it stands still, and the package of the same source was found dead");
        }
        if (code == 0) {
            on_good(c, now, ret);
        } else if (code == -EAGAIN) {
            on_still(c, now);
        } else {
            on_bad(c, now, &err, ret);
        }
    }
    ret->source = c->current.latest;
    ret->ops = c->current.ops;
    ret->model = c->current.ops->model_name(c->current.source);
    ret->lost = c->strikes >= CHAIN_STRIKES;
}

/* -- opening -- */

/* Another row further down has the same name: not this one's reason but that one's counts. */
static bool is_named_again(const struct chain *c, size_t rank)
{
    for (size_t i = rank + 1; i < c->wanted; i++) {
        if (strcmp(c->order[i]->name, c->order[rank]->name) == 0)
            return true;
    }
    return false;
}

static void add_reason(struct chain *c, size_t rank, const struct err *err)
{
    size_t len = strlen(c->why);
    if (!err->text[0] || is_named_again(c, rank))
        return;
    (void)snprintf(c->why + len, sizeof(c->why) - len, "%s%s cannot be used: %.200s",
                   len > 0 ? "; " : "", c->order[rank]->name, err->text);
}

/* The first of ranks @from .. @to - 1 that can be opened; the code of the last one tried. */
static int open_best(struct chain *c, size_t from, size_t to)
{
    int code = -ENODEV;
    for (size_t rank = from; rank < to && !c->current.ops; rank++) {
        struct err reason = { 0 };
        if (c->range.measured_only && !power_source_is_measured(c->order[rank]))
            continue;
        code = slot_open(&c->current, c, rank, &reason);
        if (code < 0)
            add_reason(c, rank, &reason);
    }
    return code;
}

static int open_first(struct chain *c, struct err *err)
{
    int code = open_best(c, c->range.begin, c->wanted);
    if (code < 0 && c->range.begin > 0)
        code = open_best(c, 0, c->range.begin);
    if (code == -EAGAIN) /* it is on its way */
        code = open_best(c, c->wanted, c->ranks);
    if (c->current.ops)
        return 0;
    return err_set(err, code, "%s",
                   c->why[0] ? c->why : "the source that is asked for is not configured");
}

int chain_open(const struct power_machine *m, enum energy_zone zone, struct chain_range range,
               struct chain **ret, struct err *err)
{
    struct chain *c = mem_new(1, sizeof(*c));
    c->machine = m;
    c->zone = zone;
    c->range = range;
    put_in_order(c);
    int code = open_first(c, err);
    if (code < 0) {
        chain_close(c);
        return code;
    }
    *ret = c;
    return 0;
}

const struct power_source_ops *chain_source(const struct chain *c)
{
    return c->current.ops;
}

const char *chain_why(const struct chain *c)
{
    return c->why;
}

void chain_close(struct chain *c)
{
    if (!c)
        return;
    slot_close(&c->current);
    slot_close(&c->other);
    free(c);
}
