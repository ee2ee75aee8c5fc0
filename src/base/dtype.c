/* Names and sizes of the dtypes. */
#include "base/dtype.h"

#include <stdint.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [NB_F32] = {"f32", sizeof(float)},
    [NB_F64] = {"f64", sizeof(double)},
    [NB_U8] = {"u8", sizeof(uint8_t)},
    [NB_I32] = {"i32", sizeof(int32_t)},
};
_Static_assert(sizeof dtypes / sizeof dtypes[0] == NB_DTYPES, "a row for every dtype");

size_t nb_dtype_size(nb_dtype dtype)
{
    return dtypes[dtype].size;
}

const char *nb_dtype_name(nb_dtype dtype)
{
    return dtypes[dtype].name;
}

bool nb_dtype_from_name(const char *name, nb_dtype *dtype)
{
    for (int i = 0; i < NB_DTYPES; i++) {
        if (strcmp(name, dtypes[i].name) != 0) continue;
        *dtype = (nb_dtype)i;
        return true;
    }
    return false;
}
