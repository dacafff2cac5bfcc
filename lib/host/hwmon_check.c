/* SPDX-License-Identifier: Apache-2.0 */
/* Names of a person's settings that nothing of this machine answers to: a misspelt one would
   otherwise leave a sensor out without a sign. */
#include "host/hwmon_scan.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

struct check {
    const struct hwmon_config *config;
    bool zone_is_here[ARRAY_LEN(((struct hwmon_config *)NULL)->zone)];
};

static void tick(void *context, const struct hwmon_found *f)
{
    struct check *c = context;
    for (size_t i = 0; i < c->config->zones; i++)
        c->zone_is_here[i] |= hwmon_is_named(f, c->config->zone[i]);
}

static bool has_chip(const struct rootfs *fs, const struct rootfs_names *entries, const char *name)
{
    char chip[32];
    for (size_t i = 0; i < entries->n; i++) {
        if (hwmon_chip_name(fs, entries->name[i], chip, sizeof(chip)) &&
            strcasecmp(chip, name) == 0)
            return true;
    }
    return false;
}

/* "experimental.hwmon.zones names "a", "b", which no sensor has" grows by one name. */
static void add_name(struct buf *to, bool is_first, const char *list, const char *name)
{
    if (is_first) {
        buf_printf(to, "%sexperimental.hwmon.%s names \"%s\"", to->len ? "; " : "", list, name);
    } else {
        buf_printf(to, ", \"%s\"", name);
    }
}

static int tell_zones(const struct check *c, struct buf *to)
{
    int missing = 0;
    for (size_t i = 0; i < c->config->zones; i++) {
        if (!c->zone_is_here[i])
            add_name(to, missing++ == 0, "zones", c->config->zone[i]);
    }
    if (missing > 0)
        buf_str(to, ", and no sensor here is called so");
    return missing;
}

static int tell_chips(const struct check *c, const struct rootfs *fs,
                      const struct rootfs_names *entries, struct buf *to)
{
    int missing = 0;
    for (size_t i = 0; i < c->config->rules; i++) {
        if (!has_chip(fs, entries, c->config->rule[i].name))
            add_name(to, missing++ == 0, "chipRules", c->config->rule[i].name);
    }
    if (missing > 0)
        buf_str(to, ", and no chip here is called so");
    return missing;
}

int hwmon_check(const struct rootfs *fs, const struct hwmon_config *config, char *ret, size_t size)
{
    struct check c = { .config = config };
    size_t chips = 0;
    AUTO_NAMES entries = { 0 };
    AUTO_BUF text;
    buf_init(&text, size);
    ret[0] = '\0';
    if (config->zones + config->rules == 0)
        return 0;
    int code = rootfs_list(fs, HWMON_CLASS, &entries);
    if (code == 0)
        code = hwmon_scan(fs, tick, &c, &chips);
    if (code < 0) {
        (void)snprintf(ret, size,
                       "experimental.hwmon names sensors, and " HWMON_CLASS " cannot be listed: %s",
                       strerror(-code));
        return code;
    }
    int missing = tell_zones(&c, &text);
    missing += tell_chips(&c, fs, &entries, &text);
    (void)snprintf(ret, size, "%s", buf_text(&text));
    return missing;
}
