/* SPDX-License-Identifier: Apache-2.0 */
#include "estimate.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

#define XEON "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz"

static struct said {
    int code;
    struct buf out, err;
} said;

static void catch_fd(int fd, FILE *to, int *ret_saved)
{
    *ret_saved = dup(fd);
    assert_true(*ret_saved >= 0);
    assert_int_equal(dup2(fileno(to), fd), fd);
}

static void give_back(int fd, FILE *from, int saved, struct buf *ret)
{
    assert_int_equal(dup2(saved, fd), fd);
    (void)close(saved);
    assert_int_equal(lseek(fileno(from), 0, SEEK_SET), 0);
    buf_init(ret, 1 << 16);
    assert_int_equal(fd_read_all(fileno(from), ret), 0);
    (void)fclose(from);
}

/* @words: options between "|". */
static void run(const char *words)
{
    char text[600];
    char *argv[40] = { (char[]){ "estimate" } };
    int argc = 1, saved_out = -1, saved_err = -1;
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    (void)snprintf(text, sizeof(text), "%s", words);
    for (char *at = text; at && *at; argc++) {
        argv[argc] = strsep(&at, "|");
        assert_true(argc < 38);
    }
    (void)fflush(stdout);
    catch_fd(STDOUT_FILENO, out, &saved_out);
    catch_fd(STDERR_FILENO, err, &saved_err);
    said.code = estimate_main(argc, argv);
    (void)fflush(stdout);
    buf_done(&said.out);
    buf_done(&said.err);
    give_back(STDOUT_FILENO, out, saved_out, &said.out);
    give_back(STDERR_FILENO, err, saved_err, &said.err);
}

static void assert_says(const struct buf *b, const char *part, const char *why)
{
    if (!strstr(buf_text(b), part))
        fail_msg("%s: \"%s\" is not in:\n%s", why, part, buf_text(b));
}

