/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/proc_parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define TAIL " 0 0 0 0 0 0 0\n"

static void proc_stat_rows(void **state)
{
    static const struct {
        const char *why, *text;
        int code;
        struct proc_stat want;
    } rows[] = {
        { "busy is user, nice, system; guests are part of user",
          "cpu  10 2 3 400 5 6 7 8 9 1\n",
          0,
          { 15, 13 } },
        { "seven columns are enough (no steal)", "cpu  1 1 1 1 1 1 1\ncpu0 1\n", 0, { 3, 2 } },
        { "six are not", "cpu  1 1 1 1 1 1\n", -EBADMSG, { 0, 0 } },
        { "one CPU's line is not the sum's", "cpu0 1 1 1 1 1 1 1 1\n", -EBADMSG, { 0, 0 } },
        { "a number past 64 bits", "cpu  99999999999999999999 1 1 1 1 1 1\n", -EBADMSG, { 0, 0 } },
        { "nothing", "", -EBADMSG, { 0, 0 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proc_stat got = { 0 };
        if (proc_stat_parse(rows[i].text, &got) != rows[i].code ||
            got.task_ticks != rows[i].want.task_ticks || got.irq_ticks != rows[i].want.irq_ticks)
            fail_msg("%s: %llu %llu", rows[i].why, (unsigned long long)got.task_ticks,
                     (unsigned long long)got.irq_ticks);
    }
}

static void proc_pid_stat_rows(void **state)
{
    static const struct {
        const char *why, *text;
        int code;
        struct proc_pid_stat want;
    } rows[] = {
        { "a shell",
          "1234 (bash) S 1 1234 1234 34816 -1 4194304 100 200 0 0 11 22 0 0 20 0 1 0 5678" TAIL,
          0,
          { 1234, 1, "bash", false, 33, 5678 } },
        { "a kernel thread",
          "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 7 0 0 20 0 1 0 3" TAIL,
          0,
          { 2, 0, "kthreadd", true, 7, 3 } },
        { "a name with blanks and parentheses ends at the last one",
          "5 (a) R 9 (b) Z 1 1 1 0 -1 0 0 0 0 0 4 5 0 0 20 0 1 0 6" TAIL,
          0,
          { 5, 1, "a) R 9 (b", false, 9, 6 } },
        { "an empty name",
          "5 () S 1 1 1 0 -1 0 0 0 0 0 4 5 0 0 20 0 1 0 6" TAIL,
          0,
          { 5, 1, "", false, 9, 6 } },
        { "a long name is cut",
          "5 (kworker/u8:1-events_unbound) I 2 0 0 0 -1 69238880 0 0 0 0 0 1 0 0 20 0 1 0 6" TAIL,
          0,
          { 5, 2, "kworker/u8:1-ev", true, 1, 6 } },
        { "cut before the start time",
          "5 (a) S 1 1 1 0 -1 0 0 0 0 0 4 5 0 0 20 0 1",
          -EBADMSG,
          { 0 } },
        { "no closing parenthesis", "5 (a S 1 1 1 0 -1 0 0 0", -EBADMSG, { 0 } },
        { "a pid that is none", "x (a) S 1", -EBADMSG, { 0 } },
        { "a pid past 31 bits",
          "4294967296 (a) S 1 1 1 0 -1 0 0 0 0 0 4 5 0 0 20 0 1 0 6",
          -EBADMSG,
          { 0 } },
        { "utime and stime past 64 bits",
          "5 (a) S 1 1 1 0 -1 0 0 0 0 0 18446744073709551615 1 0 0 20 0 1 0 6",
          -EBADMSG,
          { 0 } },
        { "nothing", "", -EBADMSG, { 0 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proc_pid_stat got = { 0 };
        const struct proc_pid_stat *want = &rows[i].want;
        if (proc_pid_stat_parse(rows[i].text, &got) != rows[i].code)
            fail_msg("%s", rows[i].why);
        if (got.pid != want->pid || got.ppid != want->ppid ||
            got.kernel_thread != want->kernel_thread || got.run_ticks != want->run_ticks ||
            got.start_ticks != want->start_ticks)
            fail_msg("%s: got pid %u ppid %u run %llu start %llu", rows[i].why, got.pid, got.ppid,
                     (unsigned long long)got.run_ticks, (unsigned long long)got.start_ticks);
        assert_string_equal(got.comm, want->comm);
    }
}

static void cpu_list_rows(void **state)
{
    static const struct {
        const char *text;
        int code;
        unsigned want;
    } rows[] = {
        { "0", 0, 1 },
        { "0-3\n", 0, 4 },
        { "0-3,8,10-11", 0, 7 },
        { "0-65535", 0, 65536 },
        { "", -EBADMSG, 0 },
        { "3-1", -EBADMSG, 0 },
        { "0-", -EBADMSG, 0 },
        { "0,", -EBADMSG, 0 },
        { "a", -EBADMSG, 0 },
        { "0 1", -EBADMSG, 0 },
        { "-1", -EBADMSG, 0 },
        { "0-65536", -EBADMSG, 0 },
        { "0-40000,0-40000", -EBADMSG, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned got = 0;
        if (cpu_list_count(rows[i].text, &got) != rows[i].code || got != rows[i].want)
            fail_msg("\"%s\": got %u", rows[i].text, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(proc_stat_rows),
                                        cmocka_unit_test(proc_pid_stat_rows),
                                        cmocka_unit_test(cpu_list_rows) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
