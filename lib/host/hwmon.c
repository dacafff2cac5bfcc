/* SPDX-License-Identifier: Apache-2.0 */
#include "host/hwmon.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "host/hwmon_choice.h"
#include "host/hwmon_scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CHIPS_TOLD 6 /* of all there are, in the reason why none does */

/* -EBADMSG: no number; -ERANGE: a negative one, as of a battery's charger. */
static int read_number(const struct rootfs *fs, const char *path, uint64_t *ret)
{
    char text[32];
    int64_t number = 0;
    ssize_t n = rootfs_read_text(fs, path, text, sizeof(text));
    if (n < 0)
        return n == -EFBIG ? -EBADMSG : (int)n;
    if (number_parse_u64(text, 10, ret) == 0)
        return 0;
    return number_parse_i64(text, &number) == 0 && number < 0 ? -ERANGE : -EBADMSG;
}

/* ".../in1_input" and 2: ".../curr2_input". */
static int read_amperes(const struct rootfs *fs, const struct energy_counter *c, uint64_t *ret)
{
    char path[sizeof(c->path) + 16];
    const char *file = strrchr(c->path, '/');
    const char *what = file ? strchr(file, '_') : NULL;
    if (!what)
        return -EINVAL;
    (void)snprintf(path, sizeof(path), "%.*s/curr%u%s", (int)(file - c->path), c->path, c->reg,
                   what);
    return read_number(fs, path, ret);
}

/* A count below 0 has no meaning (-EBADMSG); watts below 0 have one, but not a processor's
   (-ERANGE). */
static int hwmon_read(const struct rootfs *fs, const struct energy_counter *counter, uint64_t *ret)
{
    uint64_t value = 0;
    uint64_t milliamperes = 0;
    int code = read_number(fs, counter->path, &value);
    if (code == -ERANGE && !counter->is_power)
        return -EBADMSG;
    if (code == 0 && counter->reg > 0)
        code = read_amperes(fs, counter, &milliamperes);
    if (code < 0)
        return code;
    if (counter->reg > 0 && __builtin_mul_overflow(value, milliamperes, &value))
        return -EBADMSG;
    *ret = value;
    return 0;
}

static bool is_wanted(const struct hwmon_config *config, const struct hwmon_found *f)
{
    for (size_t i = 0; i < config->zones; i++) {
        if (hwmon_is_named(f, config->zone[i]))
            return true;
    }
    return config->zones == 0;
}

/* A sensor that a person names though nobody knows it: his word is that it is the processor's. It
   counts where no known one is named. */
static void take_his_word(struct hwmon_meaning *m)
{
    if (m->zone != ZONE_COUNT || m->foreign)
        return;
    *m = (struct hwmon_meaning){
        .zone = ZONE_PACKAGE, .rank = UINT_MAX, .parts = 1, .general = true, .socket = -1
    };
}

/* Chips of one kind are one a socket, in the order of their folders. */
static int socket_by_order(const struct hwmon_candidates *all, const struct hwmon_candidate *c)
{
    int socket = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct hwmon_candidate *other = &all->at[i];
        socket += other->kind == c->kind && other->meaning.rank == c->meaning.rank &&
                  other->meaning.part == c->meaning.part && strcmp(other->zone, c->zone) == 0;
    }
    return socket;
}

struct search {
    const struct rootfs *fs;
    struct hwmon_candidates *all;
};

static void consider(void *context, const struct hwmon_found *f)
{
    struct search *s = context;
    const struct hwmon_config *config = hwmon_config_now();
    struct hwmon_candidate c = { .kind = f->kind };
    uint64_t ignored = 0;
    if (!is_wanted(config, f))
        return;
    hwmon_meaning_find(f->chip, f->label, &c.meaning);
    if (config->zones > 0)
        take_his_word(&c.meaning);
    if (c.meaning.zone == ZONE_COUNT)
        return;
    if (s->all->n == HWMON_CANDIDATES_MAX) {
        s->all->overflow = true;
        return;
    }
    (void)snprintf(c.zone, sizeof(c.zone), "%s", f->zone);
    c.counter = (struct energy_counter){ .zone = c.meaning.zone,
                                         .reg = f->ampere,
                                         .uj_per_count = 1,
                                         .is_power = f->kind != HWMON_ENERGY,
                                         .fd = -1 };
    c.counter.socket = c.meaning.socket >= 0 ? c.meaning.socket : socket_by_order(s->all, &c);
    (void)snprintf(c.counter.path, sizeof(c.counter.path), "%s", f->path);
    (void)snprintf(c.counter.label, sizeof(c.counter.label), "hwmon:%s", f->chip);
    c.code = hwmon_read(s->fs, &c.counter, &ignored);
    s->all->at[s->all->n++] = c;
}

static void note(void *context, const struct hwmon_found *f)
{
    struct hwmon_survey *survey = context;
    int ignored = 0;
    if (survey->n == ARRAY_LEN(survey->sensor)) {
        survey->more++;
        return;
    }
    struct hwmon_sensor *s = &survey->sensor[survey->n++];
    (void)snprintf(s->chip, sizeof(s->chip), "%s", f->chip);
    (void)snprintf(s->label, sizeof(s->label), "%s", f->label);
    (void)snprintf(s->path, sizeof(s->path), "%s", f->path);
    (void)snprintf(s->zone_name, sizeof(s->zone_name), "%s", f->zone);
    s->zone = hwmon_zone_of(f->chip, f->label, &ignored);
}

