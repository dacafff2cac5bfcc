/* SPDX-License-Identifier: Apache-2.0 */
#include "power/weights.h"

#include <errno.h>
#include <math.h>

#define CPU_TIME       "bpf_cpu_time_ms"
#define ABSENT         ((double)NAN)
#define MS_PER_SECOND  1000.0
#define CHECK_STEPS    100
#define ROUNDING_WATTS 0.001 /* what a fit with large terms of both signs may lose */

/* Full load of this machine may be this far from the one that the model was made on: its scale is
   the largest CPU time seen in training, that of SPECpower models counted in cores. */
#define SCALE_RATIO_MAX 3.0

/* Kepler 0.7, pkg/model/estimator/local/regressor/{linear,exponential,logarithm,logistic}.go,
   predict(); kepler-model-server, src/kepler_model/train/trainer/NAME/main.py has the same. */
static double linear(const struct weights *w, double x)
{
    return w->bias + w->weight * x;
}

static double exponential(const struct weights *w, double x)
{
    return w->curve[0] * exp(w->curve[1] * x) + w->curve[2];
}

static double logarithmic(const struct weights *w, double x)
{
    return w->curve[0] * log(w->curve[1] * x + 1) + w->curve[2];
}

static double logistic(const struct weights *w, double x)
{
    return w->curve[0] / (1 + exp(-w->curve[2] * (x - w->curve[1]))) + w->curve[3];
}

static const struct kind {
    const char *name, *trainer;
    size_t weights; /* entries of CurveFit_Weights */
    double (*watts)(const struct weights *w, double x);
} kinds[] = {
    [WEIGHTS_LINEAR] = { "linear", "SGDRegressorTrainer", 0, linear },
    [WEIGHTS_EXPONENTIAL] = { "exponential", "ExponentialRegressionTrainer", 3, exponential },
    [WEIGHTS_LOGARITHMIC] = { "logarithmic", "LogarithmicRegressionTrainer", 3, logarithmic },
    [WEIGHTS_LOGISTIC] = { "logistic", "LogisticRegressionTrainer", 4, logistic },
};

const char *weights_kind_name(enum weights_kind kind)
{
    return kinds[kind].name;
}

double weights_watts(const struct weights *w, double cpu_ms)
{
    return kinds[w->kind].watts(w, cpu_ms / w->scale_ms);
}

/* -- one component -- */

/* A trainer's name, or a model's, which is that and "_" and a node type; -ENOENT: another's. */
static int kind_of_trainer(const char *trainer, enum weights_kind *ret)
{
    for (size_t i = 0; trainer && i < ARRAY_LEN(kinds); i++) {
        size_t n = strlen(kinds[i].trainer);
        if (strncmp(trainer, kinds[i].trainer, n) == 0 && (!trainer[n] || trainer[n] == '_')) {
            *ret = (enum weights_kind)i;
            return 0;
        }
    }
    return -ENOENT;
}

/* How much sense @w makes as @kind over the loads that it was made from: 0 none (not finite), 1
   finite, 2 power at rest that does not fall. */
static int sense_of(const struct weights *w, enum weights_kind kind)
{
    struct weights as = *w;
    as.kind = kind;
    as.scale_ms = 1;
    double before = weights_watts(&as, 0);
    int sense = before > 0 ? 2 : 1;
    for (int i = 0; i <= CHECK_STEPS; i++) {
        double watts = weights_watts(&as, (double)i / CHECK_STEPS);
        if (!isfinite(watts))
            return 0;
        if (watts < before - ROUNDING_WATTS)
            sense = 1;
        before = watts;
    }
    return sense;
}

/* Three weights are exponential only if that makes more sense than logarithmic: of two that make
   the same, the logarithmic one claims fewer watts. */
static enum weights_kind kind_of_curve(const struct weights *w, size_t n)
{
    if (n != 3)
        return n == 0 ? WEIGHTS_LINEAR : WEIGHTS_LOGISTIC;
    return sense_of(w, WEIGHTS_EXPONENTIAL) > sense_of(w, WEIGHTS_LOGARITHMIC)
               ? WEIGHTS_EXPONENTIAL
               : WEIGHTS_LOGARITHMIC;
}

