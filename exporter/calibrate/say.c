/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/say.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SAY_LIMIT     8192
#define WIDTH_UNKNOWN 80

/* Where the second column of "  name    text" begins; 0 of a line that is none. */
static size_t hang_of(const char *line, size_t len)
{
    size_t at = 0;
    while (at < len && line[at] == ' ')
        at++;
    if (at == 0)
        return 0;
    while (at + 1 < len && !(line[at] == ' ' && line[at + 1] == ' '))
        at++;
    while (at < len && line[at] == ' ')
        at++;
    return at < len ? at : 0;
}

/* Longest start of @text, @len bytes, that fits into @room: cut before the blanks behind @from. */
static size_t fit(const char *text, size_t len, size_t from, size_t room)
{
    if (len <= room)
        return len;
    for (size_t n = room; n > from; n--) {
        if (text[n] == ' ' && text[n - 1] != ' ')
            return n;
    }
    size_t n = room > from ? room : from;
    while (n < len && text[n] != ' ')
        n++;
    return n;
}

static void fold_line(struct buf *to, const char *line, size_t len, size_t columns)
{
    size_t hang = hang_of(line, len);
    if (columns == 0 || hang >= columns / 2)
        hang = 0;
    size_t n = columns ? fit(line, len, hang, columns) : len;
    buf_add(to, line, n);
    while (n < len) {
        line += n;
        len -= n;
        size_t blank = strspn(line, " ");
        line += blank;
        len -= blank;
        if (len == 0)
            return;
        buf_printf(to, "\n%*s", (int)hang, "");
        n = fit(line, len, 0, columns - hang);
        buf_add(to, line, n);
    }
}

void say_fold(struct buf *to, const char *text, size_t columns)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        fold_line(to, text, len, columns);
        text += len;
        if (*text == '\n') {
            buf_char(to, '\n');
            text++;
        }
    }
}

size_t say_width(FILE *to)
{
    struct winsize size;
    if (isatty(fileno(to)) != 1)
        return 0;
    if (ioctl(fileno(to), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return WIDTH_UNKNOWN;
    return size.ws_col;
}

void say(FILE *to, const char *format, ...)
{
    char text[SAY_LIMIT];
    AUTO_BUF folded;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t width = say_width(to);
    buf_init(&folded, (size_t)4 * SAY_LIMIT);
    say_fold(&folded, text, width < SAY_COLUMNS ? width : SAY_COLUMNS);
    (void)fputs(buf_text(&folded), to);
}
