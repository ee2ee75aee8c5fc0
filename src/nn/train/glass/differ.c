/* Options held against each other: as they count, whether or not the user gave them. */
#include "nn/train/glass/differ.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_words(nb_text *text, const char *name, const char *one, const char *other)
{
    if (strcmp(one, other)) nb_text_add(text, "%s\t%s\t%s\n", name, one, other);
}

/* In few digits where those tell them apart. */
static void add_number(nb_text *text, const char *name, double one, double other)
{
    char a[NB_NUMBER_MAX], b[NB_NUMBER_MAX];
    if (one == other || (isnan(one) && isnan(other))) return;
    snprintf(a, sizeof a, "%.6g", one);
    snprintf(b, sizeof b, "%.6g", other);
    if (strcmp(a, b))
        nb_text_add(text, "%s\t%s\t%s\n", name, a, b);
    else
        nb_text_add(text, "%s\t%s\t%s\n", name, nb_number_text(one, a), nb_number_text(other, b));
}

/* Any of 64 bits. */
static void add_seed(nb_text *text, uint64_t one, uint64_t other)
{
    if (one != other) nb_text_add(text, "seed\t%" PRIu64 "\t%" PRIu64 "\n", one, other);
}

static void add_flag(nb_text *text, const char *name, bool one, bool other)
{
    add_words(text, name, one ? "true" : "false", other ? "true" : "false");
}

/* Where something is there in one and not in the other. */
static void add_presence(nb_text *text, const char *name, bool one, bool other)
{
    add_words(text, name, one ? "given" : "none", other ? "given" : "none");
}

static void add_optimizer(nb_text *text, const nb_trainer *a, const nb_trainer *b)
{
    const nb_optimizer_type *type = a->optimizer->type;
    add_words(text, "optimizer", type->name, b->optimizer->type->name);
    if (type != b->optimizer->type) {
        add_number(text, "lr", a->optimizer->options.lr, b->optimizer->options.lr);
        return;
    }
    for (const nb_option *option = type->options; option->name; option++)
        add_number(text, option->name, nb_option_number(option, &a->optimizer->options),
                   nb_option_number(option, &b->optimizer->options));
}

static const char *schedule_name(const nb_pace *pace)
{
    if (pace->hook) return "a function";
    return pace->schedule.type ? pace->schedule.type->name : "constant";
}

static void add_schedule(nb_text *text, const nb_pace *a, const nb_pace *b)
{
    const nb_schedule_type *type = a->schedule.type;
    add_words(text, "schedule", schedule_name(a), schedule_name(b));
    if (!type || type != b->schedule.type || !type->options) return;
    for (const nb_option *option = type->options; option->name; option++)
        if (option->kind == NB_NUMBER || option->kind == NB_INTEGER)
            add_number(text, option->name, nb_option_number(option, &a->schedule),
                       nb_option_number(option, &b->schedule));
}

/* l1 and l2 as the user gave them: the set's examples divide them. */
static void add_penalty(nb_text *text, const nb_trainer *a, const nb_trainer *b)
{
    const nb_penalty *p = &a->penalty, *q = &b->penalty;
    double m = (double)a->course.count, n = (double)b->course.count;
    add_number(text, "l1", p->l1 * m, q->l1 * n);
    add_number(text, "l2", p->l2 * m, q->l2 * n);
    add_number(text, "decay", p->decay, q->decay);
    add_number(text, "clip by norm", p->clip_norm, q->clip_norm);
    add_number(text, "clip by value", p->clip_value, q->clip_value);
}

void nb_options_differ(nb_text *text, const nb_glass *one, const nb_glass *other)
{
    const nb_trainer *a = one->trainer, *b = other->trainer;
    add_number(text, "epochs", (double)one->user.epochs, (double)other->user.epochs);
    add_number(text, "examples in the set", (double)a->course.count, (double)b->course.count);
    add_number(text, "batch", (double)a->course.size, (double)b->course.size);
    add_number(text, "accumulate", (double)a->course.group, (double)b->course.group);
    add_number(text, "pieces", (double)a->course.pieces, (double)b->course.pieces);
    add_optimizer(text, a, b);
    add_schedule(text, &a->pace, &b->pace);
    add_penalty(text, a, b);
    add_flag(text, "shuffle", a->course.shuffle, b->course.shuffle);
    add_seed(text, a->course.seed, b->course.seed);
    add_number(text, "patience", (double)a->patience, (double)b->patience);
    add_presence(text, "weights", a->weights.of != NULL, b->weights.of != NULL);
    add_presence(text, "valid", a->valid != NULL, b->valid != NULL);
    add_presence(text, "test", a->test != NULL, b->test != NULL);
    add_presence(text, "augment", a->augment != NULL, b->augment != NULL);
    add_presence(text, "on_batch", one->user.on_batch != NULL, other->user.on_batch != NULL);
    add_presence(text, "on_epoch", one->user.on_epoch != NULL, other->user.on_epoch != NULL);
}
