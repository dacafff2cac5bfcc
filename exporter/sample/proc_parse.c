/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/proc_parse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define CPUS_MAX   65536u
#define PF_KTHREAD UINT64_C(0x00200000) /* include/linux/sched.h */

/* Moves *@text behind a number and the blanks before it; false if there is none, or it is past 64
   bits. */
static bool take_number(const char **text, uint64_t *ret)
{
    const char *at = *text + strspn(*text, " ");
    const char *first = at;
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return false;
    }
    *text = at;
    *ret = number;
    return at != first;
}

int proc_stat_parse(const char *text, struct proc_stat *ret)
{
    enum {
        USER,
        NICE,
        SYSTEM,
        IDLE,
        IOWAIT,
        IRQ,
        SOFTIRQ,
        COLUMNS
    }; /* proc(5) */
    uint64_t column[COLUMNS];

    if (strncmp(text, "cpu ", 4) != 0)
        return -EBADMSG;
    text += 4;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!take_number(&text, &column[i]))
            return -EBADMSG;
    }
    *ret = (struct proc_stat){ .task_ticks = column[USER] + column[NICE] + column[SYSTEM],
                               .irq_ticks = column[IRQ] + column[SOFTIRQ] };
    return 0;
}

/* "PID (NAME) STATE": fills pid and comm, and moves *@text behind the state. */
static bool take_head(const char **text, struct proc_pid_stat *ret)
{
    uint64_t pid = 0;
    const char *at = *text;
    if (!take_number(&at, &pid) || pid > INT32_MAX || strncmp(at, " (", 2) != 0)
        return false;
    const char *name = at + 2;
    const char *end = strrchr(name, ')');
    if (!end || end[1] != ' ' || end[2] < 'A' || end[2] > 'z' || end[3] != ' ')
        return false;
    size_t len = (size_t)(end - name);
    if (len >= sizeof(ret->comm))
        len = sizeof(ret->comm) - 1; /* a kernel worker's name is longer here than in the kernel */
    memcpy(ret->comm, name, len);
    ret->pid = (uint32_t)pid;
    *text = end + 3;
    return true;
}

int proc_pid_stat_parse(const char *text, struct proc_pid_stat *ret)
{
    /* proc(5) counts from 1; a few may be negative, none of those that are wanted */
    enum {
        PPID = 4,
        FLAGS = 9,
        UTIME = 14,
        STIME = 15,
        STARTTIME = 22
    };
    struct proc_pid_stat stat = { 0 };
    uint64_t column[STARTTIME + 1] = { 0 };

    if (!take_head(&text, &stat))
        return -EBADMSG;
    for (size_t i = PPID; i <= STARTTIME; i++) {
        text += strspn(text, " ");
        bool negative = *text == '-';
        text += negative;
        if (!take_number(&text, &column[i]))
            return -EBADMSG;
        if (negative)
            column[i] = 0;
    }
    stat.ppid = (uint32_t)column[PPID];
    stat.kernel_thread = (column[FLAGS] & PF_KTHREAD) != 0;
    stat.start_ticks = column[STARTTIME];
    if (__builtin_add_overflow(column[UTIME], column[STIME], &stat.run_ticks))
        return -EBADMSG;
    *ret = stat;
    return 0;
}

int cpu_list_count(const char *text, unsigned *ret)
{
    uint64_t count = 0;
    for (;; text++) {
        uint64_t first = 0;
        if (!take_number(&text, &first))
            return -EBADMSG;
        uint64_t last = first;
        if (*text == '-') {
            text++;
            if (!take_number(&text, &last))
                return -EBADMSG;
        }
        if (last < first || last >= CPUS_MAX || count + (last - first) >= CPUS_MAX)
            return -EBADMSG;
        count += last - first + 1;
        if (*text != ',')
            break;
    }
    if (*text != '\0' && *text != '\n')
        return -EBADMSG;
    *ret = (unsigned)count;
    return 0;
}
