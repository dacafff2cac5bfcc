/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file is what a person wrote: any text is taken, warned about or refused with a
   place; what is taken is within its limits. */
#include "base/clock.h"
#include "config.h"
#include "expose/snapshot.h"

#include "fuzz.h"

static void check(const struct config *c)
{
    fuzz_want(c->interval_ns >= 100 * NS_PER_MS && c->interval_ns <= 3600 * NS_PER_SEC);
    fuzz_want(c->threshold_joules >= 0 && c->tdp_watts >= 0 && c->tdp_watts <= 2000);
    fuzz_want(c->max_terminated >= -1 && c->listens >= 1 && c->listens <= 16);
    fuzz_want(c->levels != 0 && (c->levels & ~(unsigned)LEVEL_ALL) == 0);
    fuzz_want(c->zones >> ZONE_COUNT == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    AUTO_YAML doc = { 0 };
    if (yaml_parse((const char *)data, size, &doc, &err) < 0)
        return 0;
    for (int by_person = 0; by_person < 2; by_person++) {
        CLEANUP(config_done) struct config c;
        config_init(&c);
        int code = config_apply(&c, &doc, "fuzz", by_person, &err);
        if (code == 0)
            check(&c);
        else
            fuzz_want(strstr(err.text, "fuzz: line ") && by_person);
    }
    return 0;
}
