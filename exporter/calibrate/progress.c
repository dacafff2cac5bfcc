/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/progress.h"

#include "base/clock.h"
#include "calibrate/plan.h"
#include "calibrate/say.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_NS  (250 * NS_PER_MS)
#define BAR_MIN    10
#define BAR_MAX    40
#define ERASE_LINE "\r\033[K"

void progress_init(struct progress *p, FILE *to, uint64_t total_ns)
{
    *p = (struct progress){
        .to = to,
        .is_terminal = isatty(fileno(to)) == 1,
        .begin_ns = clock_monotonic_ns(),
        .total_ns = total_ns,
    };
}

void progress_line(double done_ratio, uint64_t left_ns, const char *what, size_t width,
                   char ret[PROGRESS_LINE_SIZE])
{
    char left[32];
    char tail[120];
    char bar[BAR_MAX + 1];
    plan_say_time(left_ns, left, sizeof(left));
    (void)snprintf(tail, sizeof(tail), "%3.0f %%  %.60s, %s left", 100 * done_ratio, what, left);
    size_t rest = strlen(tail) + sizeof("[]  ") - 1;
    size_t cells = width > rest ? width - rest : 0;
    if (cells > BAR_MAX)
        cells = BAR_MAX;
    if (cells < BAR_MIN) {
        (void)snprintf(ret, PROGRESS_LINE_SIZE, "%.*s", (int)width, tail);
        return;
    }
    size_t full = (size_t)(done_ratio * (double)cells);
    memset(bar, '.', cells);
    memset(bar, '#', full < cells ? full : cells);
    bar[cells] = '\0';
    (void)snprintf(ret, PROGRESS_LINE_SIZE, "[%s]  %s", bar, tail);
}

void progress_show(struct progress *p, uint64_t now_ns, const char *what)
{
    char line[PROGRESS_LINE_SIZE];
    if (!p->is_terminal || (p->drawn_ns && now_ns < p->drawn_ns + REDRAW_NS))
        return;
    uint64_t done_ns = now_ns - p->begin_ns;
    if (done_ns > p->total_ns)
        done_ns = p->total_ns;
    /* The last column stays free: a terminal would begin a new line behind it. */
    progress_line((double)done_ns / (double)p->total_ns, p->total_ns - done_ns, what,
                  say_width(p->to) - 1, line);
    (void)fprintf(p->to, ERASE_LINE "%s", line);
    (void)fflush(p->to);
    p->drawn_ns = now_ns;
}

void progress_clear(struct progress *p)
{
    if (!p->drawn_ns)
        return;
    (void)fputs(ERASE_LINE, p->to);
    (void)fflush(p->to);
    p->drawn_ns = 0;
}

void progress_say(struct progress *p, const char *format, ...)
{
    char text[1000];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    progress_clear(p);
    say(p->to, "%s\n", text);
    (void)fflush(p->to);
}
