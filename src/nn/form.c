/* Forms: sizes of an example, fixed or free. */
#include "nn/form.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

nb_form nb_form_input(int dims, const int64_t *size)
{
    nb_form form = {.reading = dims == 1 ? NB_VECTOR : NB_OPEN, .dims = dims};
    int frees = 0;
    for (int i = 0; i < dims; i++) form.size[i] = size[i] < 0 ? -++frees : size[i];
    if (dims <= 2 && size[0] < 0) form.reading = NB_STEPS;
    return form;
}

nb_form nb_form_vector(int64_t units)
{
    return (nb_form){.reading = NB_VECTOR, .dims = 1, .size = {units}};
}

const char *nb_form_word(const nb_form *form)
{
    bool plain = form->reading == nb_form_input(form->dims, form->size).reading;
    if (plain || form->reading == NB_VECTOR || form->reading == NB_OPEN) return NULL;
    return form->reading == NB_STEPS ? "steps" : "space";
}

nb_reading nb_reading_find(const char *word)
{
    if (strcmp(word, "steps") == 0) return NB_STEPS;
    return strcmp(word, "space") == 0 ? NB_SPACE : NB_OPEN;
}

bool nb_reading_fits(nb_reading reading, int dims)
{
    if (reading == NB_STEPS) return dims <= 2;
    return reading != NB_SPACE || (dims >= 2 && dims <= 3);
}

bool nb_form_same(const nb_form *a, const nb_form *b)
{
    return a->reading == b->reading && a->dims == b->dims &&
           memcmp(a->size, b->size, (size_t)a->dims * sizeof *a->size) == 0;
}

bool nb_form_is_free(const nb_form *form)
{
    for (int i = 0; i < form->dims; i++)
        if (form->size[i] < 0) return true;
    return false;
}

int nb_form_frees(const nb_form *form)
{
    int64_t least = 0;
    for (int i = 0; i < form->dims; i++)
        if (form->size[i] < least) least = form->size[i];
    return (int)-least;
}

const char *nb_form_text(const nb_form *form, char *text)
{
    size_t used = 0;
    for (int i = 0; i < form->dims; i++) {
        const char *between = i ? "x" : "";
        int n = form->size[i] < 0 ? snprintf(text + used, NB_SHAPE_TEXT - used, "%s*", between)
                                  : snprintf(text + used, NB_SHAPE_TEXT - used, "%s%lld", between,
                                             (long long)form->size[i]);
        used += (size_t)n;
    }
    return text;
}

/* How a form is read, as words behind its sizes. */
static const char *reading_text(const nb_form *form)
{
    bool line = form->dims == 2;
    if (form->reading == NB_OPEN) return "read in no way yet";
    if (form->reading == NB_VECTOR) return "one vector";
    if (form->reading == NB_STEPS) return line ? "steps x features" : "steps";
    return line ? "channels x places" : "channels x rows x columns";
}

static void add_words(char *text, const char *words)
{
    size_t used = strlen(text);
    snprintf(text + used, NB_SHAPE_TEXT - used, " (%s)", words);
}

void nb_form_texts(const nb_form *a, const nb_form *b, char *a_text, char *b_text)
{
    nb_form_text(a, a_text);
    nb_form_text(b, b_text);
    if (strcmp(a_text, b_text) != 0) return;
    if (a->reading == b->reading) {
        add_words(b_text, "another *");
        return;
    }
    add_words(a_text, reading_text(a));
    add_words(b_text, reading_text(b));
}

bool nb_form_takes(const nb_form *form, const int64_t *sizes)
{
    for (int i = 0; i < form->dims; i++) {
        if (form->size[i] >= 0 ? sizes[i] != form->size[i] : sizes[i] < 1) return false;
        for (int k = 0; k < i && form->size[i] < 0; k++)
            if (form->size[k] == form->size[i] && sizes[k] != sizes[i]) return false;
    }
    return true;
}

int64_t nb_form_count(const nb_form *form)
{
    int64_t fixed[NB_MAX_DIMS];
    for (int i = 0; i < form->dims; i++) fixed[i] = form->size[i] < 0 ? 1 : form->size[i];
    return nb_shape_count(form->dims, fixed);
}

int nb_form_neuron_dim(const nb_form *form)
{
    return form->reading == NB_SPACE ? 0 : form->dims - 1;
}

bool nb_form_takes_rows(const nb_form *form, int64_t numbers)
{
    return form->dims > 1 && !nb_form_is_free(form) && nb_form_count(form) == numbers;
}

/* What to write, without what no layer before it could make of the sizes. */
static int advise(const nb_form *form, int as, char advice[3][NB_SHAPE_TEXT])
{
    int64_t last = form->size[form->dims - 1];
    int n = 0;
    if (as & NB_AS_VECTOR && !nb_form_is_free(form))
        snprintf(advice[n++], NB_SHAPE_TEXT, "put flatten before it for one vector");
    if (as & NB_AS_STEPS && form->dims == 2 && last < 0)
        snprintf(advice[n++], NB_SHAPE_TEXT, "write *x4 for steps of 4 features");
    else if (as & NB_AS_STEPS && form->dims == 2)
        snprintf(advice[n++], NB_SHAPE_TEXT, "write *x%lld for steps", (long long)last);
    if (as & NB_AS_SPACE && form->dims <= 3)
        snprintf(advice[n++], NB_SHAPE_TEXT, "put conv before it for space");
    if (n == 0)
        snprintf(advice[n++], NB_SHAPE_TEXT, "conv and global_avg_pool make a vector of it");
    return n;
}

const char *nb_form_readings(const nb_form *form, int as, char *text)
{
    char advice[3][NB_SHAPE_TEXT];
    int n = advise(form, as, advice);
    nb_form_text(form, text);
    for (int i = 0; i < n; i++) {
        size_t used = strlen(text);
        const char *before = i ? ", or " : n > 1 ? " could be read either way: " : " is neither: ";
        snprintf(text + used, NB_READINGS_TEXT - used, "%s%s", before, advice[i]);
    }
    return text;
}
