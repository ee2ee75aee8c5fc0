/* Which instruction set's table is used: the best that the processor has, or the one that NABLA_ISA
 * names. Compiled once, for the plain processor; the loops are in isa.c. */
#include "kernel/kernel.h"
#include "kernel/isa.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

const nb_needs nb_unary_needs[NB_UNARIES] = {
#define X(name, needs) [NB_U_##name] = needs,
#include "kernel/unary.def"
#undef X
};

const nb_fold_rule nb_fold_rules[NB_FOLDS] = {
#define X(name, join, start, uses, lane, apart) [NB_FOLD_##name] = {NB_FOLD_##join, start},
#include "kernel/fold.def"
#undef X
};

const char *const nb_unary_names[NB_UNARIES] = {
#define X(name, needs) [NB_U_##name] = #name,
#include "kernel/unary.def"
#undef X
};

const int nb_rule_states[NB_RULES] = {
#define X(name, states, numbers) [NB_RULE_##name] = states,
#include "kernel/rules.def"
#undef X
};

const double nb_one = 1;

bool nb_asks_ahead = true;

#if defined(__x86_64__)

enum { MOST_TABLES = 4 };

/* Three features of x86-64-v3 have no name that every compiler's __builtin_cpu_supports knows. */
static bool has_nameless_v3(void)
{
    const unsigned movbe = 1u << 22, f16c = 1u << 29, lzcnt = 1u << 5;
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & movbe) || !(c & f16c)) return false;
    return __get_cpuid(0x80000001u, &a, &b, &c, &d) && (c & lzcnt);
}

static bool has_v3(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt") && has_nameless_v3();
}

static bool has_v4(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

/* Family 25 with the instructions of v4. Zen 4 converts numbers to 512 bits of doubles at half the
 * rate of twice 256 bits, writes 512 bits in two halves, and reads ahead better by itself than
 * where it is asked to. */
static bool is_zen4(void)
{
    return __builtin_cpu_is("amdfam19h") && has_v4();
}

/* The table of v4, but v3's loops for sums that convert to double, and for arithmetic of two inputs:
 * of those the bits are the same. */
static nb_kernels narrow;

/* What runs along a row in doubles. */
static const bool widens[NB_FOLDS] = {
#define IS_WIDE                                 true
#define IS_LOOSE                                false
#define IS_NARROW                               false
#define X(name, join, start, uses, lane, apart) [NB_FOLD_##name] = IS_##lane,
#include "kernel/fold.def"
#undef X
};

static void fill_narrow(void)
{
    static nb_fold_kernels folds[NB_DTYPES];
    static nb_real_kernels real[NB_F64 + 1];
    const nb_kernels *wide = &nb_kernels_x86_64_v4, *half = &nb_kernels_x86_64_v3;
    narrow = *wide;
    for (nb_dtype dtype = 0; dtype < NB_DTYPES; dtype++) {
        if (dtype == NB_F64) continue;
        folds[dtype] = *wide->folds[dtype];
        for (nb_fold fold = 0; fold < NB_FOLDS; fold++) {
            if (!widens[fold]) continue;
            folds[dtype].row[fold] = half->folds[dtype]->row[fold];
            folds[dtype].columns[fold] = half->folds[dtype]->columns[fold];
        }
        narrow.folds[dtype] = &folds[dtype];
    }
    for (nb_dtype dtype = NB_F32; dtype <= NB_F64; dtype++) {
        real[dtype] = *wide->real[dtype];
        for (int b = 0; b < NB_BINARIES; b++)
            if (b != NB_B_pow) real[dtype].binary[b] = half->real[dtype]->binary[b];
        narrow.real[dtype] = &real[dtype];
    }
    real[NB_F32].sum = half->real[NB_F32]->sum;
    real[NB_F32].sum_squares = half->real[NB_F32]->sum_squares;
    real[NB_F32].dot = half->real[NB_F32]->dot;
    real[NB_F32].squared_distance = half->real[NB_F32]->squared_distance;
}

/* Every table of this build, this processor's best last; how many of them it runs. */
static const nb_kernels *tables[MOST_TABLES] = {&nb_kernels_x86_64, &nb_kernels_x86_64_v3, &narrow,
                                                &nb_kernels_x86_64_v4};

static size_t find_runnable(void)
{
    __builtin_cpu_init();
    fill_narrow();
    if (is_zen4()) {
        tables[2] = &nb_kernels_x86_64_v4;
        tables[3] = &narrow;
        nb_asks_ahead = false;
    }
    if (!has_v3()) return 1;
    return has_v4() ? 4 : 2;
}

#else

enum { MOST_TABLES = 1 };

static const nb_kernels *tables[MOST_TABLES] = {&nb_kernels_generic};

static size_t find_runnable(void)
{
    return 1;
}

#endif

static struct {
    pthread_once_t once;
    size_t runnable;
    const nb_kernels *kernels;
    char complaint[256];
} chosen = {.once = PTHREAD_ONCE_INIT};

/* What is wrong with the name that the user gave. */
static void complain(const char *name)
{
    const char *best = chosen.kernels->isa;
    for (size_t i = chosen.runnable; i < MOST_TABLES; i++) {
        if (strcmp(name, tables[i]->isa) != 0) continue;
        snprintf(chosen.complaint, sizeof chosen.complaint,
                 "NABLA_ISA=%s asks for instructions that this processor lacks; %s is used", name,
                 best);
        return;
    }
    char names[64] = "";
    for (size_t i = 0; i < MOST_TABLES; i++) {
        size_t used = strlen(names);
        if (i > 0 && strcmp(tables[i]->isa, tables[i - 1]->isa) == 0) continue;
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", tables[i]->isa);
    }
    snprintf(chosen.complaint, sizeof chosen.complaint, "NABLA_ISA=%.64s is none of %s; %s is used",
             name, names, best);
}

static void choose(void)
{
    chosen.runnable = find_runnable();
    chosen.kernels = tables[chosen.runnable - 1];
    const char *name = getenv("NABLA_ISA");
    if (!name || !*name) return;
    for (size_t i = chosen.runnable; i > 0; i--) {
        if (strcmp(name, tables[i - 1]->isa) != 0) continue;
        chosen.kernels = tables[i - 1];
        return;
    }
    complain(name);
}

_Atomic(const nb_kernels *) nb_kernels_ready;

const nb_kernels *nb_kernels_choose(void)
{
    pthread_once(&chosen.once, choose);
    atomic_store_explicit(&nb_kernels_ready, chosen.kernels, memory_order_release);
    return chosen.kernels;
}

const nb_kernels *const *nb_kernels_all(size_t *count)
{
    pthread_once(&chosen.once, choose);
    *count = chosen.runnable;
    return tables;
}

const char *nb_kernels_complaint(void)
{
    pthread_once(&chosen.once, choose);
    return chosen.complaint[0] ? chosen.complaint : NULL;
}
