/* Rows of numbers that grow in memory, in the narrowest dtype that holds all of them: bytes, then
 * 32-bit integers, then the one that was asked for. */
#ifndef NB_CSV_BLOCK_H
#define NB_CSV_BLOCK_H

#include "tensor/tensor.h"

typedef struct nb_csv_block {
    nb_ctx *ctx;
    nb_dtype real;  /* NB_F32 or NB_F64: the widest */
    size_t width;   /* numbers of a row */
    nb_tensor *all; /* (room, width) */
    int64_t rows;   /* that are there */
} nb_csv_block;

/* The narrowest dtype from `dtype` on that holds all n numbers. NaN needs `real`. */
nb_dtype nb_csv_narrowest(const double *value, size_t n, nb_dtype dtype, nb_dtype real);
/* n numbers in a dtype that holds them. */
void nb_csv_store(const double *value, size_t n, nb_dtype dtype, void *to);

/* An empty block with room for about `room` rows, which begins as `dtype`. */
nb_status nb_csv_block_init(nb_ctx *ctx, nb_csv_block *block, size_t width, nb_dtype dtype,
                            nb_dtype real, int64_t room);
nb_status nb_csv_block_add(nb_csv_block *block, const double *value);
/* The rows as a tensor (rows, width), a new reference. */
nb_tensor *nb_csv_block_take(const nb_csv_block *block);
void nb_csv_block_free(nb_csv_block *block);

#endif
