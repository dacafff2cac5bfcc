/* SPDX-License-Identifier: Apache-2.0 */
/* Which package holds a kernel module, by distribution, and how it is installed there. */
#include "base/number.h"
#include "check/check.h"

#define PACKAGE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~_-"

/* -- installers -- */

#define APT_NOTE                                                                               \
 "named for the running kernel, not its meta package, which can be ahead of it; kepler-probe " \
 "--fix=packages does it and keeps it over reboots"
#define DNF_NOTE                                                                                 \
 "named for the running kernel; where the repositories have only newer ones, update the kernel " \
 "and boot it first; kepler-probe --fix=packages does it and keeps it over reboots"

/* A fresh image has no list of packages, or an old one. dnf fetches its own when it is due. */
#define APT_REFRESH   \
 {                    \
  "apt-get", "update" \
 }
#define APT_SETTING                   \
 {                                    \
  "DEBIAN_FRONTEND", "noninteractive" \
 }

static const struct installer apt_install = {
    APT_REFRESH, { "apt-get", "install", "-y" }, APT_SETTING, APT_NOTE
};
/* Of packages that the running kernel needs, so that they are there, but not their file. dnf takes
   only what is installed, apt-get the others too. */
static const struct installer apt_again = {
    APT_REFRESH, { "apt-get", "install", "-y", "--reinstall" }, APT_SETTING, APT_NOTE
};
static const struct installer dnf_install = { .install = { "dnf", "install", "-y" },
                                              .note = DNF_NOTE };
static const struct installer dnf_again = { .install = { "dnf", "reinstall", "-y" },
                                            .note = DNF_NOTE };

/* -- packages -- */

static unsigned leading_number(const char *text)
{
    char digits[8] = "";
    uint64_t value = 0;
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n >= sizeof(digits))
        return 0;
    memcpy(digits, text, n);
    return number_parse_u64(digits, 10, &value) == 0 ? (unsigned)value : 0;
}

/* "5.14.0-427.13.1.el9_4.x86_64": the distribution's tag "el9_4", "" without one at this place, as
   in a release of an architecture's variant ("x86_64+rt") or a rebuild ("el9.elrepo"). */
static void tag_of(const char *release, char *ret, size_t size)
{
    static const char *const ends[] = { ".x86_64", ".aarch64" };
    ret[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t n = strlen(release), end = strlen(ends[i]);
        if (n <= end || strcmp(release + n - end, ends[i]) != 0)
            continue;
        n -= end;
        size_t begin = n;
        while (begin > 0 && release[begin - 1] != '.')
            begin--;
        if (n - begin < size)
            (void)snprintf(ret, size, "%.*s", (int)(n - begin), release + begin);
        return;
    }
}

/* The number that a row's range is of. */
enum package_number {
    NUMBER_NONE,
    NUMBER_MAJOR, /* "7.0.0-1004-aws": 7 */
    NUMBER_BUILD, /* "5.14.0-427.13.1.el9_4.x86_64": 427 */
    NUMBER_TAG,   /* "6.9.4-200.fc40.x86_64": 40 */
};

static unsigned number_of(enum package_number number, const char *release, const char *tag)
{
    switch (number) {
    case NUMBER_MAJOR:
        return leading_number(release);
    case NUMBER_BUILD:
        return leading_number(release + strcspn(release, "-") + (strchr(release, '-') != NULL));
    case NUMBER_TAG:
        return leading_number(tag + strcspn(tag, "0123456789"));
    case NUMBER_NONE:
        break;
    }
    return 0;
}

#define RED_HAT " rhel centos rocky almalinux "
#define TPMI    " intel_rapl_tpmi "

/* What a row does not say (NULL, NUMBER_NONE) holds for all. The first that fits holds; its package
   is prefix-RELEASE. What stands in no row, and a prefix of NULL, is not known: no guess is made.

   Ubuntu: packages linux-modules-RELEASE and linux-modules-extra-RELEASE of linux-aws; the extra
   modules went back into linux-modules with kernel 7.0, msr.ko was always there.

   Red Hat: redhat/rhel_files/filter-modules.sh.rhel of the 5.14 kernel names what leaves
   kernel-core for kernel-modules (arch, drivers/powercap and drivers/hwmon are not in it);
   kernel.spec calls what stays kernel-modules-core, and kernel-core requires it, in 5.14.0-284
   (RHEL 9.2), not yet in 5.14.0-70 (9.0; github.com/crc-org/snc/pull/727). Since Linux 6.12 (RHEL
   10) redhat/rhel_files/def_variants.yaml.rhel says it: "arch/.*", "drivers/powercap/.*" and
   "drivers/hwmon/.*: modules-core", "drivers/powercap/intel_rapl_tpmi.*: modules".
   Fedora: redhat/fedora_files/def_variants.yaml.fedora says the same since Linux 6.7 or earlier (it
   has fs/bcachefs), and Fedora 40 began with 6.8; filter-modules.sh.fedora had said of the others
   what Red Hat's says, and Fedora 39 has kernel-modules-core.
   Oracle's UEK: uek-rpm/ol10/modules-core-x86_64.list of github.com/oracle/linux-uek. */
