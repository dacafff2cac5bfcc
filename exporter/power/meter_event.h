/* SPDX-License-Identifier: Apache-2.0 */
/* What a refresh has to say of power, in one sentence for the log: zones that have the same news
   are named together. */
#ifndef POWER_METER_EVENT_H
#define POWER_METER_EVENT_H

#include "base/compiler.h"
#include "power/chain.h"
#include "power/meter.h"

#include <stddef.h>

#define METER_EVENT_SIZE sizeof(((struct meter_reading *)NULL)->event)

/* A zone, and what its chain says; borrowed. */
struct meter_news {
    enum energy_zone zone;
    const struct chain_reading *reading;
};

/* Joins what is said with what is there already, nothing if it is ""; what does not fit is cut. */
PRINTF_LIKE(2, 3) void meter_say(char event[METER_EVENT_SIZE], const char *format, ...);

/* "power comes from powercap (measured: package, dram), model E:any server CPU (estimated: psys)"
 */
void meter_announce(const struct meter_news *news, size_t n, char event[METER_EVENT_SIZE]);

/* The chains' events; the first one of @news is the zone that matters most: where its reading was
   bad, those of the other zones that were bad too are shortened to their names. */
void meter_tell(const struct meter_news *news, size_t n, char event[METER_EVENT_SIZE]);

#endif
