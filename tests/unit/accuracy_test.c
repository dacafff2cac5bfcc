/* SPDX-License-Identifier: Apache-2.0 */
/* How well tiers B and B' tell the watts of a CPU that they do not know: each CPU model of
   cpu_package_watts.csv left out in turn, estimated from the others through the product's own
   arithmetic. `make accuracy` prints the table. */
#include "host/cpu_power.h"
#include "power/model_file.h"
#include "power/watt.h"

#include <math.h>
#include <power_tables.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

#define CPUS    ARRAY_LEN(power_package_rows)
#define SOCKETS 2

/* Student's t, 0.95, by degrees of freedom (NIST/SEMATECH e-Handbook, section 1.3.6.7.2). */
static const double student_95[] = { 0, 6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895 };

/* Row numbers of the CPUs that a figure is made from. */
struct subset {
    size_t row[CPUS];
    size_t n;
};

static struct subset all_cpus(void)
{
    struct subset s = { .n = CPUS };
    for (size_t i = 0; i < CPUS; i++)
        s.row[i] = i;
    return s;
}

static struct subset without(const struct subset *s, size_t row)
{
    struct subset r = { 0 };
    for (size_t i = 0; i < s->n; i++) {
        if (s->row[i] != row)
            r.row[r.n++] = s->row[i];
    }
    return r;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *value, size_t n)
{
    qsort(value, n, sizeof(*value), by_value);
    return (value[(n - 1) / 2] + value[n / 2]) / 2;
}

static double tdp_of(size_t row)
{
    return SOCKETS * power_package_rows[row].tdp_watts;
}

/* Ratio to TDP, or where between idle and full. */
static double point_of(size_t row, size_t point, enum power_tier tier)
{
    const double *w = power_package_rows[row].watts;
    return tier == TIER_B ? w[point] / tdp_of(row) : (w[point] - w[0]) / (w[10] - w[0]);
}

/* The CPU as the product would tell it from @others alone. */
static struct watt_model predict(size_t row, const struct subset *others, enum power_tier tier)
{
    const struct power_package_row *cpu = &power_package_rows[row];
    struct watt_model m = { .sockets = SOCKETS, .threads = cpu->threads };
    m.power.tier = tier;
    m.power.curve_sockets = SOCKETS;
    m.power.tdp_watts = cpu->tdp_watts;
    m.power.bound_low = m.power.bound_high = 1;
    for (size_t k = 0; k < POWER_CURVE_POINTS; k++) {
        double value[CPUS];
        for (size_t i = 0; i < others->n; i++)
            value[i] = point_of(others->row[i], k, tier);
        double middle = median(value, others->n);
        m.power.curve[k] = tier == TIER_B
                               ? middle
                               : cpu->watts[0] + (cpu->watts[10] - cpu->watts[0]) * middle;
    }
    return m;
}

/* True watts over the estimate at load @point x 10 %. */
static double truth_over(const struct watt_model *m, size_t row, size_t point)
{
    return power_package_rows[row].watts[point] / watt_package(m, (double)point / 10).watts;
}

/* The ends of B' are given, so they tell nothing of its error. */
static size_t first_point(enum power_tier tier)
{
    return tier == TIER_B ? 0 : 1;
}
static size_t last_point(enum power_tier tier)
{
    return tier == TIER_B ? 10 : 9;
}

struct interval {
    double low, high;
};

/* The rule of lib/host/cpu_power.c, applied to the CPUs of @s: each left out of the others. */
static struct interval bounds_rule(const struct subset *s, enum power_tier tier)
{
    double sum = 0, least = 0, most = 0;
    double n = (double)s->n;
    for (size_t i = 0; i < s->n; i++) {
        struct subset others = without(s, s->row[i]);
        struct watt_model m = predict(s->row[i], &others, tier);
        double squares = 0;
        for (size_t k = first_point(tier); k <= last_point(tier); k++) {
            double error = log(truth_over(&m, s->row[i], k));
            squares += error * error;
            least = fmin(least, error);
            most = fmax(most, error);
        }
        sum += squares / (double)(last_point(tier) - first_point(tier) + 1);
    }
    double spread = sqrt(sum / (n - 1));
    double half = student_95[s->n - 1] * spread * sqrt(1 + 1 / n);
    return (struct interval){ exp(fmin(-half, least)), exp(fmax(half, most)) };
}