static const struct package_row {
    const char *os_ids; /* of os-release, between blanks */
    const char *begins; /* the release */
    const char *tag;    /* behind it only digits and "_" */
    enum package_number number;
    unsigned from, to; /* to 0: no end */
    const char *modules;
    const char *prefix;
    const struct installer *installer;
} rows[] = {
    { " ubuntu ", NULL, NULL, NUMBER_NONE, 0, 0, " msr ", "linux-modules", &apt_again },
    { " ubuntu ", NULL, NULL, NUMBER_MAJOR, 7, 0, NULL, "linux-modules", &apt_again },
    { " ubuntu ", NULL, NULL, NUMBER_NONE, 0, 0, NULL, "linux-modules-extra", &apt_install },
    { " debian ", NULL, NULL, NUMBER_NONE, 0, 0, NULL, "linux-image", &apt_again },
    { RED_HAT, "6.12.0-", "el10", NUMBER_NONE, 0, 0, TPMI, "kernel-modules", &dnf_install },
    { RED_HAT, "6.12.0-", "el10", NUMBER_NONE, 0, 0, NULL, "kernel-modules-core", &dnf_again },
    { RED_HAT, "5.14.0-", "el9", NUMBER_NONE, 0, 0, TPMI, NULL, NULL },
    { RED_HAT, "5.14.0-", "el9", NUMBER_BUILD, 284, 0, NULL, "kernel-modules-core", &dnf_again },
    { RED_HAT, "5.14.0-", "el9", NUMBER_BUILD, 1, 70, NULL, "kernel-core", &dnf_again },
    { " fedora ", NULL, "fc", NUMBER_TAG, 40, 0, TPMI, "kernel-modules", &dnf_install },
    { " fedora ", NULL, "fc", NUMBER_TAG, 39, 39, TPMI, NULL, NULL },
    { " fedora ", NULL, "fc", NUMBER_TAG, 39, 0, NULL, "kernel-modules-core", &dnf_again },
    { " ol ", "6.12.0-", "el10uek", NUMBER_NONE, 0, 0, " intel_rapl_common intel_rapl_msr ",
      "kernel-uek-modules-core", &dnf_install },
};

/* @words: between blanks. */
static bool has_word(const char *words, const char *word)
{
    char text[40];
    int n = snprintf(text, sizeof(text), " %s ", word);
    return n > 2 && (size_t)n < sizeof(text) && strstr(words, text);
}

static bool fits_tag(const char *wanted, const char *tag)
{
    size_t n = strlen(wanted);
    return strncmp(tag, wanted, n) == 0 && tag[n + strspn(tag + n, "0123456789_")] == '\0';
}

static bool fits(const struct package_row *row, const struct kernel_facts *kernel,
                 const char *module)
{
    char tag[24];
    const char *release = kernel->release;
    tag_of(release, tag, sizeof(tag));
    unsigned number = number_of(row->number, release, tag);
    return has_word(row->os_ids, kernel->os_id) &&
           (!row->begins || strncmp(release, row->begins, strlen(row->begins)) == 0) &&
           (!row->tag || (fits_tag(row->tag, tag) && !strstr(release, ".rt"))) &&
           number >= row->from && (row->to == 0 || number <= row->to) &&
           (!row->modules || has_word(row->modules, module));
}

const struct installer *package_find(const struct kernel_facts *kernel, const char *module,
                                     char *ret, size_t size)
{
    /* a dump is a stranger's: its release goes into a command that people copy */
    bool is_plain = kernel->release[strspn(kernel->release, PACKAGE_LETTERS)] == '\0';
    for (size_t i = 0; is_plain && kernel->release[0] && i < ARRAY_LEN(rows); i++) {
        if (!fits(&rows[i], kernel, module))
            continue;
        if (rows[i].prefix)
            (void)snprintf(ret, size, "%s-%s", rows[i].prefix, kernel->release);
        return rows[i].installer;
    }
    return NULL;
}
