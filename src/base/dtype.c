/* Names and ranges of the dtypes. */
#include "base/dtype.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const char *const names[] = {
    [NB_F32] = "f32", [NB_F64] = "f64", [NB_U8] = "u8", [NB_I32] = "i32"};
_Static_assert(sizeof names / sizeof *names == NB_DTYPES, "a name for every dtype");

const char *nb_dtype_name(nb_dtype dtype)
{
    return names[dtype];
}

bool nb_dtype_from_name(const char *name, nb_dtype *dtype)
{
    for (int i = 0; i < NB_DTYPES; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *dtype = (nb_dtype)i;
        return true;
    }
    return false;
}

void nb_dtype_range(nb_dtype dtype, double *low, double *high)
{
    *low = dtype == NB_U8 ? 0 : INT32_MIN;
    *high = dtype == NB_U8 ? UINT8_MAX : INT32_MAX;
}

bool nb_dtype_holds(nb_dtype dtype, double value)
{
    double low, high;
    if (dtype == NB_F64) return true;
    if (dtype == NB_F32) return !isfinite(value) || fabs(value) < NB_F32_END;
    nb_dtype_range(dtype, &low, &high);
    return value >= low && value <= high && value == trunc(value);
}
