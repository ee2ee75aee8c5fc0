/* What the tests of runs under glass share: kinds of runs, on a small set whose last batch is
 * short. */
#ifndef GLASSES_H
#define GLASSES_H

#include "../nets.h"

#include "nn/train/glass/glass.h"

enum { EXAMPLES = 23, BATCH = 4, EPOCHS = 4 };

/* What a run learns with. */
typedef struct kind {
    const char *net, *optimizer;
    double lr, momentum;
    int accumulate, patience;
    nb_dtype dtype;
    bool plateau;
} kind;

extern const kind kinds[];
extern const int kinds_count;

typedef struct lab {
    nb_ctx *ctx;
    nb_net *net;
    nb_set *set;
    nb_optimizer optimizer;
    nb_glass_options options;
    nb_glass *glass;
} lab;

/* All but the glass; filled where it stays, for the trainer borrows the optimizer. */
void prepare(lab *l, nb_ctx *ctx, const kind *k);
/* With it: frames at every step, whatever that takes. */
void begin(lab *l, nb_ctx *ctx, const kind *k);
void end(lab *l);
/* Else the test fails, with the message. */
void ok(lab *l, nb_status status);
/* NB_EARG, with these words in its message. */
void fails(lab *l, nb_status status, const char *says);
/* Every bit that is not a time. */
void assert_same(const lab *a, const lab *b);
void assert_same_history(const nb_history *p, const nb_history *q);

/* Changes that a hand can make, on a network that begins as DENSE. */
enum { CHANGES = 8 };
void change(nb_ctx *ctx, nb_net *net, nb_optimizer *optimizer, int which);
/* Steps, with the next change behind every so many. */
void go_with_changes(lab *l, int64_t every, int64_t steps);

#endif
