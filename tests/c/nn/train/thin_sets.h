/* Sets of which most numbers are 0, kept as their non-zeros or with their zeros. After nets.h and
 * support.h. */
#ifndef NB_TEST_THIN_SETS_H
#define NB_TEST_THIN_SETS_H

#include "nn/data/rows/nonzeros.h"
#include "nn/data/set.h"
#include "nn/train/turned.h"

/* 0 at all but one in `every`, row 1 all zeros: the same numbers for the same place. */
static inline double number_at(int64_t i, int64_t j, int every)
{
    uint64_t mixed = (uint64_t)(i * 977 + j + 1) * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 29;
    if (i == 1 || (mixed >> 8) % (unsigned)every) return 0;
    return (double)(int64_t)(mixed >> 40) / (1 << 23) - 0.5;
}

static inline nb_feed *rows_of(int64_t n, int64_t inputs, int every)
{
    nb_nonzeros list;
    assert_int_equal(nb_nonzeros_begin(ctx, n, inputs, NB_F64, &list), NB_OK);
    int64_t count = 0;
    for (int64_t i = 0; i < n * inputs; i++) count += number_at(i / inputs, i % inputs, every) != 0;
    assert_int_equal(nb_nonzeros_reserve(ctx, &list, count), NB_OK);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < inputs; j++)
            if (number_at(i, j, every) != 0) nb_nonzeros_put(&list, j, number_at(i, j, every));
        nb_nonzeros_end_row(&list);
    }
    nb_feed *feed = nb_feed_of_nonzeros(ctx, &list);
    assert_non_null(feed);
    return feed;
}

/* Those rows, thin or with their zeros, with targets of `outputs` numbers. */
static inline nb_set *set_of(int64_t n, int64_t inputs, int64_t outputs, int every, bool thin)
{
    nb_tensor *y = uniform(ctx, NB_F64, n, outputs, 0, 1, 3);
    nb_feed *feed = NULL;
    if (thin) {
        feed = rows_of(n, inputs, every);
    } else {
        nb_tensor *x = nb_tensor_zeros(ctx, NB_F64, SHAPE(n, inputs));
        for (int64_t i = 0; i < n * inputs; i++)
            ((double *)nb_tensor_data(x))[i] = number_at(i / inputs, i % inputs, every);
        feed = nb_feed_of_tensor(ctx, x, "x");
        nb_tensor_release(ctx, x);
    }
    nb_set *set = nb_set_of_rows(ctx, feed, 1, y, NULL, 0, NULL);
    if (!set) fail_msg("%s", ctx->message);
    nb_feed_release(ctx, feed);
    nb_tensor_release(ctx, y);
    return set;
}

/* Whether steps on such batches go by the non-zeros alone; releases both. */
static inline bool steps_take(nb_net *net, nb_set *set, int64_t batch)
{
    nb_optimizer optimizer;
    nb_turned turned;
    nb_optimizer_init(&optimizer, nb_optimizer_find("sgd"));
    assert_int_equal(nb_turned_begin(ctx, &turned, net, set, &optimizer), NB_OK);
    bool take = nb_turned_suits(&turned, batch);
    nb_turned_end(ctx, &turned);
    nb_optimizer_free(ctx, &optimizer);
    nb_net_release(ctx, net);
    nb_set_release(ctx, set);
    return take;
}

#endif
