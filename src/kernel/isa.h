/* What isa.c gives for each instruction set that it is compiled for: one table. */
#ifndef NB_ISA_H
#define NB_ISA_H

#include "kernel/kernel.h"

/* 1, of which no compiler knows: it would make a plain sum of what is multiplied by it. */
extern const double nb_one;

extern const nb_kernels nb_kernels_x86_64;
extern const nb_kernels nb_kernels_x86_64_v3;
extern const nb_kernels nb_kernels_x86_64_v4;
extern const nb_kernels nb_kernels_generic;

#endif
