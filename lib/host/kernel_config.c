/* SPDX-License-Identifier: Apache-2.0 */
/* Build options of the kernel: the text that Kconfig writes, plain or gzip. */
#include "host/kernel.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/span.h"

#include <errno.h>
#define ZLIB_CONST /* zlib.h: input is not written to */
#include <zlib.h>

#define CONFIG_LIMIT (4U << 20) /* Ubuntu's, with all modules, has 0.3 MiB */

static char value_of(struct span value)
{
    if (span_is(value, "n") || span_is(value, "m"))
        return value.at[0];
    return 'y';
}

char kernel_config_parse(const char *config, const char *option)
{
    struct span rest = span_of(config);
    struct span line;
    bool is_config = false;
    while (span_cut(&rest, "\n", &line)) {
        line = span_trim(line);
        bool unset = span_drop_prefix(&line, "# ") && span_drop_suffix(&line, " is not set");
        is_config = is_config || (line.len > 7 && memcmp(line.at, "CONFIG_", 7) == 0);
        if (!span_drop_prefix(&line, option))
            continue;
        if (unset && line.len == 0)
            return 'n';
        if (!unset && span_drop_prefix(&line, "="))
            return value_of(line);
    }
    /* Kconfig leaves out an option whose dependencies are off. */
    return is_config ? 'n' : '\0';
}

static void inflate_done(z_stream *z)
{
    (void)inflateEnd(z);
}

int kernel_config_inflate(const void *bytes, size_t n, struct buf *ret)
{
    char chunk[16384];
    CLEANUP(inflate_done)
    z_stream z = { .next_in = bytes, .avail_in = (uInt)n };
    if (n > CONFIG_LIMIT)
        return -EFBIG;
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: a gzip header is wanted (zlib.h) */
        return -ENOMEM;
    for (;;) {
        z.next_out = (Bytef *)chunk;
        z.avail_out = sizeof(chunk);
        int code = inflate(&z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END)
            return -EBADMSG; /* Z_BUF_ERROR too: input is over, the stream is not */
        buf_add(ret, chunk, sizeof(chunk) - z.avail_out);
        if (ret->full)
            return -EFBIG;
        if (code == Z_STREAM_END)
            return 0;
    }
}

static int read_gzip(const struct rootfs *fs, const char *path, struct buf *ret)
{
    AUTO_BUF packed;
    buf_init(&packed, CONFIG_LIMIT);
    int code = rootfs_read_all(fs, path, &packed);
    return code < 0 ? code : kernel_config_inflate(buf_text(&packed), packed.len, ret);
}

char kernel_option(const struct rootfs *fs, const struct kernel_facts *kernel, const char *option)
{
    /* The running kernel's own word first; then where distributions put it (Debian and Ubuntu,
       then Fedora). */
    static const struct {
        const char *before, *after;
        bool named; /* by the release */
        int (*read)(const struct rootfs *fs, const char *path, struct buf *ret);
    } places[] = {
        { "/proc/config.gz", "", false, read_gzip },
        { "/boot/config-", "", true, rootfs_read_all },
        { "/lib/modules/", "/config", true, rootfs_read_all },
    };
    AUTO_BUF text;
    buf_init(&text, CONFIG_LIMIT);
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (places[i].named && kernel->release[0] == '\0')
            continue;
        AUTO_STR path = mem_printf("%s%s%s", places[i].before,
                                   places[i].named ? kernel->release : "", places[i].after);
        buf_clear(&text);
        char value = '\0';
        if (places[i].read(fs, path, &text) == 0)
            value = kernel_config_parse(buf_text(&text), option);
        if (value != '\0')
            return value;
    }
    return '\0';
}