/* In percent: over all points, and over those that the tier is not given. */
struct mean_error {
    double all, told;
};

static struct mean_error mean_error(enum power_tier tier)
{
    struct subset all = all_cpus();
    struct mean_error mean = { 0 };
    double points = (double)(last_point(tier) - first_point(tier) + 1);
    print_message(
        "\ntier %s, error of the estimate in percent, each CPU model left out in turn\n%-18s",
        power_tier_name(tier), "load");
    for (int k = 0; k < POWER_CURVE_POINTS; k++)
        print_message("%7d%%", k * 10);
    print_message("%8s\n", "mean");
    for (size_t row = 0; row < CPUS; row++) {
        struct subset others = without(&all, row);
        struct watt_model m = predict(row, &others, tier);
        double own = 0;
        print_message("%-18s", power_package_rows[row].cpu);
        for (size_t k = 0; k < POWER_CURVE_POINTS; k++) {
            double error = 100 * (1 / truth_over(&m, row, k) - 1);
            own += fabs(error) / POWER_CURVE_POINTS;
            if (k >= first_point(tier) && k <= last_point(tier))
                mean.told += fabs(error) / points / (double)CPUS;
            print_message("%+8.1f", error);
        }
        print_message("%8.2f\n", own);
        mean.all += own / (double)CPUS;
    }
    print_message("mean absolute error %.2f %% of all %d points", mean.all, POWER_CURVE_POINTS);
    if (points < POWER_CURVE_POINTS) {
        print_message(", %.2f %% of the %.0f between the two ends, which are given", mean.told,
                      points);
    }
    print_message("\n");
    return mean;
}

static void tier_b_of_unknown_cpus(void **state)
{
    (void)state;
    struct mean_error error = mean_error(TIER_B);
    assert_true(error.all <= 11);
    assert_near(error.all, 9.68, 0.005, "as docs/how-a-watt-is-computed.md says");
    assert_close(error.told, error.all, "nothing of it is given");
}

static void tier_b_calibrated_of_unknown_shapes(void **state)
{
    (void)state;
    struct mean_error error = mean_error(TIER_B_CALIBRATED);
    assert_true(error.told <= 4);
    assert_near(error.told, 3.23, 0.005, "as docs/how-a-watt-is-computed.md says");
    assert_near(error.all, 2.64, 0.005, "as docs/how-a-watt-is-computed.md says");
}

static void never_negative_and_never_falling(void **state)
{
    static const enum power_tier tiers[] = { TIER_B, TIER_B_CALIBRATED };
    struct subset all = all_cpus();
    (void)state;
    for (size_t i = 0; i < CPUS * ARRAY_LEN(tiers); i++) {
        size_t row = i / ARRAY_LEN(tiers);
        struct subset others = without(&all, row);
        struct watt_model m = predict(row, &others, tiers[i % ARRAY_LEN(tiers)]);
        double before = 0;
        for (int permille = 0; permille <= 1000; permille++) {
            double watts = watt_package(&m, permille / 1000.0).watts;
            if (!(watts > 0 && watts >= before))
                fail_msg("%s at %d permille: %g after %g", power_package_rows[row].cpu, permille,
                         watts, before);
            before = watts;
        }
    }
}

