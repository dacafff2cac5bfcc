/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

static const char *const level_words[] = { "debug", "info", "warn", "error" };
static const char *const format_words[] = { "text", "json" };

static enum log_level lowest = LOG_INFO;
static enum log_format shape = LOG_TEXT;

void log_setup(enum log_level level, enum log_format format)
{
    lowest = level;
    shape = format;
}

static int find_word(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(words[i], word) == 0)
            return (int)i;
    }
    return -EINVAL;
}

int log_level_parse(const char *word, enum log_level *ret)
{
    int i = find_word(level_words, ARRAY_LEN(level_words), word);
    if (i < 0)
        return i;
    *ret = (enum log_level)i;
    return 0;
}

int log_format_parse(const char *word, enum log_format *ret)
{
    int i = find_word(format_words, ARRAY_LEN(format_words), word);
    if (i < 0)
        return i;
    *ret = (enum log_format)i;
    return 0;
}

#define LONGEST_ESCAPE 6 /* "\\u001f" */

/* The escapes of a JSON string; Go's quoted strings, which slog prints, agree on these. */
static void quote(char *to, size_t size, const char *from)
{
    size_t n = 0;
    size_t left = strlen(from);
    while (left > 0 && n + LONGEST_ESCAPE < size) {
        unsigned char c = (unsigned char)*from;
        size_t bytes = utf8_sequence(from, left);
        if (c == '"' || c == '\\') {
            n += (size_t)snprintf(to + n, size - n, "\\%c", c);
        } else if (c < 0x20) {
            n += (size_t)snprintf(to + n, size - n, "\\u%04x", c);
        } else {
            const char *shown = bytes > 0 ? from : UTF8_REPLACEMENT;
            size_t shown_bytes = bytes > 0 ? bytes : sizeof(UTF8_REPLACEMENT) - 1;
            memcpy(to + n, shown, shown_bytes);
            n += shown_bytes;
        }
        bytes = bytes > 0 ? bytes : 1;
        from += bytes;
        left -= bytes;
    }
    to[n] = '\0';
}

void log_event(enum log_level level, const char *format, ...)
{
    if (level < lowest)
        return;
    char message[1024];
    char quoted[2 * sizeof(message)];
    char when[32];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    quote(quoted, sizeof(quoted), message);
    clock_utc_text(when, sizeof(when));
    (void)fprintf(stderr,
                  shape == LOG_JSON ? "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\"%s\"}\n"
                                    : "time=%s level=%s msg=\"%s\"\n",
                  when, level_words[level], quoted);
}
