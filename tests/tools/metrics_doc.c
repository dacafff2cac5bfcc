/* SPDX-License-Identifier: Apache-2.0 */
/* Prints docs/metrics.md: `make docs` writes it, `make docs-check` compares. */
#include "expose/metrics.h"

#define DOC_LIMIT ((size_t)1 << 20)

int main(void)
{
    AUTO_BUF doc;
    buf_init(&doc, DOC_LIMIT);
    metrics_render_markdown(&doc);
    if (doc.full || fputs(buf_text(&doc), stdout) == EOF || fflush(stdout) == EOF) {
        (void)fputs("metrics-doc: could not write the whole document\n", stderr);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
