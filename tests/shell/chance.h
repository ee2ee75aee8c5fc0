/* Chance that a seed repeats. */
#ifndef TESTS_SHELL_CHANCE_H
#define TESTS_SHELL_CHANCE_H

#include <stdint.h>
#include <stdlib.h>

static uint64_t chance_state;

static inline void chance_begin(uint64_t seed)
{
    chance_state = seed * 0x9E3779B97F4A7C15u + 1;
}

static inline int chance(int count)
{
    /* Marsaglia's xorshift. */
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (int)((uint32_t)(chance_state >> 32) % (uint32_t)count);
}

#define ANY_OF(list) list[chance((int)(sizeof list / sizeof *list))]

/* A number of the environment. */
static inline long setting(const char *name, long usual)
{
    const char *value = getenv(name);
    return value && *value ? atol(value) : usual;
}

#endif
