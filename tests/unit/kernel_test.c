/* SPDX-License-Identifier: Apache-2.0 */
#include "host/kernel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

#include <sys/utsname.h>
#define ZLIB_CONST
#include <zlib.h>

#define RELEASE "6.8.0-1021-aws"
#define CONFIG                                                                             \
 "#\n# Automatically generated file; DO NOT EDIT.\n#\nCONFIG_CC_VERSION_TEXT=\"gcc 13\"\n" \
 "CONFIG_POWERCAP=y\nCONFIG_INTEL_RAPL=m\n# CONFIG_X86_MSR is not set\nCONFIG_HZ=250\n"

/* @text as gzip writes it; its length. */
static size_t pack(const char *text, size_t n, unsigned char *ret, size_t size)
{
    z_stream z = { .next_in = (const Bytef *)text,
                   .avail_in = (uInt)n,
                   .next_out = ret,
                   .avail_out = (uInt)size };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&z), Z_OK);
    return (size_t)z.total_out;
}

static void option_of_a_configuration(void **state)
{
    static const struct {
        const char *why, *config, *option;
        char value;
    } rows[] = {
        { "built in", CONFIG, "CONFIG_POWERCAP", 'y' },
        { "a module", CONFIG, "CONFIG_INTEL_RAPL", 'm' },
        { "said not to be set", CONFIG, "CONFIG_X86_MSR", 'n' },
        { "not mentioned, as what it depends on is off", CONFIG, "CONFIG_INTEL_RAPL_TPMI", 'n' },
        { "a number is a yes", CONFIG, "CONFIG_HZ", 'y' },
        { "a text is a yes", CONFIG, "CONFIG_CC_VERSION_TEXT", 'y' },
        { "the beginning of a longer name is not it", "CONFIG_BPF_SYSCALL=y\n", "CONFIG_BPF", 'n' },
        { "nor in the form that is not set", "# CONFIG_BPF_JIT is not set\n", "CONFIG_BPF", 'n' },
        { "the end of a longer name is not it", "CONFIG_HAVE_BPF=y\n", "BPF", 'n' },
        { "written out as n", "CONFIG_BPF=n\n", "CONFIG_BPF", 'n' },
        { "line ends of another system", "CONFIG_BPF=m\r\n", "CONFIG_BPF", 'm' },
        { "no newline at the end", "CONFIG_BPF=m", "CONFIG_BPF", 'm' },
        { "an empty text is no configuration", "", "CONFIG_BPF", '\0' },
        { "any other text neither", "<html>not found</html>\n", "CONFIG_BPF", '\0' },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got = kernel_config_parse(rows[i].config, rows[i].option);
        if (got != rows[i].value)
            fail_msg("%s: got '%c'", rows[i].why, got);
    }
}

static void inflates_whole_streams_only(void **state)
{
    (void)state;
    unsigned char packed[4096];
    size_t n = pack(CONFIG, strlen(CONFIG), packed, sizeof(packed));
    AUTO_BUF text;
    buf_init(&text, 4096);
    assert_int_equal(kernel_config_inflate(packed, n, &text), 0);
    assert_string_equal(buf_text(&text), CONFIG);

    for (size_t cut = 0; cut < n; cut++) {
        buf_clear(&text);
        if (kernel_config_inflate(packed, cut, &text) != -EBADMSG)
            fail_msg("a stream cut to %zu of %zu bytes was taken", cut, n);
    }
    packed[n / 2] ^= 0x55U;
    buf_clear(&text);
    assert_int_equal(kernel_config_inflate(packed, n, &text), -EBADMSG);
    assert_int_equal(kernel_config_inflate("CONFIG_X=y\n", 11, &text), -EBADMSG);
}

/* 16 MiB of blanks in 16 KiB: what comes out is bounded, not only what goes in. */
static void a_bomb_stops_at_the_limit(void **state)
{
    (void)state;
    size_t n = 16U << 20;
    char *blanks = mem_new(n, 1);
    unsigned char *packed = mem_new(64U << 10, 1);
    memset(blanks, ' ', n);
    size_t len = pack(blanks, n, packed, 64U << 10);
    AUTO_BUF text;
    buf_init(&text, 4U << 20);
    assert_int_equal(kernel_config_inflate(packed, len, &text), -EFBIG);
    assert_true(text.len <= 4U << 20);

    AUTO_TREE t;
    tree_make(&t);
    struct kernel_facts kernel = { .release = RELEASE };
    tree_put_bytes(&t, "/proc/config.gz", packed, len);
    assert_int_equal(kernel_option(&t.fs, &kernel, "CONFIG_BPF"), '\0');
    free(blanks);
    free(packed);
}

