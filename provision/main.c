/* SPDX-License-Identifier: Apache-2.0 */
/* kepler-stack: a verb, then its options. Data on stdout, all else on stderr. */
#include "base/compiler.h"
#include "base/err.h"
#include "base/opts.h"
#include "net/http.h"

#include <stdbool.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2
};

struct verb {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit code */
};

static int usage_error(const struct err *err)
{
    (void)fprintf(stderr, "kepler-stack: %s\n", err->text);
    return EXIT_USAGE;
}

/* What was printed must have arrived: a full disk behind a redirection is a failure. */
static int flushed(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_DONE;
    (void)fputs("kepler-stack: cannot write to standard output\n", stderr);
    return EXIT_OTHER;
}

/* For a verb that takes nothing; -1: go on, else the exit code. */
static int take_no_arguments(int argc, char **argv, const char *help)
{
    bool wants_help = false;
    const struct opt options[] = { { "help", OPT_SWITCH, &wants_help, NULL, "this text" } };
    struct err err = { 0 };
    int first = 0;
    if (opts_parse(options, ARRAY_LEN(options), argc, argv, &first, &err) < 0)
        return usage_error(&err);
    if (first < argc) {
        (void)err_set(&err, 0, "%s takes no argument, but was given \"%s\"", argv[0], argv[first]);
        return usage_error(&err);
    }
    if (!wants_help)
        return -1;
    (void)printf("kepler-stack %s: %s\n\n", argv[0], help);
    opts_help(stdout, options, ARRAY_LEN(options));
    return flushed();
}

static int run_version(int argc, char **argv)
{
    int code = take_no_arguments(argc, argv, "print the version and the libraries it runs with");
    if (code >= 0)
        return code;
    (void)printf("kepler-stack %s\n%s\n", KEPLER_VERSION, http_library_version());
    return flushed();
}

static int run_help(int argc, char **argv);

static const struct verb verbs[] = {
    { "version", "print the version and the libraries it runs with", run_version },
    { "help", "this text", run_help },
};

static void print_help(FILE *to)
{
    (void)fputs("Usage: kepler-stack VERB [OPTION]...\n\nVerbs of this version:\n", to);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        (void)fprintf(to, "  %-8s  %s\n", verbs[i].name, verbs[i].help);
    (void)fputs("\nThis version has no verb yet that creates, starts or deletes a machine.\n"
                "Exit: 0 done, 1 other failure, 2 usage.\n",
                to);
}

static int run_help(int argc, char **argv)
{
    int code = take_no_arguments(argc, argv, "say which verbs there are");
    if (code >= 0)
        return code;
    print_help(stdout);
    return flushed();
}

static int run_verb(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(argv[0], verbs[i].name) == 0)
            return verbs[i].run(argc, argv);
    }
    (void)fprintf(stderr, "kepler-stack: no verb \"%s\" in this version; see kepler-stack --help\n",
                  argv[0]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    bool wants_help = false;
    bool wants_version = false;
    const struct opt options[] = {
        { "help", OPT_SWITCH, &wants_help, NULL, "this text" },
        { "version", OPT_SWITCH, &wants_version, NULL, "the version" },
    };
    struct err err = { 0 };
    int first = 0;
    if (opts_parse(options, ARRAY_LEN(options), argc, argv, &first, &err) < 0)
        return usage_error(&err);
    if (wants_help) {
        print_help(stdout);
        return flushed();
    }
    if (wants_version) {
        char *words[] = { (char[]){ "version" }, NULL };
        return run_version(1, words);
    }
    if (first == argc) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    return run_verb(argc - first, argv + first);
}
