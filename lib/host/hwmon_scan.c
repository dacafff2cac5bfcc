/* SPDX-License-Identifier: Apache-2.0 */
/* The sensors of /sys/class/hwmon: Documentation/hwmon/sysfs-interface.rst. Of a chip its energy
   and power sensors count; only where it has none, its volts times its amperes. */
#include "host/hwmon_scan.h"

#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FOLDER_SIZE  80
#define CHANNEL_MAX  9999
#define CHANNELS_MAX 64 /* volts, or amperes, of one chip */

/* One chip on its way to the visitor. */
struct scan {
    const struct rootfs *fs;
    hwmon_visit *visit;
    void *context;
    char folder[FOLDER_SIZE];
    struct rootfs_names files;
    size_t found; /* sensors of this chip */
    struct hwmon_found sensor;
};

/* Text of a file without blanks at its ends, and nothing in it that is no ASCII; "" if it cannot be
   read. */
static void read_label(const struct rootfs *fs, const char *path, char *ret, size_t size)
{
    char text[256];
    ssize_t n = rootfs_read_text(fs, path, text, sizeof(text));
    ret[0] = '\0';
    if (n <= 0)
        return;
    for (ssize_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        text[i] = isascii(c) && isprint(c) ? (char)c : ' ';
    }
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
    const char *begin = text + strspn(text, " ");
    (void)snprintf(ret, size, "%.*s", (int)size - 1, begin);
}

/* Drivers that registered the old way keep their files, `name` too, in the device's folder: ACPI
   power meters do to this day. */
bool hwmon_chip_name(const struct rootfs *fs, const char *entry, char *ret, size_t size)
{
    static const char *const places[] = { "", "/device" };
    ret[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(places) && ret[0] == '\0'; i++) {
        char path[FOLDER_SIZE + 16];
        (void)snprintf(path, sizeof(path), HWMON_CLASS "/%.32s%s/name", entry, places[i]);
        read_label(fs, path, ret, size);
    }
    return ret[0] != '\0';
}

/* "power12_average" of @type "power" is channel 12, "average". */
static bool is_channel(const char *file, const char *type, unsigned *ret, const char **ret_what)
{
    char digits[8];
    uint64_t number = 0;
    size_t n = strlen(type);
    if (strncmp(file, type, n) != 0)
        return false;
    size_t length = strspn(file + n, "0123456789");
    if (length == 0 || length >= sizeof(digits) || file[n + length] != '_')
        return false;
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)length, file + n);
    if (number_parse_u64(digits, 10, &number) < 0 || number > CHANNEL_MAX)
        return false;
    *ret = (unsigned)number;
    *ret_what = file + n + length + 1;
    return true;
}

static bool has_file(const struct scan *s, const char *type, unsigned channel, const char *what)
{
    char file[48];
    (void)snprintf(file, sizeof(file), "%s%u_%s", type, channel, what);
    for (size_t i = 0; i < s->files.n; i++) {
        if (strcmp(s->files.name[i], file) == 0)
            return true;
    }
    return false;
}

static void path_of(const struct scan *s, const char *type, unsigned channel, const char *what,
                    char ret[static 128])
{
    (void)snprintf(ret, 128, "%s/%s%u_%s", s->folder, type, channel, what);
}

/* A switch that cannot be read leaves it to the sensor itself to fail. */
static bool is_on(const struct scan *s, const char *type, unsigned channel)
{
    char path[128];
    char text[16] = "";
    path_of(s, type, channel, "enable", path);
    read_label(s->fs, path, text, sizeof(text));
    return strcmp(text, "0") != 0;
}

static void label_of(const struct scan *s, const char *type, unsigned channel, char *ret,
                     size_t size)
{
    /* acpi_power_meter.rst: an ACPI power meter has no label; its maker tells what it measures in
       the last two. */
    static const char *const places[] = { "label", "oem_info", "model_number" };
    ret[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(places) && ret[0] == '\0'; i++) {
        char path[128];
        path_of(s, type, channel, places[i], path);
        read_label(s->fs, path, ret, size);
    }
}

static void hand_over(struct scan *s, const char *type, unsigned channel)
{
    struct hwmon_found *f = &s->sensor;
    char chip[sizeof(f->chip)];
    hwmon_normalise(f->chip, chip, sizeof(chip));
    (void)snprintf(f->number, sizeof(f->number), "%s_%s%u", chip, type, channel);
    hwmon_normalise(f->label, f->zone, sizeof(f->zone));
    if (f->zone[0] == '\0')
        (void)snprintf(f->zone, sizeof(f->zone), "%s", f->number);
    s->found++;
    s->visit(s->context, f);
}

bool hwmon_is_named(const struct hwmon_found *f, const char *zone)
{
    char clean[96];
    hwmon_normalise(zone, clean, sizeof(clean));
    return strcmp(clean, f->zone) == 0 || strcmp(clean, f->number) == 0;
}

