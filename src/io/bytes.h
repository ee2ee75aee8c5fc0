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

/* A little-endian number of `width` bytes, 8 at most. */
static inline uint64_t nb_read_little(const uint8_t *at, int width)
{
    uint64_t value = 0;
    for (int i = width - 1; i >= 0; i--) value = value << 8 | at[i];
    return value;
}

static inline void nb_write_little(uint8_t *at, int width, uint64_t value)
{
    for (int i = 0; i < width; i++) at[i] = (uint8_t)(value >> 8 * i);
}

/* Reverses the bytes of each of `count` elements of 1, 2, 4 or 8 bytes. */
static inline void nb_swap_bytes(void *data, size_t width, size_t count)
{
    char *at = data;
    for (size_t i = 0; width == 2 && i < count; i++, at += 2) {
        uint16_t value;
        memcpy(&value, at, 2);
        value = __builtin_bswap16(value);
        memcpy(at, &value, 2);
    }
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
