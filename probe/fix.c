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

#define WORDS_MAX  8 /* of a command, with the final NULL */

/* Runs a command (words up to a NULL) and waits. 0, or -errno; -EIO if it ended with a failure. */
static int run(const char *const words[WORDS_MAX], struct err *err)
{
    char *argv[WORDS_MAX] = { NULL }; /* copies: posix_spawn's type wants them writable */
    pid_t pid = -1;
    int status = 0;
    for (size_t i = 0; words[i] && i + 1 < WORDS_MAX; i++)
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

static int apply_one(const struct probe_fix *fix, bool packages, unsigned *done, struct err *err)
{
    if (fix->package[0] && !packages) {
        (void)fprintf(stderr,
                      "fix: %s needs the package %s: not installed without --fix=packages\n",
                      fix->module, fix->package);
        return 0;
    }
    int code = 0;
    if (fix->package[0]) {
        const char *const install[WORDS_MAX] = { "apt-get",     "install",    "-y",
                                                 "--reinstall", fix->package, NULL };
        (void)fprintf(stderr, "fix: apt-get install -y --reinstall %s\n", fix->package);
        code = run(install, err);
    }
    if (code == 0) {
        const char *const load[WORDS_MAX] = { "modprobe", fix->module, NULL };
        (void)fprintf(stderr, "fix: modprobe %s\n", fix->module);
        code = run(load, err);
    }
    if (code == 0)
        code = keep_module(fix->module, err);
    *done += code == 0;
    return code;
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
    for (size_t i = 0; i < p->fixes; i++) {
        int code = apply_one(&p->fix[i], packages, &done, err);
        if (code < 0)
            return code;
    }
    *ret_done = done;
    return 0;
}
