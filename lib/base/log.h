/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event to stderr, in Kepler's two formats (slog text or JSON). Only main and the loop
   log; everything below returns errors. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR
};
enum log_format {
    LOG_TEXT,
    LOG_JSON
};

/* Process-wide; before the first thread starts. */
void log_setup(enum log_level level, enum log_format format);

/* "debug|info|warn|error", "text|json"; -EINVAL for another word. */
MUST_USE int log_level_parse(const char *word, enum log_level *ret);
MUST_USE int log_format_parse(const char *word, enum log_format *ret);

PRINTF_LIKE(2, 3) void log_event(enum log_level level, const char *format, ...);

/* NOLINTBEGIN(readability-identifier-naming): they read as functions and take a format as one */
#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_event(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)
/* NOLINTEND(readability-identifier-naming) */

#endif
