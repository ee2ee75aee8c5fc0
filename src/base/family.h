/* A family: a constant table of pointers to descriptors that have a `name`. How every family is
 * looked up stands here once; each source file that holds a family's table defines the two
 * functions that its header declares. */
#ifndef NB_FAMILY_H
#define NB_FAMILY_H

#include <stddef.h>
#include <string.h>

/* const type *stem_find(name): the descriptor of that name, or NULL.
 * const char *stem_name_at(list, i): the i-th name, NULL after the last; for nb_nearest. */
#define NB_DEFINE_FAMILY(type, stem, table, count)                                                 \
    const type *stem##_find(const char *name)                                                      \
    {                                                                                              \
        for (size_t i = 0; i < (count); i++)                                                       \
            if (strcmp((table)[i]->name, name) == 0) return (table)[i];                            \
        return NULL;                                                                               \
    }                                                                                              \
                                                                                                   \
    const char *stem##_name_at(const void *list, size_t i)                                         \
    {                                                                                              \
        (void)list;                                                                                \
        return i < (count) ? (table)[i]->name : NULL;                                              \
    }

#endif
