/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over the files of folders (and over single files) where there is no libFuzzer:
   a corpus is then a regression test under any compiler. Finding no input at all is a failure. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/rootfs.h"

#include "fuzz.h"

#include <errno.h>

#define INPUT_LIMIT ((size_t)4 << 20) /* bytes of one input */

static int replay_file(const struct rootfs *fs, const char *path)
{
    AUTO_BUF input;
    buf_init(&input, INPUT_LIMIT);
    int code = rootfs_read_all(fs, path, &input);
    if (code < 0)
        return code;
    /* A copy of exactly its size, so that a read beyond the end is seen. */
    uint8_t *data = mem_new(input.len ? input.len : 1, 1);
    if (input.len)
        memcpy(data, input.data, input.len);
    (void)LLVMFuzzerTestOneInput(data, input.len);
    free(data);
    return 1;
}

/* Inputs run, or -errno. */
static int replay(const struct rootfs *fs, const char *path)
{
    AUTO_NAMES names = { 0 };
    int code = rootfs_list(fs, path, &names);
    if (code == -ENOTDIR)
        return replay_file(fs, path);
    int count = 0;
    for (size_t i = 0; code >= 0 && i < names.n; i++) {
        AUTO_BUF file;
        buf_init(&file, 4096);
        buf_printf(&file, "%s/%s", path, names.name[i]);
        code = replay_file(fs, buf_text(&file));
        count += code > 0;
    }
    return code < 0 ? code : count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct rootfs fs = ROOTFS_NONE;
        struct err err = { 0 };
        char *path = realpath(argv[i], NULL);
        int count = path ? rootfs_open(&fs, &(struct rootfs_paths){ 0 }, &err) : -errno;
        if (count == 0)
            count = replay(&fs, path);
        rootfs_close(&fs);
        free(path);
        if (count < 0) {
            (void)fprintf(stderr, "%s: %s\n", argv[i], strerror(-count));
            return 1;
        }
        total += count;
    }
    (void)printf("%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
