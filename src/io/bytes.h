/* The order of bytes in files against the machine's. */
#ifndef NB_BYTES_H
#define NB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline bool nb_host_is_little(void)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* Reverses the bytes of each of `count` elements of 1, 4 or 8 bytes. */
static inline void nb_swap_bytes(void *data, size_t width, size_t count)
{
    char *at = data;
    for (size_t i = 0; width == 4 && i < count; i++, at += 4) {
        uint32_t value;
        memcpy(&value, at, 4);
        value = __builtin_bswap32(value);
        memcpy(at, &value, 4);
    }
    for (size_t i = 0; width == 8 && i < count; i++, at += 8) {
        uint64_t value;
        memcpy(&value, at, 8);
        value = __builtin_bswap64(value);
        memcpy(at, &value, 8);
    }
}

#endif
