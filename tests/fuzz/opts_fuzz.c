/* SPDX-License-Identifier: Apache-2.0 */
/* A command line, one word a line. */
#include "base/opts.h"

#include "fuzz.h"

#define WORDS_MAX 64

static int split(char *text, char **argv)
{
    int argc = 0;
    argv[argc++] = text;
    for (char *end = strchr(text, '\n'); end && argc < WORDS_MAX; end = strchr(end, '\n')) {
        *end++ = '\0';
        argv[argc++] = end;
    }
    argv[argc] = NULL;
    return argc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool json = false;
    const char *output = NULL;
    const char *fix = NULL;
    struct opt_list list = { 0 };
    const struct opt table[] = {
        { "Output", OPT_HEADING, NULL, NULL, NULL },
        { "json", OPT_SWITCH, &json, NULL, "as JSON" },
        { "output", OPT_TEXT, &output, "FILE", "write there" },
        { "ignore", OPT_LIST, &list, "ID", "leave out" },
        { "fix", OPT_OPTTEXT, &fix, "packages", "mend" },
    };
    AUTO_STR text = fuzz_text(data, size);
    char *argv[WORDS_MAX + 1];
    int argc = split(text, argv);
    int first = -1;
    struct err err = { 0 };
    int code = opts_parse(table, ARRAY_LEN(table), argc, argv, &first, &err);
    fuzz_want(code == 0 ? first >= 1 && first <= argc : first == -1 && err.text[0] != '\0');
    fuzz_want(list.n <= (size_t)argc);
    free(list.value);
    return 0;
}
