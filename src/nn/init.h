/* Initialisers: how weights begin. */
#ifndef NB_INIT_H
#define NB_INIT_H

#include "base/random.h"
#include "tensor/tensor.h"

typedef struct nb_init {
    const char *name;
    const char *help; /* one line, with the formula and its source */
    const char *example;
    /* Fills a contiguous tensor. fan_in and fan_out: connections into and out of a neuron. */
    nb_status (*fill)(nb_ctx *ctx, nb_tensor *w, int64_t fan_in, int64_t fan_out,
                      nb_stream *stream);
} nb_init;

typedef enum nb_init_id {
#define X(name) NB_INIT_##name,
#include "nn/inits.def"
#undef X
    NB_INITS
} nb_init_id;

extern const nb_init *const nb_inits[NB_INITS];
const nb_init *nb_init_find(const char *name);
const char *nb_init_name_at(const void *list, size_t i);

#endif
