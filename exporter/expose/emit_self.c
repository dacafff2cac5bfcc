/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/emit.h"
#include "expose/text.h"

#define LABELS_LIMIT ((size_t)16 << 10)

/* Go's names, which Kepler's label has. */
static const char *build_arch(void)
{
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#else
    return "other";
#endif
}

void emit_build_info(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    (void)s;
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    text_label(&labels, "arch", build_arch());
    buf_str(&labels, ",branch=\"\",goversion=\"\",revision=\"\",");
    text_label(&labels, "version", KEPLER_VERSION);
    text_line(to, m->name, buf_text(&labels), 1);
}

void emit_accounting(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    text_label(&labels, "accounting", accounting_name(s->accounting));
    text_line(to, m->name, buf_text(&labels), 1);
}

void emit_config_ignored(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    for (size_t i = 0; i < s->ignored_keys; i++) {
        buf_clear(&labels);
        text_label(&labels, "key", s->ignored_key[i]);
        text_line(to, m->name, buf_text(&labels), 1);
    }
}

void emit_refresh_duration(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    text_line(to, m->name, "", s->refresh_seconds);
}

void emit_refreshes(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    text_line(to, m->name, "", (double)s->refreshes);
}

void emit_lost_exits(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    text_line(to, m->name, "", (double)s->sample->lost_exits);
}

void emit_rejected(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    text_line(to, m->name, "", (double)s->meter->rejected);
}

void emit_source_changes(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    text_line(to, m->name, "", (double)s->meter->changes);
}

static void known_line(struct buf *to, const struct metric *m, double value)
{
    if (value >= 0)
        text_line(to, m->name, "", value);
}

void emit_self_cpu(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    known_line(to, m, s->self->cpu_seconds);
}

void emit_self_resident(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    known_line(to, m, s->self->resident_bytes);
}

void emit_self_virtual(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    known_line(to, m, s->self->virtual_bytes);
}

void emit_self_start(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    known_line(to, m, s->self->start_time_seconds);
}

void emit_self_fds(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    known_line(to, m, s->self->open_fds);
}
