/* What Linux control groups say of the memory that this process may use. */
#ifndef NB_CGROUP_H
#define NB_CGROUP_H

#include <stddef.h>

/* The smallest memory limit in bytes of the process's group and of the groups above it, SIZE_MAX
 * when there is none or nothing can be read. `groups` is the list of the process's groups
 * (/proc/self/cgroup), `mount` the folder of the hierarchies (/sys/fs/cgroup), version 1 or 2. */
size_t nb_cgroup_limit(const char *groups, const char *mount);

#endif