static void option_comes_from_the_first_that_is_one(void **state)
{
    static const struct {
        const char *why, *gzip, *boot, *modules;
        char value;
    } rows[] = {
        { "no configuration anywhere", NULL, NULL, NULL, '\0' },
        { "the running kernel's own", "CONFIG_A=y\n", "CONFIG_A=m\n", "CONFIG_A=n\n", 'y' },
        { "Debian's and Ubuntu's place", NULL, "CONFIG_A=m\n", "CONFIG_A=n\n", 'm' },
        { "Fedora's place", NULL, NULL, "CONFIG_A=m\n", 'm' },
        { "one that is empty is passed over", "", "CONFIG_A=m\n", NULL, 'm' },
    };
    (void)state;
    const struct kernel_facts kernel = { .release = RELEASE };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        if (rows[i].gzip) {
            unsigned char packed[256];
            size_t n = pack(rows[i].gzip, strlen(rows[i].gzip), packed, sizeof(packed));
            tree_put_bytes(&t, "/proc/config.gz", packed, n);
        }
        if (rows[i].boot)
            tree_put(&t, "/boot/config-" RELEASE, rows[i].boot);
        if (rows[i].modules)
            tree_put(&t, "/lib/modules/" RELEASE "/config", rows[i].modules);
        char got = kernel_option(&t.fs, &kernel, "CONFIG_A");
        if (got != rows[i].value)
            fail_msg("%s: got '%c'", rows[i].why, got);
    }
}

static void a_broken_config_gz_is_passed_over(void **state)
{
    (void)state;
    const struct kernel_facts kernel = { .release = RELEASE };
    const struct kernel_facts unknown = { .release = "" };
    AUTO_TREE t;
    tree_make(&t);
    tree_put(&t, "/proc/config.gz", "\x1f\x8b broken");
    tree_put(&t, "/boot/config-" RELEASE, "CONFIG_A=m\n");
    tree_put(&t, "/boot/config-", "CONFIG_A=y\n");
    assert_int_equal(kernel_option(&t.fs, &kernel, "CONFIG_A"), 'm');
    assert_int_equal(kernel_option(&t.fs, &unknown, "CONFIG_A"), '\0');
}

