/* SPDX-License-Identifier: Apache-2.0 */
#include "check/check.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define MODULUS   (UINT64_C(1) << 32)
#define ESU_14_UJ 61.03515625

/* 2 x TDP 240 W; twice that over two sockets */
static const struct energy_limits limits = { 480.0, 1920.0 };

struct reading {
    enum energy_zone zone;
    int socket;
    uint64_t first, second;
    int code;
};

static const struct reading_row {
    const char *why;
    struct reading reading[4];
    size_t n;
    uint64_t elapsed_ns;
    bool usable;
    double package_watts;
    const char *word; /* in the reason */
} rows[] = {
    { "16384 counts of 2^-14 J in a second are a watt",
      { { ZONE_PACKAGE, 0, 100, 16484, 0 } },
      1,
      1000000000,
      true,
      1.0,
      "" },
    { "sockets are summed",
      { { ZONE_PACKAGE, 0, 0, 16384, 0 }, { ZONE_PACKAGE, 1, 0, 32768, 0 } },
      2,
      1000000000,
      true,
      3.0,
      "" },
    { "a wrap over 2^32 is no loss",
      { { ZONE_PACKAGE, 0, MODULUS - 100, 16284, 0 } },
      1,
      1000000000,
      true,
      1.0,
      "" },
    { "half a second doubles the power",
      { { ZONE_PACKAGE, 0, 0, 16384, 0 } },
      1,
      500000000,
      true,
      2.0,
      "" },
    { "what stands still is no meter",
      { { ZONE_PACKAGE, 0, 7, 7, 0 } },
      1,
      1000000000,
      false,
      0,
      "never advances" },
    { "one socket that stands still spoils the sum",
      { { ZONE_PACKAGE, 0, 0, 16384, 0 }, { ZONE_PACKAGE, 1, 9, 9, 0 } },
      2,
      1000000000,
      false,
      0,
      "socket 1" },
    { "above 2 x TDP no counter can mean it",
      { { ZONE_PACKAGE, 0, 0, 16384 * 481, 0 } },
      1,
      1000000000,
      false,
      0,
      "2 x TDP" },
    { "exactly 2 x TDP still holds",
      { { ZONE_PACKAGE, 0, 0, 16384 * 480, 0 } },
      1,
      1000000000,
      true,
      480.0,
      "" },
    { "a reading that failed is named",
      { { ZONE_PACKAGE, 0, 0, 0, -EACCES } },
      1,
      1000000000,
      false,
      0,
      "Permission denied" },
    { "a dead DRAM counter leaves the package usable",
      { { ZONE_PACKAGE, 0, 0, 16384, 0 }, { ZONE_DRAM, 0, 5, 5, 0 } },
      2,
      1000000000,
      true,
      1.0,
      "" },
    { "without a package there is no node power",
      { { ZONE_PSYS, 0, 0, 16384, 0 } },
      1,
      1000000000,
      false,
      0,
      "no package zone" },
    { "no time passed: nothing can be said",
      { { ZONE_PACKAGE, 0, 5, 5, 0 } },
      1,
      0,
      false,
      0,
      "never advances" },
};

static void judge_rows(void **state)
{
    (void)state;
    struct energy_trial *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct energy_verdict v;
        memset(t, 0, sizeof(*t));
        t->elapsed_ns = rows[i].elapsed_ns;
        t->set.n = rows[i].n;
        for (size_t k = 0; k < rows[i].n; k++) {
            const struct reading *r = &rows[i].reading[k];
            t->set.counter[k] = (struct energy_counter){ .zone = r->zone,
                                                         .socket = r->socket,
                                                         .modulus = MODULUS,
                                                         .uj_per_count = ESU_14_UJ,
                                                         .label = "msr:0x611" };
            t->pair[k] = (struct energy_pair){ r->code, r->code, r->first, r->second };
        }
        energy_judge(t, &limits, &v);
        if (v.usable != rows[i].usable ||
            fabs(v.watts[ZONE_PACKAGE] - rows[i].package_watts) > 1e-9 ||
            !strstr(v.why, rows[i].word))
            fail_msg("%s: usable %d, %f W, \"%s\"", rows[i].why, v.usable, v.watts[ZONE_PACKAGE],
                     v.why);
        if (v.usable && v.why[0])
            fail_msg("%s: usable, but says \"%s\"", rows[i].why, v.why);
    }
    free(t);
}

