/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes every module may use. No other project header is included here. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define MUST_USE                __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define CLEANUP(fn)             __attribute__((cleanup(fn)))
#define ARRAY_LEN(a)            (sizeof(a) / sizeof((a)[0]))

#endif
