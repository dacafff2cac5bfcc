/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration, as it is and as a gzip stream. */
#include "base/cleanup.h"
#include "host/kernel.h"

#include "fuzz.h"

static void ask(const char *config)
{
    char value = kernel_config_parse(config, "CONFIG_X86_MSR");
    fuzz_want(value == '\0' || value == 'y' || value == 'm' || value == 'n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    AUTO_BUF plain;
    buf_init(&plain, 65536);
    ask(text);
    if (kernel_config_inflate(data, size, &plain) == 0)
        ask(buf_text(&plain));
    fuzz_want(plain.len <= 65536);
    return 0;
}