static int parse_curve(const struct json *curve, struct weights *ret, size_t *ret_n,
                       struct err *err)
{
    size_t n = json_count(curve);
    if (curve && json_kind_of(curve) != JSON_ARRAY)
        return err_set(err, -EBADMSG, "CurveFit_Weights is no array");
    if (n > ARRAY_LEN(ret->curve) || (n > 0 && n < 3)) {
        return err_set(err, -EBADMSG, "CurveFit_Weights has %zu numbers; a curve has 3 or 4", n);
    }
    size_t i = 0;
    for (const struct json *e = json_at(curve, 0); e; e = json_next(e), i++) {
        ret->curve[i] = json_number_of(e, ABSENT);
        if (!isfinite(ret->curve[i]))
            return err_set(err, -EBADMSG, "CurveFit_Weights[%zu] is no number", i);
    }
    *ret_n = n;
    return 0;
}

/* The machine's CPU time is the only variable that is known here. */
static int parse_variables(const struct json *variables, enum weights_kind kind,
                           struct weights *ret, struct err *err)
{
    const struct json *cpu_time = json_get(variables, CPU_TIME);
    ret->scale_ms = json_number(cpu_time, "scale", ABSENT);
    ret->weight = json_number(cpu_time, "weight", kind == WEIGHTS_LINEAR ? ABSENT : 0);
    if (!cpu_time) {
        const char *other = json_key(json_at(variables, 0));
        return err_set(err, -EBADMSG, "it does not use " CPU_TIME " but %.60s",
                       other ? other : "no variable at all");
    }
    if (!isfinite(ret->scale_ms) || ret->scale_ms <= 0)
        return err_set(err, -EBADMSG, "the scale of " CPU_TIME " is not above 0");
    if (!isfinite(ret->weight))
        return err_set(err, -EBADMSG, CPU_TIME " has no weight, and there is no curve");
    for (const struct json *v = json_at(variables, 0); v; v = json_next(v)) {
        if (v != cpu_time && json_number(v, "weight", 0) != 0) {
            return err_set(err, -EBADMSG, "it needs %.60s (weight %g), which is not measured here",
                           json_key(v), json_number(v, "weight", 0));
        }
    }
    return 0;
}

static int decide_kind(const struct weights *w, size_t n, const char *trainer,
                       enum weights_kind *ret, struct err *err)
{
    if (kind_of_trainer(trainer, ret) < 0) {
        *ret = kind_of_curve(w, n);
        return 0;
    }
    if (kinds[*ret].weights != n) {
        return err_set(err, -EBADMSG, "%.40s has %zu curve weights, %zu are here", trainer,
                       kinds[*ret].weights, n);
    }
    return 0;
}

int weights_parse(const struct json *component, const char *trainer, struct weights *ret,
                  struct err *err)
{
    const struct json *all = json_get(component, "All_Weights");
    struct weights w = { .scale_ms = 1 };
    size_t n = 0;
    if (json_kind_of(all) != JSON_OBJECT)
        return err_set(err, -EBADMSG, "it has no All_Weights");
    if (json_count(json_get(all, "Categorical_Variables")) > 0) {
        return err_set(err, -EBADMSG, "it needs %.60s, which is not told here",
                       json_key(json_at(json_get(all, "Categorical_Variables"), 0)));
    }
    int code = parse_curve(json_get(all, "CurveFit_Weights"), &w, &n, err);
    if (code == 0)
        code = decide_kind(&w, n, trainer, &w.kind, err);
    if (code == 0)
        code = parse_variables(json_get(all, "Numerical_Variables"), w.kind, &w, err);
    if (code < 0)
        return code;
    w.bias = json_number(all, "Bias_Weight", w.kind == WEIGHTS_LINEAR ? ABSENT : 0);
    if (!isfinite(w.bias))
        return err_set(err, -EBADMSG, "it has neither Bias_Weight nor CurveFit_Weights");
    *ret = w;
    return 0;
}

/* -- whether it can be true -- */

static int check_size(const struct weights *w, double full_ms, struct err *err)
{
    double ratio = full_ms / w->scale_ms;
    if (ratio >= 1 / SCALE_RATIO_MAX && ratio <= SCALE_RATIO_MAX)
        return 0;
    return err_set(err, -ERANGE,
                   "it was made on a machine of about %.0f CPUs (its scale is %.0f ms/s), and this "
                   "one has %.0f",
                   w->scale_ms / MS_PER_SECOND, w->scale_ms, full_ms / MS_PER_SECOND);
}