static void name_in_proc_modules(void **state)
{
    static const char text[] = "intel_rapl_msr 20480 0 - Live 0x0000000000000000\n"
                               "intel_rapl_common 53248 1 intel_rapl_msr, Live 0x0000000000000000\n"
                               "msr 12288 0 - Unloading 0x0000000000000000\n"
                               "rapl 20480 0 - Loading 0x0000000000000000\n";
    static const struct {
        const char *why, *name;
        bool has;
    } rows[] = {
        { "the first", "intel_rapl_msr", true },
        { "asked with dashes", "intel-rapl-common", true },
        { "being unloaded", "msr", false },
        { "being loaded", "rapl", true },
        { "the beginning of one", "intel_rapl", false },
        { "a user of another is no entry", "intel_rapl_msr,", false },
        { "its size is no name", "20480", false },
        { "no name", "", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (kernel_modules_has(text, rows[i].name) != rows[i].has)
            fail_msg("%s", rows[i].why);
    }
    assert_true(kernel_modules_has("msr", "msr")); /* cut off after the name */
    assert_false(kernel_modules_has("", "msr"));
}

static void name_in_a_list_of_files(void **state)
{
    static const struct {
        const char *why, *list, *name;
        bool has;
    } rows[] = {
        { "plain", "kernel/arch/x86/kernel/msr.ko:\n", "msr", true },
        { "xz", "kernel/arch/x86/kernel/msr.ko.xz:\n", "msr", true },
        { "zstd", "kernel/arch/x86/kernel/msr.ko.zst:\n", "msr", true },
        { "gzip", "kernel/arch/x86/kernel/msr.ko.gz:\n", "msr", true },
        { "modules.order and modules.builtin have no colon", "kernel/arch/x86/kernel/msr.ko\n",
          "msr", true },
        { "a dash in the file is a _ in the name", "kernel/drivers/powercap/intel-rapl-msr.ko:\n",
          "intel_rapl_msr", true },
        { "a file without a folder", "msr.ko\n", "msr", true },
        { "an absolute path", "/lib/modules/6.8/extra/msr.ko:\n", "msr", true },
        { "what another depends on is not its own entry",
          "kernel/a.ko: kernel/arch/x86/kernel/msr.ko\n", "msr", false },
        { "a longer name", "kernel/amd_msr.ko:\n", "msr", false },
        { "another ending", "kernel/msr.koala:\n", "msr", false },
        { "packed twice is nothing depmod writes", "kernel/msr.ko.gz.xz:\n", "msr", false },
        { "a folder of that name", "kernel/msr/other.ko:\n", "msr", false },
        { "only an ending", "kernel/.ko:\n", "msr", false },
        { "only an ending, in a folder of that name", "kernel/msr/.ko:\n", "msr", false },
        { "an empty line", "\n\n:\n", "msr", false },
        { "an empty list", "", "msr", false },
        { "a last line without newline", "a.ko:\nkernel/msr.ko", "msr", true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (kernel_module_list_has(rows[i].list, rows[i].name) != rows[i].has)
            fail_msg("%s", rows[i].why);
    }
}

#define MODULES "/lib/modules/" RELEASE "/"
#define ENTRY   "kernel/drivers/powercap/intel_rapl_msr.ko.zst"

static void state_of_a_module(void **state)
{
    static const struct {
        const char *why, *path, *text, *also, *also_text, *option, *state;
    } rows[] = {
        { "an empty dump", NULL, NULL, NULL, NULL, "CONFIG_A", "absent" },
        { "loaded", "/proc/modules", "intel_rapl_msr 1 0 - Live 0x0\n", MODULES "modules.dep",
          ENTRY ":\n", NULL, "loaded" },
        { "built in by the list", MODULES "modules.builtin", ENTRY "\n", NULL, NULL, NULL,
          "builtin" },
        { "built in by the option", "/boot/config-" RELEASE, "CONFIG_A=y\n", NULL, NULL, "CONFIG_A",
          "builtin" },
        { "an option nobody asks for", "/boot/config-" RELEASE, "CONFIG_A=y\n", NULL, NULL, NULL,
          "absent" },
        { "available: a file, not loaded", MODULES "modules.dep", ENTRY ":\n", "/proc/modules",
          "msr 1 0 - Live 0x0\n", "CONFIG_A", "available" },
        { "no /proc/modules: not loaded", MODULES "modules.dep", ENTRY ":\n", NULL, NULL, NULL,
          "available" },
        { "modules.order where there is no modules.dep", MODULES "modules.order", ENTRY "\n", NULL,
          NULL, NULL, "available" },
        { "modules.dep knows which packages are missing, modules.order does not",
          MODULES "modules.dep", "kernel/other.ko:\n", MODULES "modules.order", ENTRY "\n", NULL,
          "absent" },
        { "a module by its option, but its package is not installed", "/boot/config-" RELEASE,
          "CONFIG_A=m\n", MODULES "modules.dep", "kernel/other.ko:\n", "CONFIG_A", "absent" },
        { "files of another release do not count", "/lib/modules/6.8.0-9999-aws/modules.dep",
          ENTRY ":\n", NULL, NULL, NULL, "absent" },
    };
    (void)state;
    const struct kernel_facts kernel = { .release = RELEASE };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        if (rows[i].path)
            tree_put(&t, rows[i].path, rows[i].text);
        if (rows[i].also)
            tree_put(&t, rows[i].also, rows[i].also_text);
        const char *got = module_state_name(
            kernel_module_state(&t.fs, &kernel, "intel_rapl_msr", rows[i].option));
        if (strcmp(got, rows[i].state) != 0)
            fail_msg("%s: got %s", rows[i].why, got);
    }
}

static void os_release_values(void **state)
{
    static const struct {
        const char *why, *text, *key, *value;
        bool found;
    } rows[] = {
        { "bare", "NAME=Debian\nID=debian\n", "ID", "debian", true },
        { "double quotes", "ID=\"amzn\"\n", "ID", "amzn", true },
        { "single quotes", "ID='amzn'\n", "ID", "amzn", true },
        { "escapes in double quotes", "PRETTY_NAME=\"a \\\"b\\\" \\$c\"\n", "PRETTY_NAME",
          "a \"b\" $c", true },
        { "none in single quotes", "PRETTY_NAME='a\\b'\n", "PRETTY_NAME", "a\\b", true },
        { "a longer key is another", "VERSION_ID=12\nID_LIKE=debian\nID=ubuntu\n", "ID", "ubuntu",
          true },
        { "a comment is none", "#ID=x\n", "ID", "", false },
        { "empty", "ID=\n", "ID", "", true },
        { "one quote", "ID=\"\n", "ID", "\"", true },
        { "a backslash at the end", "ID=a\\\n", "ID", "a\\", true },
        { "fills what there is", "ID=fifteen.letters\n", "ID", "fifteen.letters", true },
        { "one more does not fit", "ID=sixteen..letters\n", "ID", "", false },
        { "nothing", "", "ID", "", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[16] = "before";
        bool found = kernel_os_release_parse(rows[i].text, rows[i].key, got, sizeof(got));
        if (found != rows[i].found || strcmp(got, rows[i].value) != 0)
            fail_msg("%s: got %d \"%s\"", rows[i].why, found, got);
    }
}

static void lockdown_is_the_bracketed_word(void **state)
{
    static const struct {
        const char *text, *word;
    } rows[] = {
        { "[none] integrity confidentiality\n", "none" },
        { "none [integrity] confidentiality", "integrity" },
        { "none integrity [confidentiality]\n", "confidentiality" },
        { "none integrity confidentiality\n", "" },
        { "", "" },
        { "[none", "" },
        { "[far_longer_than_any_word_of_it] x", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[24] = "before";
        bool found = kernel_lockdown_parse(rows[i].text, got, sizeof(got));
        if (strcmp(got, rows[i].word) != 0 || found != (rows[i].word[0] != '\0'))
            fail_msg("%s: got \"%s\"", rows[i].text, got);
    }
}

static void facts_of_a_dump(void **state)
{
    (void)state;
    struct kernel_facts got;
    AUTO_TREE t;
    tree_make(&t);
    tree_put(&t, "/proc/sys/kernel/osrelease", RELEASE "\n");
    tree_put(&t, "/proc/sys/kernel/arch", "aarch64\n");
    tree_put(&t, "/proc/sys/kernel/hostname", "node-1\n");
    tree_put(&t, "/proc/meminfo", "MemTotal:       198012345 kB\nMemFree: 1 kB\n");
    tree_put(&t, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    tree_put(&t, "/usr/lib/os-release", "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nID=ubuntu\n");
    kernel_read(&t.fs, &got);
    assert_string_equal(got.release, RELEASE);
    assert_string_equal(got.arch, "aarch64"); /* the dump's, not this machine's */
    assert_string_equal(got.hostname, "node-1");
    assert_int_equal(got.memory_bytes, UINT64_C(198012345) * 1024);
    assert_string_equal(got.lockdown, "integrity");
    assert_string_equal(got.os_id, "ubuntu");
    assert_string_equal(got.os_name, "Ubuntu 24.04.1 LTS");

    tree_put(&t, "/etc/os-release", "ID=debian\n");
    kernel_read(&t.fs, &got);
    assert_string_equal(got.os_id, "debian"); /* /etc before /usr/lib */
    assert_string_equal(got.os_name, "");
}

static void memory_that_makes_no_sense_is_unknown(void **state)
{
    static const char *const texts[] = { "MemFree: 1 kB\n", "MemTotal: x kB\n", "MemTotal: 12\n",
                                         "MemTotal: 18014398509481985 kB\n",
                                         "MemTotal: 000000000000000000000000000001 kB\n" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct kernel_facts got;
        AUTO_TREE t;
        tree_make(&t);
        tree_put(&t, "/proc/meminfo", texts[i]);
        kernel_read(&t.fs, &got);
        if (got.memory_bytes != 0)
            fail_msg("%s: got %ju", texts[i], (uintmax_t)got.memory_bytes);
    }
}

static void an_empty_dump_leaves_all_unknown(void **state)
{
    (void)state;
    static const struct kernel_facts nothing;
    struct kernel_facts got;
    memset(&got, 'x', sizeof(got));
    AUTO_TREE t;
    tree_make(&t);
    kernel_read(&t.fs, &got);
    assert_memory_equal(&got, &nothing, sizeof(got));
}

/* A text longer than its field is left out whole: half a release names another kernel. */
static void a_text_too_long_is_unknown(void **state)
{
    (void)state;
    struct kernel_facts got;
    AUTO_TREE t;
    tree_make(&t);
    char text[200];
    memset(text, 'a', sizeof(text));
    tree_put_bytes(&t, "/proc/sys/kernel/osrelease", text, sizeof(text));
    tree_put_bytes(&t, "/proc/sys/kernel/hostname", text, 65);
    kernel_read(&t.fs, &got);
    assert_string_equal(got.release, "");
    assert_string_equal(got.hostname, "");
}

static void facts_of_this_machine(void **state)
{
    (void)state;
    struct rootfs fs = ROOTFS_NONE;
    struct err err = { 0 };
    struct kernel_facts got;
    struct utsname running;
    const struct rootfs_paths paths = { 0 };
    assert_int_equal(rootfs_open(&fs, &paths, &err), 0);
    kernel_read(&fs, &got);
    rootfs_close(&fs);
    assert_int_equal(uname(&running), 0);
    assert_string_equal(got.release, running.release);
    assert_string_equal(got.arch, running.machine);
    assert_string_equal(got.hostname, running.nodename);
    assert_true(got.memory_bytes >
                (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void secure_boot_of_a_variable(void **state)
{
    static const struct {
        const char *why, *bytes;
        size_t n;
        int code;
        bool is_on;
    } rows[] = {
        { "on, attributes BS and RT before it", "\x06\0\0\0\x01", 5, 0, true },
        { "off", "\x06\0\0\0\0", 5, 0, false },
        { "attributes without a value", "\x06\0\0\0", 4, -EBADMSG, false },
        { "a longer value is another variable", "\x06\0\0\0\x01\0", 6, -EBADMSG, false },
        { "2 is no answer", "\x06\0\0\0\x02", 5, -EBADMSG, false },
        { "nothing", "", 0, -EBADMSG, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool is_on = !rows[i].is_on;
        int code = kernel_secure_boot_parse(rows[i].bytes, rows[i].n, &is_on);
        if (code != rows[i].code || (code == 0 && is_on != rows[i].is_on) ||
            (code < 0 && is_on == rows[i].is_on))
            fail_msg("%s: got %d, %d", rows[i].why, code, is_on);
    }
}

static void secure_boot_of_a_machine(void **state)
{
    (void)state;
    AUTO_TREE t;
    bool is_on = false;
    tree_make(&t);
    assert_int_equal(kernel_secure_boot_read(&t.fs, &is_on), -ENOENT);
    tree_put_bytes(&t, KERNEL_SECURE_BOOT, "\x06\0\0\0\x01", 5);
    assert_int_equal(kernel_secure_boot_read(&t.fs, &is_on), 0);
    assert_true(is_on);
    is_on = false;
    char much[100] = { 0 };
    tree_put_bytes(&t, KERNEL_SECURE_BOOT, much, sizeof(much));
    assert_int_equal(kernel_secure_boot_read(&t.fs, &is_on), -EBADMSG);
    assert_false(is_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(option_of_a_configuration),
        cmocka_unit_test(inflates_whole_streams_only),
        cmocka_unit_test(a_bomb_stops_at_the_limit),
        cmocka_unit_test(option_comes_from_the_first_that_is_one),
        cmocka_unit_test(a_broken_config_gz_is_passed_over),
        cmocka_unit_test(name_in_proc_modules),
        cmocka_unit_test(name_in_a_list_of_files),
        cmocka_unit_test(state_of_a_module),
        cmocka_unit_test(os_release_values),
        cmocka_unit_test(lockdown_is_the_bracketed_word),
        cmocka_unit_test(facts_of_a_dump),
        cmocka_unit_test(memory_that_makes_no_sense_is_unknown),
        cmocka_unit_test(an_empty_dump_leaves_all_unknown),
        cmocka_unit_test(a_text_too_long_is_unknown),
        cmocka_unit_test(facts_of_this_machine),
        cmocka_unit_test(secure_boot_of_a_variable),
        cmocka_unit_test(secure_boot_of_a_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