/* Bounds that never saw the CPU they are tried on. */
static void bounds_hold_for_unknown_cpus(void **state)
{
    static const enum power_tier tiers[] = { TIER_B, TIER_B_CALIBRATED };
    struct subset all = all_cpus();
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tiers); t++) {
        enum power_tier tier = tiers[t];
        unsigned inside = 0, points = 0;
        double width = 0;
        for (size_t row = 0; row < CPUS; row++) {
            struct subset others = without(&all, row);
            struct interval b = bounds_rule(&others, tier);
            struct watt_model m = predict(row, &others, tier);
            width += (b.high - b.low) / (double)CPUS;
            for (size_t k = first_point(tier); k <= last_point(tier); k++, points++) {
                double truth = truth_over(&m, row, k);
                inside += truth >= b.low && truth <= b.high;
            }
        }
        print_message(
            "tier %s: bounds made without the CPU hold %u of its %u points (%.0f %%); mean "
            "width %.2f of the estimate\n",
            power_tier_name(tier), inside, points, 100.0 * inside / points, width);
        assert_true(inside >= 0.9 * points);
    }
}

/* The bounds that are built in are the rule's on all CPUs, to two digits, rounded outward by no
   more than one of the last. */
static void built_in_bounds_are_the_rules(void **state)
{
    struct subset all = all_cpus();
    struct cpu_facts intel = { .vendor = "GenuineIntel", .model_name = "unknown" };
    struct cpu_power p;
    (void)state;
    cpu_power_find(&intel, 200, &p);
    struct interval b = bounds_rule(&all, TIER_B);
    print_message("tier B: the rule gives x%.3f .. x%.3f, built in x%.2f .. x%.2f\n", b.low, b.high,
                  p.bound_low, p.bound_high);
    assert_int_equal(p.tier, TIER_B);
    assert_near(p.bound_low, b.low, 0.01, "B, low");
    assert_near(p.bound_high, b.high, 0.01, "B, high");

    assert_int_equal(
        cpu_power_from_ends(&(struct power_ends){ "test", 2, 96, 50, 500, true }, &p, NULL), 0);
    b = bounds_rule(&all, TIER_B_CALIBRATED);
    print_message("tier B': the rule gives x%.3f .. x%.3f, built in x%.2f .. x%.2f\n", b.low,
                  b.high, p.bound_low, p.bound_high);
    assert_near(p.bound_low, b.low, 0.01, "B', low");
    assert_near(p.bound_high, b.high, 0.01, "B', high");
}

/* The exponent by which the true watts at rest are off what the others' shape makes of the CPU's
   own at load @first_usage and at 95 %: model_file_power.c's rule. */
static double log_error_at_rest(size_t row, const struct subset *others, double first_usage)
{
    const double *watts = power_package_rows[row].watts;
    const double span = watts[10] - watts[0];
    struct watt_model m = predict(row, others, TIER_B_CALIBRATED);
    double rise[2] = { first_usage, MODEL_USAGE_LAST_MIN };
    double seen[2];
    for (size_t i = 0; i < 2; i++) {
        seen[i] = watt_interpolate(watts, rise[i]);
        rise[i] = (watt_interpolate(m.power.curve, rise[i]) - watts[0]) / span;
    }
    double rest = seen[0] - rise[0] * (seen[1] - seen[0]) / (rise[1] - rise[0]);
    return log(watts[0] / fmax(rest, seen[0] / 3));
}

static struct interval rest_rule(double first_usage)
{
    struct subset all = all_cpus();
    double squares = 0, least = 0, most = 0;
    double n = (double)CPUS;
    for (size_t row = 0; row < CPUS; row++) {
        struct subset others = without(&all, row);
        double error = log_error_at_rest(row, &others, first_usage);
        squares += error * error;
        least = fmin(least, error);
        most = fmax(most, error);
    }
    double half = student_95[CPUS - 1] * sqrt(squares / (n - 1)) * sqrt(1 + 1 / n);
    return (struct interval){ exp(fmin(-half, least)), exp(fmax(half, most)) };
}

/* Of a calibration that never saw the machine at rest: built in is what the rule makes of the CPUs
   that are left out, and hardly more. */