void hwmon_survey(const struct rootfs *fs, struct hwmon_survey *ret)
{
    *ret = (struct hwmon_survey){ 0 };
    if (hwmon_scan(fs, note, ret, &ret->chips) < 0)
        ret->chips = 0;
}

/* Why the chip in @entry does not count: of its first sensor. */
static void tell_chip(const struct hwmon_survey *survey, const char *entry, const char *chip,
                      struct buf *text)
{
    struct hwmon_meaning meaning;
    char folder[64];
    (void)snprintf(folder, sizeof(folder), HWMON_CLASS "/%.32s/", entry);
    const struct hwmon_sensor *s = survey->sensor;
    const struct hwmon_sensor *end = s + survey->n;
    while (s < end && strncmp(s->path, folder, strlen(folder)) != 0)
        s++;
    hwmon_meaning_find(chip, s < end ? s->label : "", &meaning);
    if (meaning.foreign) {
        buf_printf(text, "%s (another device's)", chip);
    } else if (s == end) {
        buf_printf(text, "%s (no power sensor)", chip);
    } else if (s->zone != ZONE_COUNT) {
        buf_printf(text, "%s (not named in experimental.hwmon.zones)", chip);
    } else {
        buf_printf(text, "%s (%s: unknown)", chip, s->zone_name);
    }
}

static void tell_chips(const struct rootfs *fs, const struct hwmon_survey *survey, struct buf *text)
{
    AUTO_NAMES entries = { 0 };
    size_t told = 0;
    if (rootfs_list(fs, HWMON_CLASS, &entries) < 0)
        return;
    for (size_t i = 0; i < entries.n && told < CHIPS_TOLD; i++) {
        char chip[32];
        if (!hwmon_chip_name(fs, entries.name[i], chip, sizeof(chip)))
            continue;
        buf_str(text, told++ ? ", " : "");
        tell_chip(survey, entries.name[i], chip, text);
    }
    if (survey->chips > told)
        buf_printf(text, ", and %zu more", survey->chips - told);
}

static int explain_no_chip(const struct cpu_facts *cpu, struct err *err)
{
    if (cpu->hypervisor) {
        return err_set(err, -ENOENT,
                       HWMON_CLASS " is empty: this is a virtual machine, and the sensors are its "
                                   "host's; no module or mount brings them");
    }
    return err_set(err, -ENOENT,
                   HWMON_CLASS " is empty: load a sensor's driver (a server's ACPI power meter: "
                               "modprobe acpi_power_meter)");
}

static int explain_nothing(const struct rootfs *fs, const struct cpu_facts *cpu, struct err *err)
{
    struct hwmon_survey survey;
    char unmatched[300];
    AUTO_BUF text;
    buf_init(&text, sizeof(err->text));
    hwmon_survey(fs, &survey);
    bool is_unmatched = hwmon_check(fs, hwmon_config_now(), unmatched, sizeof(unmatched)) > 0;
    if (survey.chips == 0 && !is_unmatched)
        return explain_no_chip(cpu, err);
    if (survey.chips == 0)
        return err_set(err, -ENOENT, HWMON_CLASS " is empty: %s", unmatched);
    tell_chips(fs, &survey, &text);
    return err_set(
        err, -ENOENT, HWMON_CLASS ": %s%snone of %zu chips measures the processor: %s; %s",
        is_unmatched ? unmatched : "", is_unmatched ? "; " : "", survey.chips, buf_text(&text),
        cpu->hypervisor ? "this is a virtual machine, and the processor's sensors are its host's"
                        : "if one does, name its sensor in experimental.hwmon.zones");
}

static int explain_no_class(const struct cpu_facts *cpu, int code, struct err *err)
{
    if (code == -ENOENT && cpu->hypervisor) {
        return err_set(err, code,
                       "there is no " HWMON_CLASS ": this is a virtual machine, and the sensors "
                       "are its host's; no module or mount brings them");
    }
    return err_set(err, code == -EPERM ? -EACCES : code,
                   "cannot list " HWMON_CLASS ": %s; is sysfs mounted (--host.sysfs), and the "
                   "kernel built with CONFIG_HWMON?",
                   strerror(-code));
}

static int hwmon_list(const struct rootfs *fs, const struct cpu_facts *cpu, struct energy_set *ret,
                      struct err *err)
{
    AUTO_FREE struct hwmon_candidates *all = mem_new(1, sizeof(*all));
    struct search s = { fs, all };
    struct energy_set set;
    size_t chips = 0;
    all->filtered = hwmon_config_now()->zones > 0;
    int code = hwmon_scan(fs, consider, &s, &chips);
    if (code < 0)
        return explain_no_class(cpu, code, err);
    code = hwmon_choose(all, cpu, &set, err);
    if (code == 0 && set.n == 0)
        code = explain_nothing(fs, cpu, err);
    if (code < 0)
        return code;
    *ret = set;
    return 0;
}

const struct energy_driver energy_hwmon = { "hwmon", hwmon_list, hwmon_read };