static void a_counter_without_wrap_that_goes_back(void **state)
{
    (void)state;
    struct energy_trial *t = calloc(1, sizeof(*t));
    struct energy_verdict v;
    assert_non_null(t);
    t->elapsed_ns = 1000000000;
    t->set.n = 1;
    t->set.counter[0] = (struct energy_counter){ .zone = ZONE_PACKAGE, .uj_per_count = 1 };
    t->pair[0] = (struct energy_pair){ 0, 0, 2000000, 1000000 };
    energy_judge(t, &limits, &v);
    assert_false(v.usable);
    assert_non_null(strstr(v.why, "-1 W"));
    free(t);
}

static const struct power_row {
    const char *why;
    enum energy_zone zone[3];
    uint64_t first[3], second[3]; /* microwatts */
    size_t n;
    bool usable;
    double package_watts;
    const char *word;
} power_rows[] = {
    { "a sensor of power tells watts: the mean of both readings",
      { ZONE_PACKAGE },
      { 40000000 },
      { 60000000 },
      1,
      true,
      50.0,
      "" },
    { "it may say the same twice",
      { ZONE_PACKAGE },
      { 40000000 },
      { 40000000 },
      1,
      true,
      40.0,
      "" },
    { "two rails of one package add up",
      { ZONE_PACKAGE, ZONE_PACKAGE },
      { 40000000, 12500000 },
      { 40000000, 12500000 },
      2,
      true,
      52.5,
      "" },
    { "0 W at either reading is no meter",
      { ZONE_PACKAGE },
      { 40000000 },
      { 0 },
      1,
      false,
      0,
      "says 0 W" },
    { "above 2 x TDP nobody believes it",
      { ZONE_PACKAGE },
      { 500000000 },
      { 500000000 },
      1,
      false,
      0,
      "2 x TDP" },
    { "the whole machine may use more, but is no package",
      { ZONE_PSYS },
      { 900000000 },
      { 900000000 },
      1,
      false,
      0,
      "no package zone" },
    { "even a machine has an end",
      { ZONE_PSYS },
      { 50001000000 },
      { 50001000000 },
      1,
      false,
      0,
      "the most that is believed of a machine" },
};

static void power_is_told(void **state)
{
    (void)state;
    struct energy_trial *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    for (size_t i = 0; i < ARRAY_LEN(power_rows); i++) {
        const struct power_row *row = &power_rows[i];
        struct energy_verdict v;
        memset(t, 0, sizeof(*t));
        t->elapsed_ns = 250000000; /* of no matter */
        t->set.n = row->n;
        for (size_t k = 0; k < row->n; k++) {
            t->set.counter[k] = (struct energy_counter){ .zone = row->zone[k],
                                                         .uj_per_count = 1,
                                                         .is_power = true,
                                                         .fd = -1,
                                                         .label = "hwmon:apm_xgene" };
            t->pair[k] = (struct energy_pair){ 0, 0, row->first[k], row->second[k] };
        }
        energy_judge(t, &limits, &v);
        if (v.usable != row->usable || fabs(v.watts[ZONE_PACKAGE] - row->package_watts) > 1e-9 ||
            !strstr(v.why, row->word) || !v.is_power)
            fail_msg("%s: usable %d, %f W, \"%s\"", row->why, v.usable, v.watts[ZONE_PACKAGE],
                     v.why);
    }
    free(t);
}

