/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/output.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_is(const char *path, FILE *out)
{
    struct stat a;
    struct stat b;
    return stat(path, &a) == 0 && fstat(fileno(out), &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static int check_folder(const char *path, struct err *err)
{
    AUTO_STR folder = mem_strdup(path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    const char *where = slash ? folder : ".";
    if (access(where, W_OK | X_OK) < 0) {
        return err_set(err, -errno, "cannot write into %s: %s; name another place with --output",
                       where, strerror(errno));
    }
    return 0;
}

int output_check(const char *path, FILE *out, bool force, struct err *err)
{
    struct stat st;
    if (output_is(path, out))
        return 0;
    if (stat(path, &st) < 0)
        return check_folder(path, err);
    if (S_ISDIR(st.st_mode))
        return err_set(err, -EISDIR, "%s is a folder: give --output a file", path);
    if (!S_ISREG(st.st_mode))
        return 0;
    if (!force) {
        return err_set(err, -EEXIST,
                       "%s is there already: --force replaces it, --output names another", path);
    }
    return check_folder(path, err);
}

static int print(FILE *out, const struct model_file *m, struct err *err)
{
    AUTO_STR text = NULL;
    int code = model_file_print(m, &text, err);
    if (code < 0) {
        err_prefix(err, "nothing was written, since what was measured makes no model");
        return code;
    }
    if (fputs(text, out) == EOF || fflush(out) == EOF)
        return err_set(err, -errno, "cannot write to standard output: %s", strerror(errno));
    return 0;
}

int output_write(const char *path, FILE *out, const struct model_file *m, struct err *err)
{
    struct err unprinted = { 0 };
    if (output_is(path, out))
        return print(out, m, err);
    int code = model_file_write(path, m, err);
    if (code == 0 || code == -EBADMSG)
        return code;
    if (print(out, m, &unprinted) < 0) {
        err_prefix(err, "what was measured is lost (%s)", unprinted.text);
    } else {
        err_prefix(err, "what was measured is on standard output: put it into a file by hand");
    }
    return code;
}
