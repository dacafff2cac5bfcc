/* SPDX-License-Identifier: Apache-2.0 */
/* What hwmon.c is made of: the sensors of a machine (hwmon_scan.c), what they measure
   (hwmon_rules.c), and which amperes go with which volts (hwmon_pairs.c). */
#ifndef HOST_HWMON_SCAN_H
#define HOST_HWMON_SCAN_H

#include "base/compiler.h"
#include "base/rootfs.h"
#include "host/energy.h"
#include "host/hwmon.h"

#include <stdbool.h>
#include <stddef.h>

/* Best first: an energy count misses nothing between two readings. */
enum hwmon_kind {
    HWMON_ENERGY,
    HWMON_POWER,
    HWMON_VOLTS_AMPERES
};

struct hwmon_found {
    enum hwmon_kind kind;
    char chip[32];   /* as the chip writes its name */
    char label[48];  /* as the chip writes it; "" none */
    char zone[96];   /* Kepler's zone name: the label normalised, else number */
    char number[64]; /* "CHIP_power1", "CHIP_energy1": what it can be named by, label or not */
    char path[128];  /* what to read; the volts where there are amperes too */
    unsigned ampere; /* M of currM_input, HWMON_VOLTS_AMPERES only */
};

/* @sensor is the visitor's for the call only. */
typedef void hwmon_visit(void *context, const struct hwmon_found *sensor);

/* Visits the sensors of all chips that are switched on, in the order of the folders; @ret_chips:
   chips of any kind. -errno where the class cannot be listed. */
MUST_USE int hwmon_scan(const struct rootfs *fs, hwmon_visit *visit, void *context,
                        size_t *ret_chips);

/* Whether a person who writes @zone (any case) in experimental.hwmon.zones means this sensor. */
bool hwmon_is_named(const struct hwmon_found *f, const char *zone);

/* Name of the chip in @entry ("hwmon0") of the class; false if it is no chip. */
bool hwmon_chip_name(const struct rootfs *fs, const char *entry, char *ret, size_t size);

/* Kepler's cleanMetricName: lower case, every other character than [a-z0-9:_] is '_', none of them
   at the ends. */
void hwmon_normalise(const char *text, char *ret, size_t size);

/* What a row of the zone table says of a sensor. */
struct hwmon_meaning {
    enum energy_zone zone; /* ZONE_COUNT: it does not count */
    unsigned rank;         /* of one zone and kind the lowest is taken */
    unsigned part, parts;  /* a figure of this rank is the sum of so many sensors; this is one */
    bool general;          /* known by its label alone, whatever the chip */
    bool foreign; /* a chip whose watts are never the processor's: a graphics card, a disk */
    int socket;   /* -1: the label names none */
};
void hwmon_meaning_find(const char *chip, const char *label, struct hwmon_meaning *ret);

/* M of the currM that goes with inN (@volt) of @chip: by the person's rule, else the built-in one.
   0: none goes with it; -1: nothing is known of the chip. */
int hwmon_ampere_find(const char *chip, unsigned volt);

const struct hwmon_config *hwmon_config_now(void); /* never NULL */

#endif
