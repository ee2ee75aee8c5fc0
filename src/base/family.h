/* A family: a constant table of pointers to descriptors that have a `name`. How every family is
 * looked up stands here once; each source file that holds a family's table defines the two
 * functions that its header declares. */
#ifndef NB_FAMILY_H
#define NB_FAMILY_H

#include <stddef.h>
#include <string.h>

/* const type *stem_find(name): the descriptor of that name, or NULL.
 * const char *stem_name_at(list, i): the i-th name, NULL after the last; for nb_nearest. */
#define NB_DEFINE_FAMILY(T, stem, table, count)                                                    \
    const T *stem##_find(const char *name)                                                         \
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

/* The family as values of options: `stem_family`, from the two functions above. Its descriptors
 * have `options`. */
#define NB_DEFINE_CHOICES(T, stem, word)                                                           \
    static const void *stem##_find_any(const char *name)                                           \
    {                                                                                              \
        return stem##_find(name);                                                                  \
    }                                                                                              \
    static const char *stem##_name_of(const void *type)                                            \
    {                                                                                              \
        return ((const T *)type)->name;                                                            \
    }                                                                                              \
    static const nb_option *stem##_options_of(const void *type)                                    \
    {                                                                                              \
        return ((const T *)type)->options;                                                         \
    }                                                                                              \
    const nb_family stem##_family = {.noun = word,                                                 \
                                     .find = stem##_find_any,                                      \
                                     .name_at = stem##_name_at,                                    \
                                     .name = stem##_name_of,                                       \
                                     .options = stem##_options_of};

#endif
