/* SPDX-License-Identifier: Apache-2.0 */
#include "power/model_request.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <strings.h>

#define NAME_SIZE     96
#define BYTES_PER_GIB 1073741824.0
#define BYTES_PER_GB  1e9

/* -- names -- */

static bool ends_with(const char *word, const char *end)
{
    size_t n = strlen(word);
    size_t m = strlen(end);
    return n > m && strcasecmp(word + n - m, end) == 0;
}

/* A word that says nothing of the model: "CPU", "3.00GHz", "96-Core". */
static bool is_filler(const char *word)
{
    if (strcasecmp(word, "cpu") == 0 || strcasecmp(word, "processor") == 0)
        return true;
    return isdigit((unsigned char)word[0]) &&
           (ends_with(word, "GHz") || ends_with(word, "MHz") || ends_with(word, "-Core"));
}

static bool is_name_sign(char c)
{
    return isalnum((unsigned char)c) || (c && strchr(".-_+", c));
}

/* What brackets there are around the character behind @c. */
static unsigned brackets(unsigned depth, char c)
{
    if (c == '(' || c == '[')
        return depth + 1;
    return (c == ')' || c == ']') && depth > 0 ? depth - 1 : depth;
}

/* Up to a blank, without what is in brackets, commas and other signs. Returns what it used. */
static size_t take_word(const char *text, char *ret, size_t size)
{
    size_t n = 0;
    size_t at = 0;
    unsigned depth = 0;
    for (; text[at] && (depth > 0 || !isspace((unsigned char)text[at])); at++) {
        depth = brackets(depth, text[at]);
        if (depth == 0 && is_name_sign(text[at]) && n + 1 < size)
            ret[n++] = text[at];
    }
    ret[n] = '\0';
    return at;
}

/* "E5-2686" and "v4" are one word there: e5_2686v4. */
static bool is_version(const char *word)
{
    return (word[0] == 'v' || word[0] == 'V') && isdigit((unsigned char)word[1]);
}

void model_processor_name(const char *model_name, char *ret, size_t size)
{
    struct buf name;
    char word[NAME_SIZE];
    buf_init(&name, NAME_SIZE);
    for (const char *at = model_name; *at; at += *at ? 1 : 0) {
        at += take_word(at, word, sizeof(word));
        if (!word[0] || is_filler(word))
            continue;
        if (name.len > 0 && !is_version(word))
            buf_char(&name, '_');
        for (const char *c = word; *c; c++)
            buf_char(&name, (char)(*c == '-' ? '_' : tolower((unsigned char)*c)));
    }
    (void)snprintf(ret, size, "%s", buf_text(&name));
    buf_done(&name);
}

/* Letters and digits only: how names are written differs between versions of the server. */
static bool is_same_name(const char *a, const char *b)
{
    for (;;) {
        while (*a && !isalnum((unsigned char)*a))
            a++;
        while (*b && !isalnum((unsigned char)*b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

/* -- the request -- */

static struct json *machine_spec(const struct cpu_facts *cpu, double memory_gb)
{
    char processor[NAME_SIZE];
    struct json *spec = json_new_object();
    model_processor_name(cpu->model_name, processor, sizeof(processor));
    if (processor[0])
        json_put_text(spec, "processor", processor);
    json_put_number(spec, "cores", cpu->threads); /* logical ones, as the server counts them */
    json_put_number(spec, "chips", cpu->sockets);
    if (memory_gb > 0)
        json_put_number(spec, "memory", floor(memory_gb * BYTES_PER_GB / BYTES_PER_GIB));
    return spec;
}

char *model_request_text(const struct cpu_facts *cpu, double memory_gb, const char *trainer,
                         const char *node_type)
{
    AUTO_JSON request = json_new_object();
    struct json *metrics = json_new_array();
    json_append(metrics, json_new_string("bpf_cpu_time_ms"));
    json_append(metrics, json_new_string("bpf_page_cache_hit")); /* both are its group BPFOnly */
    json_put(request, "metrics", metrics);
    json_put_text(request, "output_type", "AbsPower");
    json_put_text(request, "source", "rapl-sysfs");
    json_put_bool(request, "weight", true);
    if (node_type) {
        json_put_number(request, "node_type", (double)strtol(node_type, NULL, 10));
    } else {
        json_put(request, "machine_spec", machine_spec(cpu, memory_gb));
    }
    if (trainer)
        json_put_text(request, "trainer_name", trainer);
    return json_print(request, false);
}

/* -- the reply -- */

/* Its keys are Python's names of an enumeration's members, with a dot in them. */
static const struct json *attribute(const struct json *spec, const char *key)
{
    for (const struct json *m = json_at(spec, 0); m; m = json_next(m)) {
        const char *name = json_key(m);
        const char *dot = name ? strrchr(name, '.') : NULL;
        if (name && strcasecmp(dot ? dot + 1 : name, key) == 0)
            return m;
    }
    return NULL;
}

static int check_node_type(const struct json *reply, const char *node_type, struct err *err)
{
    const char *name = json_text(reply, "model_name", NULL);
    const char *dash = name ? strrchr(name, '_') : NULL;
    if (!node_type || !dash || strcmp(dash + 1, node_type) == 0)
        return 0;
    return err_set(err, -ENXIO,
                   "it handed back %.80s, a model of node type %.20s, not %s: it looks for a node "
                   "type as a part of a name",
                   name, dash + 1, node_type);
}

int model_reply_is_ours(const struct json *reply, const struct cpu_facts *cpu,
                        const char *node_type, struct err *err)
{
    char ours[NAME_SIZE];
    const struct json *spec = json_get(reply, "machine_spec");
    const char *theirs = json_string_of(attribute(spec, "processor"));
    double cpus = json_number_of(attribute(spec, "cores"), 0);
    model_processor_name(cpu->model_name, ours, sizeof(ours));
    bool other_name = theirs && !is_same_name(theirs, ours);
    /* SPECpower's models count cores, the others threads */
    bool other_size = cpus > 0 && cpus != cpu->threads && cpus != cpu->cores;
    if (other_name || other_size) {
        return err_set(err, -ENXIO,
                       "its nearest model is of another machine, %.80s with %.0f CPUs; this one is "
                       "%s with %u",
                       theirs ? theirs : "one", cpus, ours[0] ? ours : "unnamed", cpu->threads);
    }
    return check_node_type(reply, node_type, err);
}

/* What the server says, in a line: the title of an HTML page, else the first line. */
static void first_line(const char *text, char *ret, size_t size)
{
    const char *title = strcasestr(text, "<title>");
    text = title ? title + strlen("<title>") : text;
    (void)snprintf(ret, size, "%.*s", (int)strcspn(text, title ? "<\r\n" : "\r\n"), text);
}

int model_explain_status(const char *url, int status, const char *body, struct err *err)
{
    static const struct {
        int status, code;
        const char *means;
    } rows[] = {
        { 400, -ENOENT,
          "it has no model for this machine and trainer; GET /best-models lists what it has, "
          "power.modelServer.nodeType and .trainer choose" },
        { 404, -ENOTSUP, "there is no kepler-model-server at this address" },
        { 500, -EREMOTEIO, "it failed; its own log says why" },
    };
    char line[200];
    first_line(body, line, sizeof(line));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].status == status) {
            return err_set(err, rows[i].code, "%s: answered %d (%s): %s", url, status, line,
                           rows[i].means);
        }
    }
    return err_set(err, status > 500 ? -EREMOTEIO : -EPROTO,
                   "%s: answered %d (%s), which a kepler-model-server does not", url, status, line);
}