/* Among them the worked examples of docs/how-a-watt-is-computed.md. */
static void figures(void **state)
{
    static const struct {
        const char *why, *words, *tier, *scope;
        double watts, low, high, dram;
    } rows[] = {
        { "example A", "--cpu-model|" XEON "|--sockets|2|--memory-gb|192|--load|0.5", "A",
          "package", 444.6, 364.572, 635.778, 16.8768 },
        { "threads of the table", "--cpu-model|" XEON "|--sockets|2|--load|50%", "A", "package",
          444.6, 364.572, 635.778, 0 },
        { "example B", "--cpu-model|Intel Xeon 9999|--sockets|2|--tdp|200|--load|0.5", "B",
          "package", 289.36, 214.1264, 396.4232, 0 },
        { "another maker, by name", "--cpu-model|AMD EPYC 7R32|--sockets|1|--load|100%", "B",
          "package", 280 * 1.0362, 140 * 1.0362, 560 * 1.0362, 0 },
        { "example B'",
          "--cpu-model|Intel x|--sockets|2|--idle-watts|60|--full-watts|600|--load|0.5", "B'",
          "package", 427.362, 384.6258, 508.5608, 0 },
        { "another maker's shape is not known",
          "--cpu-model|AMD x|--sockets|2|--idle-watts|60|--full-watts|600|--load|0.5", "B'",
          "package", 427.362, 213.681, 854.724, 0 },
        { "nor that of nobody knows whom",
          "--cpu-model|x|--sockets|2|--idle-watts|60|--full-watts|600|--load|0.5", "B'", "package",
          427.362, 213.681, 854.724, 0 },
        { "example E, a VM of two of 96 threads",
          "--cpu-model|Intel(R) Xeon(R) Processor|--sockets|2|--threads|96|--vcpus|2|--load|0.5",
          "E", "package", 5.8678, 2.5587, 19.8495, 0 },
        { "what the exporter takes on it, by CPUID",
          "--cpu-model|AMD EPYC 9V74|--cpuid|AuthenticAMD:25:17:1|--sockets|2|--threads|160|--load|1",
          "E", "package", 160 * 3.02 * 1.0362, 160 * 1.88 * 0.5 * 1.0362, 160 * 6.25 * 2 * 1.0362,
          0 },
        { "without a stepping, where none decides",
          "--cpu-model|AMD EPYC 9V74|--cpuid|AuthenticAMD:25:17|--sockets|2|--threads|160|--load|1",
          "E", "package", 160 * 3.02 * 1.0362, 160 * 1.88 * 0.5 * 1.0362, 160 * 6.25 * 2 * 1.0362,
          0 },
        { "Cascade Lake, by its stepping",
          "--cpu-model|Intel x|--cpuid|GenuineIntel:6:85:7|--sockets|1|--threads|48|--load|1", "E",
          "package", 48 * 3.91 * 1.0362, 48 * 3.44 * 0.74 * 1.0362, 48 * 10 * 1.37 * 1.0362, 0 },
        { "Skylake, by its stepping",
          "--cpu-model|Intel x|--cpuid|GenuineIntel:6:85:4|--sockets|1|--threads|48|--load|1", "E",
          "package", 48 * 4.27 * 1.0362, 48 * 3.54 * 0.74 * 1.0362, 48 * 10 * 1.37 * 1.0362, 0 },
        { "a kind that no row tells of is any server",
          "--cpu-model|Intel x|--cpuid|GenuineIntel:6:1:0|--sockets|1|--threads|48|--load|1", "E",
          "package", 48 * 3.85 * 1.0362, 48 * 2.81 * 0.74 * 1.0362, 48 * 6.75 * 1.37 * 1.0362, 0 },
        { "the vendor that CPUID says bounds tier B",
          "--cpu-model|x 9999|--cpuid|GenuineIntel:6:143:8|--sockets|2|--tdp|200|--load|0.5", "B",
          "package", 289.36, 214.1264, 396.4232, 0 },
        { "a typical host of its kind",
          "--cpu-model|AMD EPYC|--cpuid|AuthenticAMD:25:17:1|--sockets|2|--vcpus|192|--load|1", "E",
          "package", 192 * 3.02 * 1.0362, 192 * 1.88 * 0.5 * 1.0362, 192 * 6.25 * 2 * 1.0362, 0 },
        { "a VM of all threads is bare metal",
          "--cpu-model|" XEON "|--sockets|2|--threads|96|--vcpus|96|--load|0.5", "A", "package",
          444.6, 364.572, 635.778, 0 },
        { "at rest", "--cpu-model|" XEON "|--sockets|2|--load|0", "A", "package", 58.7, 48.134,
          83.941, 0 },
        { "wall, by name", "--cpu-model|AMD EPYC 7742|--sockets|2|--load|1|--scope|wall",
          "SPECpower", "wall", 400, 391, 900 * 1.0362, 0 },
        { "wall, raised to the packages",
          "--cpu-model|" XEON "|--sockets|2|--load|0.5|--scope|wall", "SPECpower", "wall", 282.2580,
          220.5180, 635.778, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char words[600];
        (void)snprintf(words, sizeof(words), "%s|--json", rows[i].words);
        run(words);
        if (said.code != 0 || said.err.len > 0)
            fail_msg("%s: %d %s", rows[i].why, said.code, buf_text(&said.err));
        AUTO_JSON j = json_parse(buf_text(&said.out), said.out.len, NULL);
        assert_near(json_number(j, "watts", (double)NAN), rows[i].watts, 1e-3, rows[i].why);
        assert_near(json_number(j, "bounds.low", (double)NAN), rows[i].low, 1e-3, rows[i].why);
        assert_near(json_number(j, "bounds.high", (double)NAN), rows[i].high, 1e-3, rows[i].why);
        assert_string_equal(json_text(j, "tier", ""), rows[i].tier);
        assert_string_equal(json_text(j, "scope", ""), rows[i].scope);
        assert_true(strlen(json_text(j, "reason", "")) > 20);
        assert_true(strlen(json_text(j, "source", "")) > 10);
        assert_near(json_number(j, "dram.watts", 0), rows[i].dram, 1e-3, rows[i].why);
    }
}

static void text_shows_the_formula_with_its_figures(void **state)
{
    (void)state;
    run("--cpu-model|" XEON "|--sockets|2|--memory-gb|192|--load|0.5");
    assert_int_equal(said.code, 0);
    assert_says(&said.out, "444.6 W, between 364.6 and 635.8 W", "watts and bounds");
    assert_says(&said.out, "A: Platinum 8275CL", "tier and row");
    assert_says(&said.out, "sockets/2 x W(0.5) = 2/2 x 444.6 = 444.6 W", "formula");
    assert_says(&said.out, "turbostressreports", "source");
    assert_says(&said.out, "192 x 0.0879 = 16.88 W", "dram");
    run("--cpu-model|Intel Xeon 9999|--sockets|2|--threads|64|--tdp|200|--load|0.5");
    assert_says(&said.out, "sockets x TDP x ratio(0.5) = 2 x 200 x 0.7234 = 289.36 W", "tier B");
    run("--cpu-model|x|--sockets|1|--threads|16|--load|0.3");
    assert_says(&said.out, "16 x 3.85 x 0.5291 = 32.593 W", "tier E");
    run("--cpu-model|Intel x|--sockets|2|--threads|96|--vcpus|2|--load|0.5");
    assert_says(&said.out, "v = 2, V = 96, u = 0.5, ub = (v u + (V - v) x 0.4)/V = 0.4021: 5.868 W",
                "a VM's share");
    assert_says(&said.out, "share of a VM of 2 of 96 threads", "the reason tells V");
    run("--cpu-model|AMD EPYC 7742|--sockets|2|--threads|256|--load|1|--scope|wall");
    assert_says(&said.out, "92.9 + (400 - 92.9) x 1 = 400 W", "wall");
}

static void json_has_formula_and_inputs(void **state)
{
    (void)state;
    run("--cpu-model|Intel Xeon 9999|--sockets|2|--threads|64|--vcpus|4|--tdp|200|--memory-gb|16|"
        "--load|50%|--json");
    AUTO_JSON j = json_parse(buf_text(&said.out), said.out.len, NULL);
    assert_non_null(strstr(json_text(j, "formula", ""), "v = 4, V = 64"));
    assert_non_null(strstr(json_text(j, "dram.formula", ""), "16 x 0.0879"));
    assert_string_equal(json_text(j, "inputs.cpu_model", ""), "Intel Xeon 9999");
    assert_near(json_number(j, "inputs.sockets", 0), 2, 0, "sockets");
    assert_near(json_number(j, "inputs.threads", 0), 64, 0, "threads");
    assert_near(json_number(j, "inputs.vcpus", 0), 4, 0, "vcpus");
    assert_near(json_number(j, "inputs.load", 0), 0.5, 0, "load");
    assert_near(json_number(j, "inputs.tdp_watts", 0), 200, 0, "tdp");
    assert_near(json_number(j, "inputs.memory_gb", 0), 16, 0, "memory");
    assert_string_equal(json_text(j, "note", ""), "");
    run("--cpu-model|Intel Xeon 9999|--sockets|2|--tdp|200|--load|1|--json");
    AUTO_JSON k = json_parse(buf_text(&said.out), said.out.len, NULL);
    assert_near(json_number(k, "inputs.threads", -1), -1, 0, "nobody knows, nobody asks");
}

/* The exporter sees CPUID; who asks here may not. */
static void what_cpuid_would_tell_is_said(void **state)
{
    static const struct {
        const char *why, *words;
        bool is_said;
    } rows[] = {
        { "open", "--cpu-model|AMD EPYC 9V74|--sockets|2|--threads|160|--load|1", true },
        { "told",
          "--cpu-model|AMD EPYC 9V74|--cpuid|AuthenticAMD:25:17:1|--sockets|2|--threads|160|"
          "--load|1",
          false },
        { "told, and of no row",
          "--cpu-model|Intel x|--cpuid|GenuineIntel:6:1:0|--sockets|2|--threads|160|--load|1",
          false },
        { "another tier", "--cpu-model|" XEON "|--sockets|2|--load|1", false },
        { "arm64 has none", "--cpu-model|Neoverse-N1|--sockets|1|--threads|80|--load|1", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(rows[i].words);
        assert_int_equal(said.code, 0);
        if ((strstr(buf_text(&said.out), "--cpuid tells it here") != NULL) != rows[i].is_said)
            fail_msg("%s: %s", rows[i].why, buf_text(&said.out));
    }
    run("--cpu-model|x|--cpuid|AuthenticAMD:25:17:1|--sockets|1|--threads|8|--load|1|--json");
    assert_says(&said.out, "\"cpuid\": \"AuthenticAMD:25:17:1\"", "among the inputs");
}

/* Tier E's figures are of servers. */
static void what_is_no_server_is_said_to_be_none(void **state)
{
    static const struct {
        const char *cpu_model;
        bool is_noted;
    } rows[] = {
        { "Intel(R) Atom(TM) CPU N270   @ 1.60GHz", true },
        { "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", true },
        { "Cortex-A72", true },
        { "Apple M2", true },
        { "banana", true },
        { "AMD EPYC", false },
        { "Intel Xeon Processor (Cascadelake)", false },
        { "QEMU Virtual CPU version 2.5+", false },
        { "Neoverse-N1", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char words[200];
        (void)snprintf(words, sizeof(words), "--cpu-model|%s|--sockets|1|--threads|8|--load|0.5",
                       rows[i].cpu_model);
        run(words);
        assert_int_equal(said.code, 0);
        if (rows[i].is_noted) {
            assert_says(&said.out, "note     not recognisable as a server CPU", words);
        } else if (strstr(buf_text(&said.out), "note ")) {
            fail_msg("%s: %s", words, buf_text(&said.out));
        }
    }
    run("--cpu-model|banana|--sockets|1|--threads|8|--load|0.5|--json");
    assert_says(&said.out, "\"note\"", "in JSON too");
}

static void what_is_not_used_is_told(void **state)
{
    static const struct {
        const char *words, *saying; /* NULL: nothing */
    } rows[] = {
        { "--cpu-model|" XEON "|--sockets|2|--tdp|99|--load|1",
          "--tdp is not used: this CPU was measured (tier A)" },
        { "--cpu-model|" XEON "|--sockets|2|--threads|96|--load|1", "--threads is not used" },
        { "--cpu-model|" XEON "|--sockets|2|--threads|96|--vcpus|2|--load|1", NULL },
        { "--cpu-model|x|--sockets|2|--idle-watts|5|--full-watts|9|--tdp|9|--load|1",
          "--tdp is not used" },
        { "--cpu-model|AMD EPYC 7742|--sockets|2|--threads|256|--load|1|--scope|wall",
          "--threads is not used" },
        { "--cpu-model|x|--sockets|2|--threads|8|--load|1", NULL },
        { "--cpu-model|" XEON "|--cpuid|GenuineIntel:6:85:7|--sockets|2|--load|1",
          "--cpuid is not used: this CPU was measured (tier A)" },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:85:7|--sockets|2|--idle-watts|5|--full-watts|9|"
          "--load|1",
          NULL }, /* the vendor says whether the shape is known of it */
        { "--cpu-model|x|--cpuid|GenuineIntel:6:85|--sockets|2|--tdp|200|--load|1", NULL },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:85|--sockets|2|--idle-watts|5|--full-watts|9|"
          "--load|1",
          NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(rows[i].words);
        assert_int_equal(said.code, 0);
        if (rows[i].saying) {
            assert_says(&said.err, rows[i].saying, rows[i].words);
        } else if (said.err.len > 0) {
            fail_msg("%s: %s", rows[i].words, buf_text(&said.err));
        }
    }
}

static void a_host_that_nobody_tells_of_is_typical(void **state)
{
    (void)state;
    run("--cpu-model|Intel(R) Xeon(R) Processor|--sockets|2|--vcpus|2|--load|0.5");
    assert_int_equal(said.code, 0);
    assert_says(&said.out, "V = 96", "two sockets of the typical threads");
    assert_says(&said.out, "2 sockets of the typical 48 threads", "and says so");
}

static void nonsense_is_refused(void **state)
{
    static const struct {
        const char *words, *saying;
        int code;
    } rows[] = {
        { "", "--cpu-model is missing", 2 },
        { "--cpu-model|x|--threads|4|--load|0", "--sockets is missing", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4", "--load is missing", 2 },
        { "--cpu-model|x|--sockets|1|--load|0.5", "--threads is missing", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|0.5|--load=1", "--load is given twice", 2 },
        { "--cpu-model|x|--sockets|65|--threads|400|--load|1", "from 1 to 64", 2 },
        { "--cpu-model|x|--sockets|1|--threads|65537|--load|1", "from 1 to 65536", 2 },
        { "--cpu-model|x|--sockets|1|--vcpus|500|--load|1", "of a typical one", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|1.5", "1.5 is no load", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|-0.1", "-0.1 is no load", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|101%", "101% is no load", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|half", "\"half\"", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|nan", "\"nan\"", 2 },
        { "--cpu-model|x|--sockets|0|--threads|4|--load|0", "--sockets", 2 },
        { "--cpu-model|x|--sockets|two|--threads|4|--load|0", "\"two\"", 2 },
        { "--cpu-model|x|--sockets|4|--threads|2|--load|0", "fewer than 4 sockets", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--vcpus|5|--load|0", "more than the machine's 4",
          2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--tdp|-5|--load|0", "--tdp", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--memory-gb|lots|--load|0", "\"lots\"", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--idle-watts|5|--load|0", "go together", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--idle-watts|50|--full-watts|5|--load|0",
          "full above idle", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|0|--scope|rack", "\"rack\"", 2 },
        { "--cpu-model|AMD EPYC 7742|--sockets|2|--threads|4|--vcpus|2|--load|0|--scope|wall",
          "--vcpus says nothing of wall watts", 2 },
        { "--cpu-model|AMD EPYC 7742|--sockets|2|--memory-gb|2|--load|0|--scope|wall",
          "--memory-gb says nothing of wall watts", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|0|--colour|red", "--colour", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|0|more", "\"more\"", 2 },
        { "--cpu-model|x|--sockets|1|--threads|4|--load|0|--scope|wall", "no SPECpower result", 1 },
        { "--model|/nonexistent/model.json|--load|0", "/nonexistent/model.json", 1 },
        { "--cpu-model|x|--cpuid|GenuinIntel:6:85:7|--sockets|1|--threads|4|--load|0",
          "HygonGenuine (of others CPUID tells nothing here: leave it out), not \"GenuinIntel\"",
          2 },
        { "--cpu-model|x|--cpuid||--sockets|1|--threads|4|--load|0", "not \"\"", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel|--sockets|1|--threads|4|--load|0",
          "its family is a decimal number from 0 to 270, not \"\"", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:6|--sockets|1|--threads|4|--load|0",
          "its model is a decimal number from 0 to 255, not \"\"", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:0x6:85:7|--sockets|1|--threads|4|--load|0",
          "not \"0x6\"", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:-85|--sockets|1|--threads|4|--load|0",
          "not \"-85\"", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:256|--sockets|1|--threads|4|--load|0",
          "not \"256\"", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:85:16|--sockets|1|--threads|4|--load|0",
          "its stepping is a decimal number from 0 to 15, not \"16\"", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:85:|--sockets|1|--threads|4|--load|0",
          "its stepping", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:85:7:1|--sockets|1|--threads|4|--load|0",
          "\":1\" is too much", 2 },
        { "--cpu-model|x|--cpuid|GenuineIntel:6:85|--sockets|1|--threads|4|--load|0",
          "the stepping tells which processor it is: add it, as in GenuineIntel:6:85:0 (Skylake)",
          2 },
        { "--cpuid|GenuineIntel:6:85:7|--model|x.json|--load|0", "--model and --cpuid", 2 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(rows[i].words);
        if (said.code != rows[i].code || said.out.len > 0)
            fail_msg("%s: %d %s", rows[i].words, said.code, buf_text(&said.out));
        assert_says(&said.err, rows[i].saying, rows[i].words);
        assert_says(&said.err, "kepler-exporter estimate: ", rows[i].words);
    }
}

static void help(void **state)
{
    (void)state;
    run("--help");
    assert_int_equal(said.code, 0);
    assert_says(&said.out, "--idle-watts WATTS", "each option");
    assert_says(&said.out, "--scope SCOPE", "each option");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
        cmocka_unit_test(text_shows_the_formula_with_its_figures),
        cmocka_unit_test(json_has_formula_and_inputs),
        cmocka_unit_test(what_cpuid_would_tell_is_said),
        cmocka_unit_test(what_is_no_server_is_said_to_be_none),
        cmocka_unit_test(what_is_not_used_is_told),
        cmocka_unit_test(a_host_that_nobody_tells_of_is_typical),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(help),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&said.out);
    buf_done(&said.err);
    return failed;
}
