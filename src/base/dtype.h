/* The four kinds of numbers. NB_F32 and NB_F64 compute; NB_U8 and NB_I32 store. */
#ifndef NB_DTYPE_H
#define NB_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum nb_dtype { NB_F32, NB_F64, NB_U8, NB_I32, NB_DTYPES } nb_dtype;

/* "f32", "f64", "u8", "i32". */
const char *nb_dtype_name(nb_dtype dtype);
/* False when `name` is none of the four. */
bool nb_dtype_from_name(const char *name, nb_dtype *dtype);
/* The least and the largest number of a dtype that only stores. */
void nb_dtype_range(nb_dtype dtype, double *low, double *high);
/* Finite numbers below round to finite ones of f32. */
#define NB_F32_END 0x1.ffffffp127
/* True when a dtype holds the value without loss worth an error: whole and in range for those that
 * only store, no finite number that becomes infinite in f32. */
bool nb_dtype_holds(nb_dtype dtype, double value);

/* Bytes of one element. In every inner call, so it must cost nothing. */
static inline size_t nb_dtype_size(nb_dtype dtype)
{
    static const unsigned char size[NB_DTYPES] = {
        [NB_F32] = 4, [NB_F64] = 8, [NB_U8] = 1, [NB_I32] = 4};
    return size[dtype];
}

static inline bool nb_dtype_computes(nb_dtype dtype)
{
    return dtype == NB_F32 || dtype == NB_F64;
}

#endif
