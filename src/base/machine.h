/* What the machine has left. */
#ifndef NB_MACHINE_H
#define NB_MACHINE_H

#include <stddef.h>

/* Bytes that the kernel could still give, swap included, less a thirty-second of the memory that
 * it runs on: where those end it ends processes. `path` is /proc/meminfo; SIZE_MAX when it cannot
 * be read or does not say. */
size_t nb_machine_left(const char *path);

#endif
