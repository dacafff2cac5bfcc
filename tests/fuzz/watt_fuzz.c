/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every count, load and machine: no result is negative, out of its bounds, or more
   than there is; no curve that rises gives watts that fall. */
#include "base/clock.h"
#include "power/watt.h"

#include "fuzz.h"

#include <math.h>

struct input {
    uint64_t before, now, modulus, elapsed_ns;
    double u, joules, watts;
    uint32_t threads, vcpus;
    uint8_t tier, is_vm, sockets;
    uint8_t step[POWER_CURVE_POINTS]; /* of the curve, upwards */
};

static void check_counts(const struct input *in)
{
    uint64_t counts = 0;
    if (watt_counts_between(in->before, in->now, in->modulus, &counts) < 0)
        return;
    fuzz_want(in->modulus == 0 || counts < in->modulus);
    uint64_t reached = in->before + counts; /* modulo 2^64 */
    fuzz_want(reached == in->now || reached - in->modulus == in->now);
}

static void check_range(struct watt_range r)
{
    fuzz_want(r.low >= 0 && r.low <= r.watts && r.watts <= r.high);
}

static void check_model(const struct input *in)
{
    struct watt_model m = { .power = { .tier = (enum power_tier)(in->tier % (TIER_E + 1)),
                                       .tdp_watts = 240,
                                       .tdp_watts_per_thread = 3.85,
                                       .bound_low = 0.8,
                                       .bound_high = 1.4 },
                            .sockets = in->sockets,
                            .threads = in->threads % 8192,
                            .vcpus = in->vcpus,
                            .is_vm = in->is_vm & 1,
                            .memory_gb = in->sockets };
    double at = 0;
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++)
        m.power.curve[i] = at += in->step[i];
    double u = fabs(in->u) <= 1 ? fabs(in->u) : 0.5;
    struct watt_range less = watt_package(&m, u / 2), more = watt_package(&m, u);
    check_range(less);
    check_range(more);
    check_range(watt_package(&m, in->u));
    check_range(watt_dram(&m, in->u));
    fuzz_want(less.watts <= more.watts * (1 + 1e-9) + 1e-9);
    if (in->watts >= 0)
        fuzz_want(watt_idle_guess(m.power.curve, in->watts, in->u) <= in->watts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { 0 };
    memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
    check_counts(&in);
    check_model(&in);
    if (in.joules >= 0) {
        double idle = watt_idle_joules(in.joules, in.watts, in.elapsed_ns);
        fuzz_want(idle >= 0 && idle <= in.joules);
    }
    return 0;
}
