/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu_name.h"

#include "base/compiler.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Words that one side writes and the other does not: EPYC Embedded parts report no "Embedded", and
   a first-generation E5 calls itself "E5-2670 0". */
static bool is_filler(const char *word)
{
    static const char *const fillers[] = { "(r)",      "(tm)",     "cpu", "processor",
                                           "scalable", "embedded", "0" };
    for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
        if (strcmp(word, fillers[i]) == 0)
            return true;
    }
    size_t digits = strspn(word, "0123456789");
    return digits > 0 && strcmp(word + digits, "-core") == 0;
}

/* Next word of @at, lower case, "(R)" being a word of its own; "" at the end or at "@ 2.50GHz". */
static const char *next_word(const char *at, char *ret, size_t size)
{
    size_t n = 0;
    while (*at == ' ')
        at++;
    bool mark = *at == '(';
    while (*at && *at != ' ' && *at != '@' && (n == 0 || mark || *at != '(')) {
        if (n + 1 < size)
            ret[n++] = (char)tolower((unsigned char)*at);
        if (*at++ == ')' && mark)
            break;
    }
    ret[n] = '\0';
    return at;
}

void cpu_name_normalise(const char *name, char *ret, size_t size)
{
    size_t len = 0;
    char word[CPU_NAME_SIZE];
    ret[0] = '\0';
    for (;;) {
        name = next_word(name, word, sizeof(word));
        if (word[0] == '\0')
            return;
        if (is_filler(word))
            continue;
        int n = snprintf(ret + len, size - len, "%s%s", len ? " " : "", word);
        if (n < 0 || (size_t)n >= size - len)
            return;
        len += (size_t)n;
    }
}
