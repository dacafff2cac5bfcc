/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power and energy sensors of /sys/class/hwmon that are of the processor, its memory or the whole
 * machine: ACPI power meters, arm64's SoC chips, boards with a shunt (Documentation/hwmon/
 * sysfs-interface.rst). Sensors of a graphics card, a disk, a network card or a power supply's
 * input are left out: their watts are not the processor's.
 */
#ifndef HOST_HWMON_H
#define HOST_HWMON_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"
#include "host/energy.h"

#include <stdbool.h>
#include <stddef.h>

#define HWMON_CLASS       "/sys/class/hwmon"
#define HWMON_RULES_MAX   32
#define HWMON_SENSORS_MAX 16 /* channels of one kind of one chip */

/* How the volts (inN) and amperes (currM) of a chip without a power sensor pair up: Kepler's
   experimental.hwmon.chipRules. */
struct hwmon_chip_rule {
    char name[32];                          /* the chip's `name` file, lower case */
    bool use_same_index;                    /* inN goes with currN; `pairing` is not looked at */
    signed char pairing[HWMON_SENSORS_MAX]; /* by N of inN: M of currM, -1 none */
    bool skip_voltage[HWMON_SENSORS_MAX], skip_current[HWMON_SENSORS_MAX];
};

/* A person's settings (experimental.hwmon of the configuration), said once at start, before any
   list(); both are borrowed for good. They come before the built-in rules. */
struct hwmon_config {
    struct hwmon_chip_rule rule[HWMON_RULES_MAX];
    size_t rules;
    char zone[16][32]; /* labels of sensors that count ("cpu_power"); none: all that are known */
    size_t zones;
};
void hwmon_configure(const struct hwmon_config *config); /* NULL: none */

/* Whether what @config names is here: the number of its zones and chips that nothing matches, and
   in
   @ret a sentence that names them ("" where it is 0), for a person who may have mistyped. -errno,
   with a sentence too, where the class cannot be listed and @config names something. */
int hwmon_check(const struct rootfs *fs, const struct hwmon_config *config, char *ret, size_t size);

/* Pure: what a sensor of @chip ("apm_xgene", "power_meter", "smpro_hwmon") with @label ("" none)
   measures; ZONE_COUNT: nothing of the processor, its memory or the whole machine, or nobody knows.
   @socket is set where the label names one. The table is in hwmon_rules.c. */
enum energy_zone hwmon_zone_of(const char *chip, const char *label, int *ret_socket);

/* For a diagnosis: every power or energy sensor there is, and what it was taken for. */
struct hwmon_sensor {
    char chip[32], label[48], path[128]; /* path: "/sys/class/hwmon/hwmon1/power1_input" */
    char zone_name[96];                  /* for experimental.hwmon.zones */
    enum energy_zone zone;               /* ZONE_COUNT: not used */
};
struct hwmon_survey {
    struct hwmon_sensor sensor[32];
    size_t n;     /* of sensor[] */
    size_t more;  /* sensors that had no room there */
    size_t chips; /* of any kind, without a power sensor too */
};
void hwmon_survey(const struct rootfs *fs, struct hwmon_survey *ret);

#endif
