/* SPDX-License-Identifier: Apache-2.0 */
#include "fix.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_LIMIT 65536

/* Runs a command (words up to a NULL) and waits. 0, or -errno; -EIO if it ended with a failure. */
static int run(const char *const words[FIX_WORDS], struct err *err)
{
    char *argv[FIX_WORDS] = { NULL }; /* copies: posix_spawn's type wants them writable */
    pid_t pid = -1;
    int status = 0;
    for (size_t i = 0; words[i] && i + 1 < FIX_WORDS; i++)
        argv[i] = mem_strdup(words[i]);
    int code = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    for (size_t i = 0; argv[i]; i++)
        free(argv[i]);
    if (code != 0)
        return err_set(err, -code, "cannot run %s: %s", words[0], strerror(code));
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return err_set(err, -errno, "cannot wait for %s: %s", words[0], strerror(errno));
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return err_set(err, -EIO, "%s failed (its message is above); nothing after it was done",
                       words[0]);
    }
    return 0;
}

bool fix_add_line(const char *text, const char *module, struct buf *ret)
{
    size_t n = strlen(module);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (len == n && memcmp(line, module, n) == 0)
            return false;
        line += len + (line[len] == '\n');
    }
    size_t len = strlen(text);
    buf_str(ret, text);
    if (len > 0 && text[len - 1] != '\n')
        buf_char(ret, '\n');
    buf_printf(ret, "%s\n", module);
    return true;
}

static int keep_module(const char *module, struct err *err)
{
    AUTO_BUF before;
    AUTO_BUF after;
    buf_init(&before, FILE_LIMIT);
    buf_init(&after, FILE_LIMIT + 64);
    int code = file_read(FIX_MODULES_LOAD, &before, err);
    if (code < 0 && code != -ENOENT)
        return code;
    if (before.len == 0)
        buf_str(&before, "# written by kepler-probe --fix: modules that energy counters need\n");
    if (!fix_add_line(buf_text(&before), module, &after))
        return 0;
    (void)fprintf(stderr, "fix: add %s to %s\n", module, FIX_MODULES_LOAD);
    return file_replace(FIX_MODULES_LOAD, buf_text(&after), after.len, 0644, err);
}

static void add_command(struct fix_command *to, const char *const words[INSTALLER_WORDS],
                        const char *last)
{
    size_t n = 0;
    *to = (struct fix_command){ { NULL }, false };
    for (; n < INSTALLER_WORDS && words[n]; n++)
        to->word[n] = words[n];
    to->word[n] = last;
}

size_t fix_commands(const struct probe_fix *fix, bool is_fresh,
                    struct fix_command ret[FIX_COMMANDS])
{
    static const char *const load[INSTALLER_WORDS] = { "modprobe" };
    const struct installer *by = fix->package[0] ? fix->installer : NULL;
    size_t n = 0;
    if (by && by->refresh[0] && !is_fresh) {
        add_command(&ret[n], by->refresh, NULL);
        ret[n++].may_fail = true; /* as it does for any one source of packages that is gone */
    }
    if (by)
        add_command(&ret[n++], by->install, fix->package);
    add_command(&ret[n++], load, fix->module);
    return n;
}

/* Said, then done. */
static int run_command(const struct fix_command *command, struct err *err)
{
    (void)fputs("fix:", stderr);
    for (size_t i = 0; i < FIX_WORDS && command->word[i]; i++)
        (void)fprintf(stderr, " %s", command->word[i]);
    (void)fputc('\n', stderr);
    return run(command->word, err);
}

/* An earlier fix brought the same package. */
static bool has_package(const struct probe *p, size_t before, const char *package)
{
    for (size_t i = 0; i < before; i++) {
        if (strcmp(p->fix[i].package, package) == 0)
            return true;
    }
    return false;
}

static int apply_one(const struct probe_fix *fix, bool is_fresh, struct err *err)
{
    struct fix_command command[FIX_COMMANDS];
    size_t n = fix_commands(fix, is_fresh, command);
    if (fix->installer && fix->installer->setting[0])
        (void)setenv(fix->installer->setting[0], fix->installer->setting[1], 1);
    for (size_t i = 0; i < n; i++) {
        int code = run_command(&command[i], err);
        if (code < 0 && command[i].may_fail) {
            (void)fprintf(stderr, "fix: %s; going on with the lists that are here\n", err->text);
        } else if (code < 0) {
            return code;
        }
    }
    return keep_module(fix->module, err);
}

int fix_apply(const struct probe *p, bool packages, unsigned *ret_done, struct err *err)
{
    unsigned done = 0;
    if (p->fixes == 0) {
        (void)fprintf(stderr, "fix: nothing here that a kernel module or a package would mend\n");
    } else if (geteuid() != 0) {
        return err_set(err, -EPERM,
                       "--fix loads kernel modules, which takes root: sudo kepler-probe "
                       "--fix");
    }
    bool is_fresh = false;
    for (size_t i = 0; i < p->fixes; i++) {
        struct probe_fix fix = p->fix[i];
        if (fix.package[0] && !packages) {
            (void)fprintf(stderr,
                          "fix: %s needs the package %s: not installed without --fix=packages\n",
                          fix.module, fix.package);
            continue;
        }
        if (has_package(p, i, fix.package))
            fix.package[0] = '\0';
        int code = apply_one(&fix, is_fresh, err);
        if (code < 0)
            return code;
        is_fresh = is_fresh || fix.package[0];
        done++;
    }
    *ret_done = done;
    return 0;
}
