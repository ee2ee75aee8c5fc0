/* All loops of one instruction set, named by NB_ISA: x86_64, x86_64_v3, x86_64_v4 or generic. This
 * file is compiled once for each, with the -march that goes with it, and gives one table.
 * Everything else in it is static: a function that the linker could share between the objects might
 * be the one with instructions that the processor lacks. The bodies stand in .inc files, one per
 * dtype that computes. */
#ifdef __clang__
/* A loop that stays as it is, in a build without optimisation, is no fault. */
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

#include "kernel/isa.h"
#include "base/arith.h"
#include "kernel/product.h"
#include "kernel/thin.h"
#include "kernel/window.h"

#include <math.h>
#include <string.h>

#ifndef NB_ISA
#error "NB_ISA must name the instruction set"
#endif
#ifdef __FAST_MATH__
#error "the loops count on IEEE arithmetic: compile without -ffast-math"
#endif

#define PASTE(a, b)       a##b
#define PASTE_NAMES(a, b) PASTE(a, b)

#include "kernel/loops/walk.inc"
#include "kernel/loops/tile.inc"
#include "kernel/loops/group.inc"
#include "kernel/loops/philox.inc"
#include "kernel/loops/places.inc"

#include "kernel/loops/matrix.inc"
#include "kernel/loops/marks.inc"
#include "kernel/loops/stream.inc"

#include "kernel/loops/f32.inc"
#include "kernel/loops/real.inc"

#include "kernel/loops/f64.inc"
#include "kernel/loops/real.inc"

#include "kernel/loops/convert.inc"
#include "kernel/loops/store.inc"

/* "x86-64-v3" of x86_64_v3: names that users meet are the compiler's. */
#define ISA_NAME_x86_64    "x86-64"
#define ISA_NAME_x86_64_v3 "x86-64-v3"
#define ISA_NAME_x86_64_v4 "x86-64-v4"
#define ISA_NAME_generic   "generic"

const nb_kernels PASTE_NAMES(nb_kernels_, NB_ISA) = {
    .isa = PASTE_NAMES(ISA_NAME_, NB_ISA),
    .real = {[NB_F32] = &table_f32, [NB_F64] = &table_f64},
    .convert = {[NB_F32] = CONVERT_ROW(f32),
                [NB_F64] = CONVERT_ROW(f64),
                [NB_U8] = CONVERT_ROW(u8),
                [NB_I32] = CONVERT_ROW(i32)},
    .rescale = {[NB_F32] = RESCALE_ROW(f32),
                [NB_F64] = RESCALE_ROW(f64),
                [NB_U8] = RESCALE_ROW(u8),
                [NB_I32] = RESCALE_ROW(i32)},
    .select =
        {[NB_F32] = select_f32, [NB_F64] = select_f64, [NB_U8] = select_u8, [NB_I32] = select_i32},
    .copy_matrix = copy_matrix,
    .stream = stream,
    .streamed_all = streamed_all,
#define X(name, operator) [NB_C_##name] = compare_##name##_u8,
    .compare_u8 =
        {
#include "kernel/compare.def"
        },
#undef X
#define X(name, operator) [NB_C_##name] = compare_##name##_i32,
    .compare_i32 =
        {
#include "kernel/compare.def"
        },
#undef X
    .take_bytes = take_bytes,
    .philox = philox,
    .counts = counts,
    .places = places,
    .folds =
        {[NB_F32] = &folds_f32, [NB_F64] = &folds_f64, [NB_U8] = &folds_u8, [NB_I32] = &folds_i32},
    .products = {[NB_F32] = &products_f32, [NB_F64] = &products_f64},
    .thin = {[NB_F32] = &thin_f32, [NB_F64] = &thin_f64},
    .windows = {[NB_F32] = &windows_f32, [NB_F64] = &windows_f64},
};
