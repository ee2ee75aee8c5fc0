/* The four kinds of numbers. NB_F32 and NB_F64 compute; NB_U8 and NB_I32 store. */
#ifndef NB_DTYPE_H
#define NB_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum nb_dtype { NB_F32, NB_F64, NB_U8, NB_I32, NB_DTYPES } nb_dtype;

/* Bytes of one element: 4, 8, 1, 4. */
size_t nb_dtype_size(nb_dtype dtype);
/* "f32", "f64", "u8", "i32". */
const char *nb_dtype_name(nb_dtype dtype);
/* False when `name` is none of the four. */
bool nb_dtype_from_name(const char *name, nb_dtype *dtype);

static inline bool nb_dtype_computes(nb_dtype dtype)
{
    return dtype == NB_F32 || dtype == NB_F64;
}

#endif
