/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration file is what a person wrote: any text is taken, warned about or refused with a
   place; what is taken is within its limits. */
#include "base/clock.h"
#include "config.h"
#include "expose/snapshot.h"

#include "fuzz.h"

static void check(const struct config *c)
{
    if (c->interval_ns < 100 * NS_PER_MS || c->interval_ns > 3600 * NS_PER_SEC)
        abort();
    if (!(c->threshold_joules >= 0) || !(c->tdp_watts >= 0 && c->tdp_watts <= 2000))
        abort();
    if (c->max_terminated < -1 || c->listens == 0 || c->listens > 16)
        abort();
    if (c->levels == 0 || (c->levels & ~(unsigned)LEVEL_ALL) || c->zones >> ZONE_COUNT)
        abort();
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
        else if (!strstr(err.text, "fuzz: line ") || !by_person)
            abort();
    }
    return 0;
}