static void what_measures_elsewhere_is_told_apart(void **state)
{
    static const struct {
        const char *why;
        enum energy_zone zone[2];
        uint64_t second[2];
        size_t n;
        bool is_elsewhere;
    } rows_of_zones[] = {
        { "the board's meter works", { ZONE_PSYS }, { 16384 }, 1, true },
        { "the board's meter stands still", { ZONE_PSYS }, { 0 }, 1, false },
        { "a package that counts is no elsewhere", { ZONE_PACKAGE }, { 16384 }, 1, false },
        { "a dead package is a fault, whatever the board says",
          { ZONE_PACKAGE, ZONE_PSYS },
          { 0, 16384 },
          2,
          false },
        { "nothing at all is nowhere", { ZONE_PACKAGE }, { 0 }, 0, false },
    };
    (void)state;
    struct energy_trial *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    for (size_t i = 0; i < ARRAY_LEN(rows_of_zones); i++) {
        struct energy_verdict v;
        memset(t, 0, sizeof(*t));
        t->elapsed_ns = 1000000000;
        t->set.n = rows_of_zones[i].n;
        for (size_t k = 0; k < t->set.n; k++) {
            t->set.counter[k] = (struct energy_counter){ .zone = rows_of_zones[i].zone[k],
                                                         .modulus = MODULUS,
                                                         .fd = -1,
                                                         .uj_per_count = ESU_14_UJ };
            t->pair[k].second = rows_of_zones[i].second[k];
        }
        energy_judge(t, &limits, &v);
        if (v.is_elsewhere != rows_of_zones[i].is_elsewhere)
            fail_msg("%s: got %d", rows_of_zones[i].why, v.is_elsewhere);
        assert_false(v.is_power);
    }
    free(t);
}

/* The master package tells psys; the other packages' counters of it rest. */
static void psys_of_one_package(void **state)
{
    static const struct {
        const char *why;
        uint64_t second[2]; /* of the two packages' psys, which begin at 7 */
        int code;           /* of reading the second */
        bool is_ok;
        double watts;
    } psys[] = {
        { "told by the first", { 16391, 7 }, 0, true, 1.0 },
        { "told by the second", { 7, 32775 }, 0, true, 2.0 },
        { "told by both", { 16391, 32775 }, 0, true, 3.0 },
        { "by none: no meter", { 7, 7 }, 0, false, 0 },
        { "one that cannot be read is no rest", { 16391, 7 }, -EIO, false, 0 },
        { "one that jumps is no rest", { 7, 16384 * 2000 }, 0, false, 0 },
    };
    (void)state;
    struct energy_trial *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    for (size_t i = 0; i < ARRAY_LEN(psys); i++) {
        struct energy_verdict v;
        memset(t, 0, sizeof(*t));
        t->elapsed_ns = 1000000000;
        t->set.n = 3;
        for (size_t k = 0; k < t->set.n; k++) {
            t->set.counter[k] = (struct energy_counter){ .zone = k ? ZONE_PSYS : ZONE_PACKAGE,
                                                         .modulus = MODULUS,
                                                         .fd = -1,
                                                         .uj_per_count = ESU_14_UJ };
            t->pair[k].first = 7;
            t->pair[k].second = k ? psys[i].second[k - 1] : 16391;
        }
        t->pair[2].second_code = psys[i].code;
        energy_judge(t, &limits, &v);
        if (!v.usable || v.zone_ok[ZONE_PSYS] != psys[i].is_ok ||
            fabs(v.watts[ZONE_PSYS] - psys[i].watts) > 1e-9)
            fail_msg("%s: %d, %f W", psys[i].why, v.zone_ok[ZONE_PSYS], v.watts[ZONE_PSYS]);
    }
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judge_rows),
        cmocka_unit_test(a_counter_without_wrap_that_goes_back),
        cmocka_unit_test(power_is_told),
        cmocka_unit_test(what_measures_elsewhere_is_told_apart),
        cmocka_unit_test(psys_of_one_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