static int check_watts(double load, double watts, double before, double ceiling_watts,
                       struct err *err)
{
    if (!isfinite(watts))
        return err_set(err, -ERANGE, "P(%.2f) is no number", load);
    if (load == 0 && watts <= 0)
        return err_set(err, -ERANGE, "P(0) = %.1f W, and nothing at rest draws that", watts);
    if (watts < before - ROUNDING_WATTS) {
        return err_set(err, -ERANGE, "it falls with the load: %.1f W, then %.1f W at %.0f %%",
                       before, watts, 100 * load);
    }
    if (watts > ceiling_watts) {
        return err_set(err, -ERANGE, "P(%.2f) = %.1f W is above the most that is possible, %.0f W",
                       load, watts, ceiling_watts);
    }
    return 0;
}

int weights_check(const struct weights *w, unsigned threads, double ceiling_watts, struct err *err)
{
    double full_ms = threads * MS_PER_SECOND;
    int code = check_size(w, full_ms, err);
    double before = -HUGE_VAL;
    for (int i = 0; code == 0 && i <= CHECK_STEPS; i++) {
        double load = (double)i / CHECK_STEPS;
        double watts = weights_watts(w, load * full_ms);
        code = check_watts(load, watts, before, ceiling_watts, err);
        before = watts;
    }
    return code;
}

/* 0 W at any load: the machine it was made on has no such meter. */
static bool is_nothing(const struct weights *w)
{
    return weights_watts(w, 0) == 0 && weights_watts(w, w->scale_ms) == 0;
}

/* -- a reply -- */

static const struct {
    const char *name;
    enum energy_zone zone;
} components[] = {
    /* that of most weight first: it tells the kind of all */
    { "package", ZONE_PACKAGE }, { "platform", ZONE_PSYS }, { "dram", ZONE_DRAM },
    { "core", ZONE_CORE },       { "uncore", ZONE_UNCORE },
};

/* One trainer made all components. Without its name the first that is not nothing tells whose they
   are: a small dram curve makes sense as either kind. */
static const char *trainer_of(const struct json *body, const char *asked)
{
    enum weights_kind kind;
    const char *named = json_text(body, "model_name", NULL);
    if (kind_of_trainer(named, &kind) == 0)
        return named;
    if (kind_of_trainer(asked, &kind) == 0)
        return asked;
    for (size_t i = 0; i < ARRAY_LEN(components); i++) {
        struct weights w = { 0 };
        const struct json *component = json_get(body, components[i].name);
        if (component && weights_parse(component, NULL, &w, NULL) == 0 && !is_nothing(&w))
            return kinds[w.kind].trainer;
    }
    return NULL;
}

static void reject(struct weights_reply *reply, const char *name, const char *why)
{
    size_t n = strlen(reply->rejected);
    (void)snprintf(reply->rejected + n, sizeof(reply->rejected) - n, "%s%s: %s", n > 0 ? "; " : "",
                   name, why);
}

/* What a component is good for: 1 a zone, 0 nothing to be said of it, -errno and why not. */
static int take_component(const struct json *component, const char *trainer,
                          const struct weights_machine *m, struct weights *ret, struct err *err)
{
    int code = weights_parse(component, trainer, ret, err);
    if (code < 0 || is_nothing(ret))
        return code;
    code = weights_check(ret, m->threads, m->ceiling_watts, err);
    return code < 0 ? code : 1;
}

static int conclude(const struct weights_reply *reply, size_t present, struct err *err)
{
    if (present == 0) {
        return err_set(err, -EBADMSG,
                       "no model: neither package, dram, core, uncore nor platform is in it");
    }
    for (size_t zone = 0; zone < ZONE_COUNT; zone++) {
        if (reply->has[zone])
            return 0;
    }
    return err_set(err, -ERANGE, "%s",
                   reply->rejected[0] ? reply->rejected : "each component is 0 W at any load");
}

int weights_reply_parse(const struct json *body, const char *trainer,
                        const struct weights_machine *m, struct weights_reply *ret, struct err *err)
{
    struct weights_reply reply = { 0 };
    size_t present = 0;
    const char *whose = trainer_of(body, trainer);
    for (size_t i = 0; i < ARRAY_LEN(components); i++) {
        struct err why = { 0 };
        enum energy_zone zone = components[i].zone;
        const struct json *component = json_get(body, components[i].name);
        if (json_kind_of(component) != JSON_OBJECT)
            continue;
        present++;
        int use = take_component(component, whose, m, &reply.zone[zone], &why);
        reply.has[zone] = use > 0;
        if (use < 0)
            reject(&reply, components[i].name, why.text);
    }
    int code = conclude(&reply, present, err);
    if (code < 0)
        return code;
    (void)snprintf(reply.model_name, sizeof(reply.model_name), "%s",
                   json_text(body, "model_name", ""));
    *ret = reply;
    return 0;
}