static void visit_sensors(struct scan *s, enum hwmon_kind kind, const char *type)
{
    for (size_t i = 0; i < s->files.n; i++) {
        unsigned channel = 0;
        const char *what = "";
        if (!is_channel(s->files.name[i], type, &channel, &what))
            continue;
        bool is_input = strcmp(what, "input") == 0 &&
                        (kind == HWMON_ENERGY || !has_file(s, type, channel, "average"));
        bool is_average = kind == HWMON_POWER && strcmp(what, "average") == 0;
        if ((!is_input && !is_average) || !is_on(s, type, channel))
            continue;
        s->sensor.kind = kind;
        s->sensor.ampere = 0;
        path_of(s, type, channel, what, s->sensor.path);
        label_of(s, type, channel, s->sensor.label, sizeof(s->sensor.label));
        hand_over(s, type, channel);
    }
}

struct channels {
    unsigned number[CHANNELS_MAX];
    char label[CHANNELS_MAX][48];
    size_t n;
};

static void list_channels(const struct scan *s, const char *type, struct channels *ret)
{
    ret->n = 0;
    for (size_t i = 0; i < s->files.n && ret->n < CHANNELS_MAX; i++) {
        unsigned channel = 0;
        const char *what = "";
        if (!is_channel(s->files.name[i], type, &channel, &what) || strcmp(what, "input") != 0 ||
            !is_on(s, type, channel))
            continue;
        ret->number[ret->n] = channel;
        label_of(s, type, channel, ret->label[ret->n], sizeof(ret->label[0]));
        ret->n++;
    }
}

static bool has_channel(const struct channels *c, unsigned number)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->number[i] == number)
            return true;
    }
    return false;
}

static bool same_label(const char *a, const char *b)
{
    char clean_a[64];
    char clean_b[64];
    hwmon_normalise(a, clean_a, sizeof(clean_a));
    hwmon_normalise(b, clean_b, sizeof(clean_b));
    return clean_a[0] != '\0' && strcmp(clean_a, clean_b) == 0;
}

static void visit_pair(struct scan *s, const struct channels *volts, size_t i, unsigned ampere)
{
    unsigned volt = volts->number[i];
    bool averages = has_file(s, "in", volt, "average") && has_file(s, "curr", ampere, "average");
    s->sensor.kind = HWMON_VOLTS_AMPERES;
    s->sensor.ampere = ampere;
    path_of(s, "in", volt, averages ? "average" : "input", s->sensor.path);
    (void)snprintf(s->sensor.label, sizeof(s->sensor.label), "%s", volts->label[i]);
    hand_over(s, "power", volt); /* as Kepler calls it where it has no label */
}

static void pair_by_label(struct scan *s, const struct channels *volts,
                          const struct channels *amperes)
{
    for (size_t i = 0; i < volts->n; i++) {
        for (size_t k = 0; k < amperes->n; k++) {
            if (!same_label(volts->label[i], amperes->label[k]))
                continue;
            visit_pair(s, volts, i, amperes->number[k]);
            break;
        }
    }
}

static void pair_by_number(struct scan *s, const struct channels *volts,
                           const struct channels *amperes)
{
    for (size_t i = 0; i < volts->n; i++) {
        int ampere = hwmon_ampere_find(s->sensor.chip, volts->number[i]);
        if (ampere < 0)
            ampere = (int)volts->number[i];
        if (ampere > 0 && has_channel(amperes, (unsigned)ampere))
            visit_pair(s, volts, i, (unsigned)ampere);
    }
}

static void visit_volts(struct scan *s)
{
    struct channels volts;
    struct channels amperes;
    list_channels(s, "in", &volts);
    list_channels(s, "curr", &amperes);
    pair_by_label(s, &volts, &amperes);
    if (s->found == 0)
        pair_by_number(s, &volts, &amperes);
}

static void visit_folder(struct scan *s, const char *entry, const char *place)
{
    (void)snprintf(s->folder, sizeof(s->folder), HWMON_CLASS "/%.32s%s", entry, place);
    if (rootfs_list(s->fs, s->folder, &s->files) < 0)
        return;
    visit_sensors(s, HWMON_ENERGY, "energy");
    visit_sensors(s, HWMON_POWER, "power");
    if (s->found == 0)
        visit_volts(s);
    rootfs_names_done(&s->files);
}

int hwmon_scan(const struct rootfs *fs, hwmon_visit *visit, void *context, size_t *ret_chips)
{
    AUTO_NAMES entries = { 0 };
    size_t chips = 0;
    int code = rootfs_list(fs, HWMON_CLASS, &entries);
    if (code < 0)
        return code;
    for (size_t i = 0; i < entries.n; i++) {
        struct scan s = { .fs = fs, .visit = visit, .context = context };
        if (!hwmon_chip_name(fs, entries.name[i], s.sensor.chip, sizeof(s.sensor.chip)))
            continue;
        chips++;
        visit_folder(&s, entries.name[i], "");
        if (s.found == 0)
            visit_folder(&s, entries.name[i], "/device");
    }
    *ret_chips = chips;
    return 0;
}
