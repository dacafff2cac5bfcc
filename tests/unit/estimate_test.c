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
        { "example A", "--cpu-model|" XEON "|--sockets|2|--threads|96|--memory-gb|192|--load|0.5",
          "A", "package", 444.6, 364.572, 635.778, 16.8768 },
        { "threads of the table", "--cpu-model|" XEON "|--sockets|2|--load|50%", "A", "package",
          444.6, 364.572, 635.778, 0 },
        { "example B", "--cpu-model|Intel Xeon 9999|--sockets|2|--threads|64|--tdp|200|--load|0.5",
          "B", "package", 289.36, 214.1264, 396.4232, 0 },
        { "another maker, by name", "--cpu-model|AMD EPYC 7R32|--sockets|1|--load|100%", "B",
          "package", 280 * 1.0362, 140 * 1.0362, 560 * 1.0362, 0 },
        { "example B'",
          "--cpu-model|x|--sockets|2|--threads|64|--idle-watts|60|--full-watts|600|--load|0.5",
          "B'", "package", 427.362, 384.6258, 508.5608, 0 },
        { "example E, a VM of two of 96 threads",
          "--cpu-model|Intel(R) Xeon(R) Processor|--sockets|2|--threads|96|--vcpus|2|--load|0.5",
          "E", "package", 5.8678, 2.5587, 19.8495, 0 },
        { "a VM of all threads is bare metal",
          "--cpu-model|" XEON "|--sockets|2|--threads|96|--vcpus|96|--load|0.5", "A", "package",
          444.6, 364.572, 635.778, 0 },
        { "at rest", "--cpu-model|" XEON "|--sockets|2|--load|0", "A", "package", 58.7, 48.134,
          83.941, 0 },
        { "wall, by name",
          "--cpu-model|AMD EPYC 7742|--sockets|2|--threads|256|--load|1|--scope|wall", "SPECpower",
          "wall", 400, 391, 900 * 1.0362, 0 },
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
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(help),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&said.out);
    buf_done(&said.err);
    return failed;
}
