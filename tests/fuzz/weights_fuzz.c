/* SPDX-License-Identifier: Apache-2.0 */
/* A reply of a model server: whatever it says, a zone that is taken has power at rest, does not
   fall and stays below the ceiling. */
#include "power/model_request.h"
#include "power/weights.h"

#include "fuzz.h"

#include <math.h>

#define THREADS 96
#define CEILING 960.0

static void check_zone(const struct weights *w)
{
    double before = 0;
    struct err err = { 0 };
    fuzz_want(weights_kind_name(w->kind)[0] != '\0');
    fuzz_want(weights_check(w, THREADS, CEILING, &err) == 0);
    for (unsigned load = 0; load <= 100; load += 5) {
        double watts = weights_watts(w, THREADS * 10.0 * load);
        fuzz_want(isfinite(watts) && watts > 0 && watts <= CEILING && watts >= before - 0.1);
        before = watts;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cpu_facts cpu = { .model_name = "Intel(R) Xeon(R) Platinum 8275CL CPU",
                                          .sockets = 2,
                                          .cores = 48,
                                          .threads = THREADS };
    const struct weights_machine m = { THREADS, CEILING };
    struct weights_reply reply;
    struct err err = { 0 };
    AUTO_JSON body = json_parse((const char *)data, size, &err);
    if (!body)
        return 0;
    int code = model_reply_is_ours(body, &cpu, "2", &err);
    fuzz_want(code == 0 || err.text[0] != '\0');
    size_t zones = 0;
    code = weights_reply_parse(body, NULL, &m, &reply, &err);
    for (size_t zone = 0; code == 0 && zone < ZONE_COUNT; zone++) {
        zones += reply.has[zone] ? 1 : 0;
        if (reply.has[zone])
            check_zone(&reply.zone[zone]);
    }
    fuzz_want(code == 0 ? zones > 0 : err.text[0] != '\0');
    return 0;
}