static void rest_that_was_not_seen(void **state)
{
    static const double first[] = { 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10 };
    struct subset all = all_cpus();
    struct interval between = bounds_rule(&all, TIER_B_CALIBRATED);
    struct cpu_facts cpu = { .vendor = "GenuineIntel", .model_name = "x" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        const struct model_file file = {
            .vendor = "GenuineIntel",
            .cpu_model = "x",
            .sockets = 2,
            .threads = 96,
            .point = { { .usage_ratio = first[i], .package_watts = 60, .dram_watts = -1 },
                       { .load = 1, .usage_ratio = 1, .package_watts = 400, .dram_watts = -1 } },
            .points = 2,
        };
        struct cpu_power p;
        assert_int_equal(model_file_to_power(&file, "x.json", &cpu, &p, NULL), 0);
        struct interval rest = rest_rule(first[i]);
        double low = fmin(rest.low, between.low);
        double high = fmax(rest.high, between.high);
        print_message("tier B' whose first point is at %2.0f %%: the rule gives x%.3f .. x%.3f, "
                      "built in x%.3f .. x%.3f\n",
                      100 * first[i], low, high, p.bound_low, p.bound_high);
        assert_true(p.bound_low < low + 0.005 && p.bound_high > high - 0.005);
        assert_true(p.bound_low > low - 0.07 && p.bound_high < high + 0.09);
    }
}

static const struct power_package_row *keplers_row(const char *cpu)
{
    for (size_t i = 0; i < ARRAY_LEN(power_kepler_rows); i++) {
        if (strcmp(power_kepler_rows[i].cpu, cpu) == 0)
            return &power_kepler_rows[i];
    }
    return NULL;
}

/* Where both have the CPU: are Kepler's curves of a CPU that was not measured nearer than tier B?
 */
static void keplers_curves_against_tier_b(void **state)
{
    struct subset all = all_cpus();
    double theirs = 0, ours = 0;
    unsigned cpus = 0;
    (void)state;
    print_message("\nmeasured package watts over Kepler's curve, load 0, 10, .. 100 %%\n");
    for (size_t row = 0; row < CPUS; row++) {
        const struct power_package_row *kepler = keplers_row(power_package_rows[row].cpu);
        if (!kepler)
            continue;
        struct subset others = without(&all, row);
        struct watt_model m = predict(row, &others, TIER_B);
        print_message("%-18s", kepler->cpu);
        for (size_t k = 0; k < POWER_CURVE_POINTS; k++) {
            double truth = power_package_rows[row].watts[k];
            print_message("%7.2f", truth / kepler->watts[k]);
            theirs += fabs(kepler->watts[k] / truth - 1) / POWER_CURVE_POINTS;
            ours += fabs(1 / truth_over(&m, row, k) - 1) / POWER_CURVE_POINTS;
        }
        print_message("\n");
        cpus++;
    }
    assert_int_equal(cpus, 4);
    print_message("mean absolute error on them: Kepler's %.2f %%, tier B without the CPU %.2f %%\n",
                  25 * theirs, 25 * ours);
    assert_near(25 * theirs, 20.4, 0.05, "as decision 0007 says");
    assert_near(25 * ours, 8.76, 0.05, "as decision 0007 says");
    struct cpu_facts only_kepler = { .vendor = "GenuineIntel",
                                     .model_name = "Intel(R) Xeon(R) Platinum 8488C" };
    struct cpu_power p;
    cpu_power_find(&only_kepler, 0, &p);
    assert_int_equal(p.tier, TIER_B);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tier_b_of_unknown_cpus),
        cmocka_unit_test(tier_b_calibrated_of_unknown_shapes),
        cmocka_unit_test(never_negative_and_never_falling),
        cmocka_unit_test(bounds_hold_for_unknown_cpus),
        cmocka_unit_test(built_in_bounds_are_the_rules),
        cmocka_unit_test(rest_that_was_not_seen),
        cmocka_unit_test(keplers_curves_against_tier_b),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
